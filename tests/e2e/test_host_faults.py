"""The host and its surroundings fail: it restarts, runs out of descriptors, the network or a foreign registry is away."""

import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess
import threading

import pytest

from harness import own
from harness.platform import AGENT, wait_for

LOOP = {"name": "c", "command": ["sh", "-c", "trap 'exit 5' TERM; sleep 1000 & wait"], "stopTimeout": 2}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with own.platform(tmp_path_factory.mktemp("host-faults")) as platform:
        yield platform


def run(platform, **more):
    arn = platform.run(platform.define([{**LOOP, "image": platform.image, **more}]))[0]
    return platform.wait_status(arn, "RUNNING")


# --- a restart of the host

def pull_the_plug(platform):
    """Everything at once, and then what a boot finds: no processes, no mounts, no namespaces, links, rules, cgroups; /run is empty;
    another boot id (the records are made to name one of an earlier boot)."""
    data, short_id = platform.marks()

    def cgroups():
        return [path for path, _, _ in os.walk("/sys/fs/cgroup", topdown=False) if f"boxship-{short_id}" in path]

    def processes():
        """The platform's, its monitors', whatever is in its cgroups, and who is on the way there."""
        found = set(filter(None, map(platform.find, ("up", "server", AGENT))))
        for path in cgroups():
            if os.path.exists(path + "/cgroup.procs"):
                found |= {int(pid) for pid in pathlib.Path(path, "cgroup.procs").read_text().split()}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"/{short_id}/".encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                pass
        return found

    def dead():
        """Nobody lives to see another one's end: all are halted first."""
        remaining = processes()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in remaining:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        return not remaining
    wait_for(dead, "everything to be dead")
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()
              if data in line or f"/{short_id}/" in line]
    for mount in reversed(mounts):
        subprocess.run(["umount", "--lazy", mount], check=True)
    subprocess.run(["rm", "-rf", f"/run/boxship/{short_id}"], check=True)
    for line in subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines():
        name = line.split(":")[1].split("@")[0].strip()
        if name.startswith(short_id):
            subprocess.run(["ip", "link", "delete", name], capture_output=True)
    subprocess.run(["nft", "delete", "table", "inet", f"boxship-{short_id}"], check=True)

    for path in cgroups():      # the innermost first
        wait_for(lambda: not pathlib.Path(path, "cgroup.procs").read_text(), f"{path} to be empty")
        os.rmdir(path)
    for agent in pathlib.Path(data, "agents").iterdir():
        (agent / "runtime/boot").write_text("00000000-0000-0000-0000-000000000000")
        database = sqlite3.connect(agent / "agent.db")
        assert database.execute("UPDATE facts SET value = 'an earlier boot' WHERE name = 'boot'").rowcount == 1
        database.commit()
        database.close()


def test_after_a_restart_of_the_host_everything_that_ran_is_stopped_with_that_reason(ground):
    tasks = [run(ground)["taskArn"] for _ in range(3)]
    starting = ground.run(ground.define([{**LOOP, "image": ground.image}]), count=3)
    pull_the_plug(ground)
    ground.up()
    ground.wait_ready()
    for arn in tasks:
        task = ground.wait_status(arn, "STOPPED")
        assert task["stopCode"] and task["stoppedReason"]
        assert "the host was restarted" in task["containers"][0]["reason"], task["containers"]
    for arn in starting:  # begun or not: finished, or stopped with a reason
        task = wait_for(lambda: (t := ground.describe(arn))["lastStatus"] in ("RUNNING", "STOPPED") and t, "a half-started task to be decided")
        assert task["lastStatus"] == "RUNNING" or task["stoppedReason"]
        ground.stop(arn)
    ground.stop(run(ground)["taskArn"])
    wait_for(lambda: not ground.status()["tasks"], "nothing to run")
    assert not ground.monitors()
    left = [p.name for agent in pathlib.Path(ground.data, "agents").iterdir() for p in (agent / "runtime/containers").iterdir()]
    assert left == [], "root file systems of an earlier boot"


# --- descriptors

def test_out_of_descriptors_the_processes_live_on_and_recover(ground):
    task = run(ground)
    definition = task["taskDefinitionArn"]
    for child in ("server", AGENT):
        pid = ground.find(child)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))    # below all that is open: not one more, whatever it closes
        held = []
        try:
            if child == "server":
                for _ in range(20):     # more than it can take
                    held.append(socket.create_connection(("127.0.0.1", ground.port)))
            else:
                arn = ground.client("ecs").run_task(
                    cluster="default", taskDefinition=definition, launchType="FARGATE",
                    networkConfiguration={"awsvpcConfiguration": {"subnets": [ground.subnet()]}})["tasks"][0]["taskArn"]
                log = pathlib.Path(ground.data, "log", f"{AGENT}.log")
                wait_for(lambda: "release a task" in log.read_text(), "the agent to give the task up, and to fail at that too")
                assert ground.describe(arn)["lastStatus"] == "PENDING", "what may have left something behind has not ended"
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
            for connection in held:
                connection.close()
        if child == AGENT:
            failed = ground.wait_status(arn, "STOPPED")
            assert "Too many open files" in failed["stoppedReason"] + failed["containers"][0].get("reason", "")
        ground.wait_ready()
        ground.stop(run(ground)["taskArn"])
        assert ground.find(child) == pid, f"{child} did not live on"
    assert ground.stop(task["taskArn"])["containers"][0]["exitCode"] == 5


# --- foreign registries

def fails_to_pull(platform, image):
    task = platform.run_to_end([{"name": "c", "image": image}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPull"), task["stoppedReason"]
    return task["stoppedReason"]


def test_a_registry_that_nobody_serves(ground):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    assert "refused" in fails_to_pull(ground, f"localhost:{port}/x:1")


def test_a_registry_whose_name_does_not_resolve(ground):
    reason = fails_to_pull(ground, "registry.invalid/x:1")
    assert "registry.invalid" in reason


def test_a_registry_that_never_answers_holds_up_nobody_else(ground):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        taken = []
        thread = threading.Thread(target=lambda: taken.append(silent.accept()), daemon=True)
        thread.start()
        slow = ground.run(ground.define([{"name": "c", "image": f"localhost:{silent.getsockname()[1]}/x:1"}]))[0]
        wait_for(lambda: taken, "the agent to ask the registry")
        ground.stop(run(ground)["taskArn"])
        assert ground.describe(slow)["lastStatus"] == "PENDING"
        stopped = ground.stop(slow)
        assert stopped["stopCode"] == "UserInitiated"
        thread.join()
        for connection, _ in taken:
            connection.close()


# --- neighbours

def test_two_platforms_on_one_host(ground, tmp_path):
    """Equal names, tasks and times on both; the end of one is nothing to the other."""
    mine = run(ground)
    with own.platform(tmp_path) as other:
        theirs = run(other)
        assert ground.address(mine) != other.address(theirs)
        assert ground.marks()[1] != other.marks()[1]
        other.kill(AGENT)
        ground.kill(AGENT)
        other.wait_ready()
        ground.wait_ready()
        assert other.describe(theirs["taskArn"])["lastStatus"] == "RUNNING"
        assert ground.describe(mine["taskArn"])["lastStatus"] == "RUNNING"
    assert ground.describe(mine["taskArn"])["lastStatus"] == "RUNNING"
    assert ground.stop(mine["taskArn"])["containers"][0]["exitCode"] == 5
