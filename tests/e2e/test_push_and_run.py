"""S1: push an image to a new repository and run it, with the clients that people use. S22: clean up."""

import json
import subprocess

from harness import images
from harness.platform import wait_for


def test_aws_cli_from_repository_to_exit_code_and_back(platform, tmp_path):
    """Every line as README has it, through `boxship env`'s shell function."""
    layout = images.make_busybox(tmp_path / "image")
    script = f"""
aws ecr create-repository --repository-name shop/web >/dev/null
aws ecr get-login-password | skopeo login --tls-verify=false --username AWS --password-stdin --authfile {tmp_path}/auth.json {platform.registry} >/dev/null
skopeo copy --quiet --dest-tls-verify=false --authfile {tmp_path}/auth.json {layout} docker://{platform.registry}/shop/web:v1
aws ecs create-cluster --cluster-name shop >/dev/null
aws ecs register-task-definition --family web --requires-compatibilities FARGATE --network-mode awsvpc --cpu 256 --memory 512 \
    --container-definitions '[{{"name":"web","image":"{platform.registry}/shop/web:v1","stopTimeout":2,
        "command":["sh","-c","echo from the container; sleep 300"]}}]' >/dev/null
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
task=$(aws ecs run-task --cluster shop --task-definition web --launch-type FARGATE \
    --network-configuration "awsvpcConfiguration={{subnets=[$subnet]}}" --query 'tasks[0].taskArn' --output text)
aws ecs wait tasks-running --cluster shop --tasks $task
boxship logs "$task"
boxship explain "$task" >&2
aws ecs stop-task --cluster shop --task $task --reason "enough of it" >/dev/null
aws ecs wait tasks-stopped --cluster shop --tasks $task
aws ecs describe-tasks --cluster shop --tasks $task --output json
"""
    done = platform.shell(script)
    assert done.returncode == 0, done.stderr
    assert "from the container" in done.stdout
    assert "PENDING" in done.stderr and "RUNNING" in done.stderr
    task = json.loads(done.stdout[done.stdout.index("{"):])["tasks"][0]
    assert task["lastStatus"] == task["desiredStatus"] == "STOPPED"
    assert task["stopCode"] == "UserInitiated" and task["stoppedReason"] == "enough of it"
    assert task["containers"][0]["exitCode"] == 137  # sh ignores SIGTERM as pid 1
    for moment in ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt"):
        assert task.get(moment), moment


def test_two_tags_of_one_image_are_one_image(platform, ecr, tmp_path):
    layout = images.make_busybox(tmp_path / "image", "a")
    images.push(platform, layout, "test/tags:a", tmp_path)
    images.push(platform, layout, "test/tags:b", tmp_path)
    details = ecr.describe_images(repositoryName="test/tags")["imageDetails"]
    assert len(details) == 1
    assert sorted(details[0]["imageTags"]) == ["a", "b"]


def test_skopeo_reads_back_what_it_pushed(platform, tmp_path):
    layout = images.make_busybox(tmp_path / "image")
    reference = images.push(platform, layout, "test/back:1", tmp_path)
    auth = ["--src-tls-verify=false", "--src-authfile", images.login(platform, tmp_path)]
    subprocess.run(["skopeo", "copy", "--quiet", *auth, f"docker://{reference}", f"oci:{tmp_path}/back:1"], check=True, timeout=60)
    blobs = {p.name for p in (tmp_path / "image/blobs/sha256").iterdir()}
    assert blobs == {p.name for p in (tmp_path / "back/blobs/sha256").iterdir()}


def test_clean_up_as_a_user_does(platform, ecs, busybox):
    """S22 without services: tasks end, the definition goes, the cluster goes and stays describable as INACTIVE."""
    platform.cluster("passing")
    definition = platform.define([{"name": "c", "image": busybox, "command": ["sleep", "300"]}])
    arn = platform.run(definition, cluster="passing")[0]
    platform.wait_status(arn, "RUNNING", cluster="passing")
    try:
        ecs.delete_cluster(cluster="passing")
        raise AssertionError("a cluster with a running task was deleted")
    except ecs.exceptions.ClusterContainsTasksException as error:
        assert "The Cluster cannot be deleted while Tasks are active." in str(error)
    platform.stop(arn, cluster="passing")
    answer = ecs.deregister_task_definition(taskDefinition=definition)
    assert answer["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.delete_cluster(cluster="passing")["cluster"]["status"] == "INACTIVE"
    assert ecs.describe_clusters(clusters=["passing"])["clusters"][0]["status"] == "INACTIVE"
    assert not any(arn.endswith("/passing") for arn in ecs.list_clusters()["clusterArns"])


def test_deleting_an_image_leaves_running_tasks_alone(platform, ecr, tmp_path):
    layout = images.make_busybox(tmp_path / "image")
    reference = images.push(platform, layout, "test/gone:1", tmp_path)
    platform.cluster()
    arn = platform.run(platform.define([{"name": "c", "image": reference, "command": ["sleep", "300"]}]))[0]
    platform.wait_status(arn, "RUNNING")
    ecr.batch_delete_image(repositoryName="test/gone", imageIds=[{"imageTag": "1"}])
    assert ecr.describe_images(repositoryName="test/gone")["imageDetails"] == []
    assert platform.describe(arn)["lastStatus"] == "RUNNING"
    again = platform.run(platform.define([{"name": "c", "image": reference}]))[0]
    stopped = platform.wait_status(again, "STOPPED")
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "CannotPull" in stopped["stoppedReason"] or "CannotPull" in stopped["containers"][0]["reason"]
    platform.stop(arn)
    wait_for(lambda: not any(t["id"] in arn for t in platform.status()["tasks"]), "the task to leave status")
