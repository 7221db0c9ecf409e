"""kill -9 at any instant, of any process or several: what was answered stays true, containers go on, ends are told, nothing is left.

About thirty random kills and one at each named step; with BOXSHIP_LONG=1 two hundred and three at each. BOXSHIP_SEED repeats a run."""

import os
import random

import pytest

from harness import leaks, own
from harness.lab import Lab
from harness.platform import AGENT, wait_for

LONG = os.environ.get("BOXSHIP_LONG") == "1"
SUPERVISOR_STEPS = ["supervisor.launched"]
SERVER_STEPS = ["server.transaction", "server.appended", "server.answered"]
REGISTRY_STEPS = ["registry.chunk_written", "registry.blob_renamed", "registry.manifest_committed"]
AGENT_STEPS = ["agent.payload", "agent.recorded", "agent.netns", "agent.rootfs", "agent.cgroup", "agent.bundle", "agent.monitor",
               "agent.started", "agent.report_sent", "agent.report_heard", "agent.exit_seen", "agent.released"]
MONITOR_STEPS = ["monitor.begun", "monitor.creating", "monitor.started", "monitor.exit_seen", "monitor.exit_written"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A platform of its own that dies where it is told, beside the session's other one."""
    directory = tmp_path_factory.mktemp("lab")
    faults = directory / "faults"
    faults.mkdir()
    with own.platform(directory, variables={"BOXSHIP_TEST_FAULTS": str(faults)}) as platform:
        platform.faults = faults
        yield platform


def test_a_running_container_survives_each_process(ground):
    arn = ground.run(ground.define([{"name": "c", "image": ground.image, "command": [
        "sh", "-c", "trap 'exit 21' TERM; while :; do sleep 0.1; done"]}]))[0]
    before = ground.wait_status(arn, "RUNNING")
    for child in ["server", AGENT, "server"]:
        ground.kill(child)
        ground.wait_ready()
        task = ground.wait_status(arn, "RUNNING")
        assert task["startedAt"] == before["startedAt"]
        assert task["containers"][0]["runtimeId"] == before["containers"][0]["runtimeId"]
    ground.kill("up")
    ground.up()
    ground.wait_ready()
    assert ground.describe(arn)["lastStatus"] == "RUNNING"
    assert ground.stop(arn)["containers"][0]["exitCode"] == 21


def test_an_exit_while_the_agent_is_down_is_reported_with_its_code(ground):
    arn = ground.run(ground.define([{"name": "c", "image": ground.image, "command": ["sh", "-c", "sleep 1; exit 33"]}]))[0]
    ground.wait_status(arn, "RUNNING")
    ground.kill(AGENT)
    assert ground.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == 33


def test_a_repeated_client_token_has_one_effect_across_a_kill(ground):
    definition = ground.define([{"name": "c", "image": ground.image, "command": ["sleep", "300"]}])
    ecs = ground.client("ecs")
    request = dict(cluster="default", taskDefinition=definition, launchType="FARGATE", clientToken="once-and-only-once",
                   networkConfiguration={"awsvpcConfiguration": {"subnets": [ground.subnet()]}})
    first = ecs.run_task(**request)["tasks"][0]["taskArn"]
    ground.kill("server")
    ground.wait_ready()
    assert ecs.run_task(**request)["tasks"][0]["taskArn"] == first
    family = definition.split(":")[0]
    assert ecs.list_tasks(cluster="default", family=family)["taskArns"] == [first]
    ground.wait_status(first, "RUNNING")
    ground.stop(first)


def test_kills_at_any_instant_and_at_every_step(ground):
    seed = int(os.environ.get("BOXSHIP_SEED", random.randrange(1 << 32)))
    print(f"BOXSHIP_SEED={seed}")
    warm = ground.run(ground.define([{"name": "c", "image": ground.image, "command": ["true"]}]))[0]
    ground.wait_status(warm, "STOPPED")
    wait_for(lambda: not ground.status()["tasks"], "the task to be gone")
    empty = leaks.census(ground)
    lab = Lab(ground, ground.image, seed)
    lab.start()
    try:
        lab.kill_many(200 if LONG else 30, pause_max=1.0)
        for step in (SUPERVISOR_STEPS + SERVER_STEPS + REGISTRY_STEPS + AGENT_STEPS + MONITOR_STEPS) * (3 if LONG else 1):
            lab.die_at(step, ground.faults)
    finally:
        lab.stop()
    print(lab.histogram())
    print(lab.check())
    lab.stop_everything()
    assert ground.boxship("doctor").returncode == 0
    assert leaks.settles(ground, empty) == []


def test_nothing_stays_open(ground):
    """Descriptors of the server and the agent, before and after work that ended well."""
    for child in ("server", AGENT):
        ground.kill(child)
    ground.wait_ready()
    definition = ground.define([{"name": "c", "image": ground.image, "command": ["true"]}])

    def work():
        for arn in ground.run(definition, count=5):
            ground.wait_status(arn, "STOPPED")
        wait_for(lambda: not ground.status()["tasks"], "the tasks to be gone")

    def opened():
        return {child: leaks.descriptors(ground.find(child)) for child in ("server", AGENT)}

    work()  # what is opened once is open now
    before = opened()
    for _ in range(3):
        work()

    # Connections are kept for the next calls, as many as were last needed at once: an agent's own calls, four at most
    # (agent/api_client.cpp), and the registry's, one for each of five tasks. What is forgotten once a task would be fifteen.
    spared = {"socket": 4 + 5}

    def more():
        now = opened()
        return {child: {kind: (count, before[child].get(kind, 0)) for kind, count in now[child].items()
                        if count > before[child].get(kind, 0) + spared.get(kind, 1)} for child in now}
    wait_for(lambda: not any(more().values()), lambda: f"descriptors to be closed again (now, before): {more()}", 30)
