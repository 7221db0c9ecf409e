"""What happens inside: exit codes, failures to start, limits, environment, several containers."""

import pytest


def container(image, command, **more):
    return {"name": "c", "image": image, "command": ["sh", "-c", command], **more}


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()


@pytest.mark.parametrize("code", [0, 1, 42])
def test_exit_code_arrives(platform, busybox, code):
    task = platform.run_to_end([container(busybox, f"exit {code}")])
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == code
    assert task["startedAt"] <= task["stoppedAt"]


def test_out_of_memory_is_recognised(platform, busybox):
    task = platform.run_to_end([container(busybox, "head -c 200m /dev/zero | tail", memory=64)])
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_command_that_does_not_exist(platform, busybox):
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": ["/no/such/program"]}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert "CannotStartContainerError" in task["containers"][0]["reason"] or "CannotCreateContainerError" in task["containers"][0]["reason"]
    assert "/no/such/program" in task["containers"][0]["reason"]


def test_an_image_that_does_not_exist(platform):
    task = platform.run_to_end([{"name": "c", "image": f"{platform.registry}/nobody/nothing:1"}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert "CannotPull" in task["stoppedReason"]
    assert "nobody/nothing" in task["stoppedReason"]


def test_a_registry_that_does_not_answer(platform):
    task = platform.run_to_end([{"name": "c", "image": "127.0.0.1:9/some/image:1"}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert "CannotPull" in task["stoppedReason"]


def test_environment_user_and_directory(platform, busybox):
    definition = platform.define([container(
        busybox, "pwd; id -u; echo $GREETING; echo $AWS_EXECUTION_ENV; echo $ECS_CONTAINER_METADATA_URI_V4",
        workingDirectory="/tmp", user="1000:1000", environment=[{"name": "GREETING", "value": "two words"}])])
    arn = platform.run(definition)[0]
    platform.wait_status(arn, "STOPPED")
    lines = platform.logs(f"{arn}/c").splitlines()
    assert lines[:4] == ["/tmp", "1000", "two words", "AWS_ECS_FARGATE"]
    assert lines[4].startswith("http://169.254.170.2/v4/")


def test_overrides_replace_command_and_add_environment(platform, busybox):
    definition = platform.define([container(busybox, "exit 9", environment=[{"name": "A", "value": "1"}])])
    arn = platform.run(definition, overrides={"containerOverrides": [{
        "name": "c", "command": ["sh", "-c", "exit $((A + B))"],
        "environment": [{"name": "A", "value": "3"}, {"name": "B", "value": "4"}]}]})[0]
    assert platform.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == 7


def test_an_essential_container_takes_the_others_along(platform, busybox):
    task = platform.run_to_end([
        {"name": "side", "image": busybox, "command": ["sleep", "300"], "essential": False, "stopTimeout": 2},
        {"name": "main", "image": busybox, "command": ["sh", "-c", "sleep 0.2; exit 5"]},
    ])
    codes = {c["name"]: c["exitCode"] for c in task["containers"]}
    assert codes["main"] == 5
    assert codes["side"] in (137, 143)


def test_an_inessential_container_may_go(platform, busybox):
    arn = platform.run(platform.define([
        {"name": "once", "image": busybox, "command": ["true"], "essential": False},
        {"name": "main", "image": busybox, "command": ["sleep", "300"]},
    ]))[0]
    platform.wait_status(arn, "RUNNING")
    from harness.platform import wait_for

    def once_stopped():
        task = platform.describe(arn)
        once = next(c for c in task["containers"] if c["name"] == "once")
        return task if once["lastStatus"] == "STOPPED" else None
    task = wait_for(once_stopped, "the inessential container to stop")
    assert task["lastStatus"] == "RUNNING"
    platform.stop(arn)


def test_containers_of_a_task_talk_over_localhost_and_share_a_volume(platform, busybox):
    mount = {"sourceVolume": "shared", "containerPath": "/shared"}
    task = platform.run_to_end([
        {"name": "server", "image": busybox, "essential": False, "mountPoints": [mount], "stopTimeout": 2,
         "command": ["sh", "-c", "mkdir -p /shared/www; echo hello from the side > /shared/www/index.html; httpd -f -p 8080 -h /shared/www"]},
        {"name": "client", "image": busybox, "mountPoints": [mount],
         "command": ["sh", "-c", "until wget -q -O /tmp/x http://127.0.0.1:8080/; do sleep 0.1; done; "
                                 "grep -q 'from the side' /tmp/x && grep -q 'from the side' /shared/www/index.html"]},
    ], volumes=[{"name": "shared", "host": {}}])
    client = next(c for c in task["containers"] if c["name"] == "client")
    assert client["exitCode"] == 0


def test_stop_sends_sigterm_and_waits(platform, busybox):
    arn = platform.run(platform.define([container(busybox, "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.1; done")]))[0]
    platform.wait_status(arn, "RUNNING")
    from harness.platform import wait_for
    wait_for(lambda: "ready" in platform.logs(arn), "the trap to be set")
    task = platform.stop(arn)
    assert task["containers"][0]["exitCode"] == 3
    assert "asked" in platform.logs(arn)


def test_what_is_not_done_yet_is_refused_with_a_sentence(platform, ecs, busybox):
    with pytest.raises(ecs.exceptions.ClientException) as error:
        platform.define([{"name": "c", "image": busybox, "secrets": [{"name": "A", "valueFrom": "arn:aws:ssm:us-east-1:000000000000:parameter/a"}]}])
    assert "secrets" in str(error.value)
