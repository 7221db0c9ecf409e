"""Fargate tasks have a network of their own: an address each, the same port in each, endpoints that only they can read."""

import json
import urllib.request

import pytest

from harness.platform import wait_for


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()


def get(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def wait_page(url):
    def answered():
        try:
            return get(url)
        except OSError:
            return None
    return wait_for(answered, f"{url} to answer")


def test_two_tasks_on_port_80_answer_from_this_host(platform, hello):
    definition = platform.define([{"name": "hello", "image": hello, "portMappings": [{"containerPort": 80}]}])
    arns = platform.run(definition, count=2)
    addresses = set()
    for arn in arns:
        task = platform.wait_status(arn, "RUNNING")
        address = platform.address(task)
        addresses.add(address)
        facts = json.loads(wait_page(f"http://{address}/json"))
        assert arn in json.dumps(facts)
        page = get(f"http://{address}/")
        for fact in (arn, "FARGATE", "awsvpc", address, task["availabilityZone"]):
            assert fact in page
    assert len(addresses) == 2
    for arn in arns:
        platform.stop(arn)


def test_no_instance_is_visible(platform, ecs, busybox):
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": ["sleep", "300"]}]))[0]
    task = platform.wait_status(arn, "RUNNING")
    assert "containerInstanceArn" not in task
    assert task["launchType"] == "FARGATE" and task["platformVersion"]
    assert ecs.list_container_instances(cluster="default")["containerInstanceArns"] == []
    assert ecs.describe_clusters(clusters=["default"])["clusters"][0]["registeredContainerInstancesCount"] == 0
    attachment = task["attachments"][0]
    assert attachment["type"] == "ElasticNetworkInterface" and attachment["status"] == "ATTACHED"
    interface = platform.client("ec2").describe_network_interfaces(
        NetworkInterfaceIds=[next(d["value"] for d in attachment["details"] if d["name"] == "networkInterfaceId")])["NetworkInterfaces"][0]
    assert interface["PrivateIpAddress"] == platform.address(task)
    platform.stop(arn)


def test_metadata_tells_a_task_about_itself(platform, busybox):
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": [
        "sh", "-c", "wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task; echo; wget -q -O - $ECS_CONTAINER_METADATA_URI_V4; echo; "
                    "wget -q -O - $ECS_CONTAINER_METADATA_URI/task; echo; "
                    "wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/taskWithTags; echo"]}]),
        tags=[{"key": "team", "value": "blue"}])[0]
    stopped = platform.wait_status(arn, "STOPPED")
    v4_task, v4_container, v3_task, tagged = (json.loads(line) for line in platform.logs(f"{arn}/c").splitlines())
    assert v4_task["TaskARN"] == v3_task["TaskARN"] == arn
    assert tagged["TaskTags"] == {"team": "blue"}
    assert v4_task["LaunchType"] == "FARGATE"
    assert v4_task["AvailabilityZone"] == stopped["availabilityZone"]
    assert v4_container["Name"] == "c"
    assert v4_container["Networks"][0]["NetworkMode"] == "awsvpc"
    assert v4_container["Networks"][0]["IPv4Addresses"] == [platform.address(stopped)]
    assert v4_container["Networks"][0]["MACAddress"]


def test_one_task_cannot_read_another_tasks_metadata(platform, busybox):
    first = platform.run(platform.define([{"name": "c", "image": busybox, "command": [
        "sh", "-c", "echo $ECS_CONTAINER_METADATA_URI_V4; sleep 300"]}]))[0]
    platform.wait_status(first, "RUNNING")
    uri = wait_for(lambda: platform.logs(f"{first}/c").strip(), "the first task's address of its metadata")
    second = platform.run_to_end([{"name": "c", "image": busybox, "command": ["sh", "-c", f"wget -q -O - {uri}/task && exit 99; exit 0"]}])
    assert second["containers"][0]["exitCode"] == 0
    platform.stop(first)


def test_tasks_reach_each_other_and_the_api(platform, hello, busybox):
    server = platform.run(platform.define([{"name": "hello", "image": hello}]))[0]
    address = platform.address(platform.wait_status(server, "RUNNING"))
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": [
        "sh", "-c", f"wget -q -O - http://{address}/health && wget -q -O - $AWS_ENDPOINT_URL/health"]}])
    assert task["containers"][0]["exitCode"] == 0, platform.logs(task["taskArn"])
    platform.stop(server)


def test_a_role_gives_credentials_that_work_for_the_task_alone(platform, busybox):
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": [
        "sh", "-c", "wget -q -O - http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; echo; sleep 300"]}],
        taskRoleArn="arn:aws:iam::000000000000:role/app"))[0]
    platform.wait_status(arn, "RUNNING")
    credentials = json.loads(wait_for(lambda: platform.logs(f"{arn}/c").strip(), "the credentials"))
    assert credentials["RoleArn"] == "arn:aws:iam::000000000000:role/app"
    import boto3
    import botocore.exceptions
    keys = {"endpoint_url": platform.endpoint, "region_name": "us-east-1", "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"], "aws_session_token": credentials["Token"]}
    identity = boto3.client("sts", **keys).get_caller_identity()
    assert identity["Arn"].startswith("arn:aws:sts::000000000000:assumed-role/app/")
    with pytest.raises(botocore.exceptions.ClientError) as denied:
        boto3.client("ecs", **keys).list_clusters()
    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    platform.stop(arn)
    with pytest.raises(botocore.exceptions.ClientError):
        boto3.client("sts", **keys).get_caller_identity()


def test_sizes_that_fargate_does_not_offer(platform, ecs, busybox):
    with pytest.raises(ecs.exceptions.ClientException) as error:
        platform.define([{"name": "c", "image": busybox}], cpu="256", memory="8192")
    assert "No Fargate configuration exists for given values" in str(error.value)
