"""kill -9 at any time: what was answered stays true, containers go on, states come right."""

import os
import random
import subprocess
import threading
import time

import pytest

from harness.platform import wait_for

CHILDREN = ["server", "agent-fargate", "up"]


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()
    yield
    if not alive(platform, "up"):
        platform.up()
    platform.wait_ready()


def alive(platform, child):
    try:
        return not platform._is_zombie(platform.pid(child))
    except FileNotFoundError:
        return False


def started_processes(platform, arn):
    """Pids of the init processes of a task's containers."""
    done = subprocess.run(["pgrep", "-f", arn.rsplit("/", 1)[1]], capture_output=True, text=True)
    return done.stdout.split()


def test_a_running_container_survives_each_process(platform, busybox):
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": [
        "sh", "-c", "trap 'exit 21' TERM; while :; do sleep 0.1; done"]}]))[0]
    before = platform.wait_status(arn, "RUNNING")
    for child in ["server", "agent-fargate", "server"]:
        platform.kill(child)
        platform.wait_ready()
        task = platform.wait_status(arn, "RUNNING")
        assert task["startedAt"] == before["startedAt"]
        assert task["containers"][0]["runtimeId"] == before["containers"][0]["runtimeId"]
    platform.kill("up")
    platform.up()
    platform.wait_ready()
    assert platform.describe(arn)["lastStatus"] == "RUNNING"
    assert platform.stop(arn)["containers"][0]["exitCode"] == 21


def test_an_exit_while_the_agent_is_down_is_reported_with_its_code(platform, busybox):
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": ["sh", "-c", "sleep 1; exit 33"]}]))[0]
    platform.wait_status(arn, "RUNNING")
    platform.kill("agent-fargate")
    assert platform.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == 33


def test_a_repeated_client_token_has_one_effect_across_a_kill(platform, ecs, busybox):
    definition = platform.define([{"name": "c", "image": busybox, "command": ["sleep", "300"]}])
    request = dict(cluster="default", taskDefinition=definition, launchType="FARGATE", clientToken="once-and-only-once",
                   networkConfiguration={"awsvpcConfiguration": {"subnets": [platform.subnet()]}})
    first = ecs.run_task(**request)["tasks"][0]["taskArn"]
    platform.kill("server")
    platform.wait_ready()
    assert ecs.run_task(**request)["tasks"][0]["taskArn"] == first
    family = definition.split(":")[0]
    assert ecs.list_tasks(cluster="default", family=family)["taskArns"] == [first]
    platform.wait_status(first, "RUNNING")
    platform.stop(first)


def test_random_kills_leave_every_answer_true(platform, busybox):
    """Thirty kills while tasks are run and stopped and definitions registered, by several clients at a time."""
    seed = int(os.environ.get("BOXSHIP_SEED", random.randrange(1 << 32)))
    kills = 30
    print(f"BOXSHIP_SEED={seed}")
    chance = random.Random(seed)
    definition = platform.define([{"name": "c", "image": busybox, "stopTimeout": 2, "command": [
        "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]}])
    subnet = platform.subnet()
    done = threading.Event()
    lock = threading.Lock()
    ran, stopped, registered = set(), set(), set()

    def worker(number):
        import botocore.exceptions
        mine = random.Random(seed + number)
        # Requests that fail (the server is just being killed) promise nothing; those that are answered do.
        ecs = platform.client("ecs", attempts=1, connect_timeout=2, read_timeout=10)
        while not done.is_set():
            try:
                if mine.random() < 0.5:
                    answer = ecs.run_task(cluster="default", taskDefinition=definition, launchType="FARGATE", startedBy="kills",
                                          networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}})
                    with lock:
                        ran.update(task["taskArn"] for task in answer["tasks"])
                elif mine.random() < 0.8:
                    with lock:
                        candidates = sorted(ran - stopped)
                    if candidates:
                        arn = mine.choice(candidates)
                        ecs.stop_task(cluster="default", task=arn)
                        with lock:
                            stopped.add(arn)
                else:
                    answer = ecs.register_task_definition(family="kills", containerDefinitions=[
                        {"name": "c", "image": busybox, "memory": 16}])
                    with lock:
                        registered.add(answer["taskDefinition"]["taskDefinitionArn"])
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                time.sleep(0.05)
            time.sleep(mine.random() * 0.2)

    workers = [threading.Thread(target=worker, args=(n,)) for n in range(4)]
    for thread in workers:
        thread.start()
    try:
        for _ in range(kills):
            time.sleep(chance.random() * 0.6)
            child = chance.choice(["server", "agent-fargate"])
            wait_for(lambda: alive(platform, child), f"{child} to run")
            platform.kill(child)
    finally:
        done.set()
        for thread in workers:
            thread.join()
    platform.wait_ready()

    ecs = platform.client("ecs")
    for arn in registered:
        assert ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["status"] == "ACTIVE"
    for arn in sorted(stopped):
        platform.wait_status(arn, "STOPPED")
    for arn in sorted(ran - stopped):
        task = platform.wait_status(arn, "RUNNING")
        assert task["desiredStatus"] == "RUNNING"
    # What nobody was told of (the answer was lost with the server) may run too: it is listed, and it can be stopped.
    for arn in ecs.get_paginator("list_tasks").paginate(cluster="default", startedBy="kills").build_full_result()["taskArns"]:
        platform.stop(arn)
    wait_for(lambda: not platform.status()["tasks"], "every task to be gone")
    print(f"{kills} kills; {len(ran)} tasks run, {len(stopped)} stopped, {len(registered)} revisions registered: all as answered")
    assert platform.boxship("doctor").returncode == 0
