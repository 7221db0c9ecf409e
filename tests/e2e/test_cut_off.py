"""Agents that are cut off for a moment, for longer, and for good. A stopped process is a half-open connection: nobody answers,
and nobody closes it either."""

import os
import signal

import pytest

from harness import own
from harness.platform import AGENT, wait_for

LOST_AFTER = 6  # seconds


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with own.platform(tmp_path_factory.mktemp("cut-off"), "--heartbeat", "1s", "--instance-lost-after", f"{LOST_AFTER}s") as platform:
        yield platform


@pytest.fixture
def frozen(ground):
    """Freezes and thaws the agent; it is thawed at the end in any case."""
    stopped = []

    def freeze():
        stopped.append(ground.find(AGENT))
        os.kill(stopped[-1], signal.SIGSTOP)

    def thaw():
        while stopped:
            os.kill(stopped.pop(), signal.SIGCONT)
    freeze.thaw = thaw
    yield freeze
    thaw()


def connected(platform):
    return platform.status()["connectedAgents"] == 1


def run(platform):
    arn = platform.run(platform.define([{"name": "c", "image": platform.image, "stopTimeout": 2, "command": ["sleep", "1000"]}]))[0]
    return platform.wait_status(arn, "RUNNING")


def test_a_silent_agent_is_noticed_and_nothing_happens_to_its_tasks_for_a_while(ground, frozen):
    task = run(ground)
    frozen()
    wait_for(lambda: not connected(ground), "the heartbeat to notice that nobody answers")
    assert ground.describe(task["taskArn"])["lastStatus"] == "RUNNING"
    told = ground.boxship("explain", task["taskArn"]).stdout
    assert "not connected" in told
    frozen.thaw()
    wait_for(lambda: connected(ground), "the agent to be back")
    again = ground.describe(task["taskArn"])
    assert again["lastStatus"] == "RUNNING" and again["startedAt"] == task["startedAt"]
    ground.stop(task["taskArn"])


def test_tasks_of_a_host_that_stays_away_count_as_lost_and_are_stopped_when_it_returns(ground, frozen, tmp_path):
    task = run(ground)
    container = task["taskArn"].rsplit("/", 1)[1] + "-0"
    frozen()
    lost = ground.wait_status(task["taskArn"], "STOPPED")
    assert lost["stopCode"] == "TerminationNotice"
    assert lost["stoppedReason"] == f"The agent of the host has been disconnected for {LOST_AFTER} seconds; the task counts as lost."
    assert container in ground.monitors(), "nobody could tell the container"
    answer = ground.client("ecs").run_task(
        cluster="default", taskDefinition=task["taskDefinitionArn"], launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [ground.subnet()]}})
    assert answer["tasks"] == [] and "Capacity is unavailable" in answer["failures"][0]["reason"]
    frozen.thaw()
    wait_for(lambda: container not in ground.monitors(), "the returning agent to be told to stop the task")
    assert ground.describe(task["taskArn"])["stoppedReason"] == lost["stoppedReason"]
    ground.stop(run(ground)["taskArn"])


def test_the_count_goes_on_from_the_start_of_a_restarted_server(ground, frozen):
    task = run(ground)
    frozen()
    ground.kill("server")
    ground.wait_ready(agents=0)
    assert ground.describe(task["taskArn"])["lastStatus"] == "RUNNING"
    assert ground.wait_status(task["taskArn"], "STOPPED")["stopCode"] == "TerminationNotice"
    frozen.thaw()
    wait_for(lambda: not ground.monitors(), "the container to be stopped")


def test_a_time_that_is_none_is_refused(ground):
    done = ground.boxship("up", "--instance-lost-after", "soon", check=False)
    assert done.returncode == 1 and "--instance-lost-after must be a time such as 30s, 10m or 2h, or never" in done.stderr
