"""The EC2 launch type on simulated hosts, each with a network of its own: bridge with fixed and dynamic ports, host, none."""

import json
import pathlib
import urllib.request

import pytest

from harness.platform import free_port, wait_for


@pytest.fixture(scope="module")
def instances(platform, busybox):
    """Two t3.medium in the cluster `default`, for the tests of this file; the Fargate host alone before and after."""
    platform.boxship("down", "--keep-tasks")
    platform.up("--instances", "2:t3.medium")  # the cluster `default` comes into being by being joined
    platform.wait_ready(agents=3)
    yield platform.client("ecs").list_container_instances(cluster="default")["containerInstanceArns"]
    platform.boxship("down")
    platform.up("--instances", "0")
    platform.wait_ready()
    # Hosts that are not started again do not stay registered for ever.
    assert platform.client("ecs").list_container_instances(cluster="default")["containerInstanceArns"] == []
    assert not list(pathlib.Path(platform.data, "agents").glob("instance-*"))


def define(platform, image, mode, container, **more):
    answer = platform.client("ecs").register_task_definition(
        family=f"ec2-{mode}", networkMode=mode,
        containerDefinitions=[{"name": "c", "image": image, "memory": 64, "stopTimeout": 2, **container}], **more)["taskDefinition"]
    return f"{answer['family']}:{answer['revision']}"


def run(platform, definition, count=1, **more):
    return platform.client("ecs").run_task(cluster="default", taskDefinition=definition, count=count, launchType="EC2", **more)


def host_address(platform, task):
    host = platform.describe(task)["containerInstanceArn"].rsplit("/", 1)[1]
    return next(h["address"] for h in platform.status()["hosts"] if h["id"] == host)


def page(url):
    def answered():
        try:
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            return None
    return wait_for(answered, f"{url} to answer")


def test_hosts_register_with_their_size(platform, instances, ecs):
    assert len(instances) == 2
    for host in ecs.describe_container_instances(cluster="default", containerInstances=instances)["containerInstances"]:
        resources = {r["name"]: r.get("integerValue") for r in host["registeredResources"]}
        assert resources["CPU"] == 2048 and host["agentConnected"] and host["status"] == "ACTIVE"
        attributes = {a["name"]: a.get("value") for a in host["attributes"]}
        assert attributes["ecs.instance-type"] == "t3.medium" and attributes["ecs.availability-zone"].startswith("us-east-1")


def test_a_fixed_host_port_is_taken_once_per_host(platform, instances, hello):
    """S3 and S4 without the service: one task per instance answers on 8080; the third has no place."""
    definition = define(platform, hello, "bridge", {"portMappings": [{"containerPort": 80, "hostPort": 8080}]})
    answer = run(platform, definition, count=2)
    assert answer["failures"] == []
    arns = [task["taskArn"] for task in answer["tasks"]]
    for arn in arns:
        task = platform.wait_status(arn, "RUNNING")
        binding = task["containers"][0]["networkBindings"][0]
        assert (binding["containerPort"], binding["hostPort"]) == (80, 8080)
        assert arn in page(f"http://{host_address(platform, arn)}:8080/")
    third = run(platform, definition)
    assert third["tasks"] == []
    assert {failure["reason"] for failure in third["failures"]} == {"RESOURCE:PORTS"}
    platform.stop(arns[0])
    again = run(platform, definition)
    assert again["failures"] == []
    story = platform.boxship("explain", again["tasks"][0]["taskArn"]).stdout
    assert "was refused: RESOURCE:PORTS (host port 8080 is taken)" in story
    for arn in (arns[1], again["tasks"][0]["taskArn"]):
        platform.stop(arn)


def test_dynamic_ports_differ(platform, instances, hello):
    definition = define(platform, hello, "bridge", {"portMappings": [{"containerPort": 80}]})
    arns = [task["taskArn"] for task in run(platform, definition, count=4)["tasks"]]
    places = set()
    for arn in arns:
        port = platform.wait_status(arn, "RUNNING")["containers"][0]["networkBindings"][0]["hostPort"]
        assert 32768 <= port <= 60999
        address = host_address(platform, arn)
        assert arn in page(f"http://{address}:{port}/")
        places.add((address, port))
    assert len(places) == 4
    for arn in arns:
        platform.stop(arn)


def test_host_mode_shares_the_instances_network(platform, instances, hello):
    definition = define(platform, hello, "host", {"environment": [{"name": "PORT", "value": "9090"}],
                                                  "portMappings": [{"containerPort": 9090}]})
    arn = run(platform, definition)["tasks"][0]["taskArn"]
    platform.wait_status(arn, "RUNNING")
    assert arn in page(f"http://{host_address(platform, arn)}:9090/")
    platform.stop(arn)


def test_mode_none_has_loopback_only(platform, instances, busybox):
    definition = define(platform, busybox, "none", {"command": ["sh", "-c", "test $(ls /sys/class/net | wc -w) = 1 && ls /sys/class/net | grep -qx lo"]})
    arn = run(platform, definition)["tasks"][0]["taskArn"]
    assert platform.wait_status(arn, "STOPPED")["containers"][0]["exitCode"] == 0


def test_what_does_not_fit_says_why(platform, instances, busybox):
    big = define(platform, busybox, "bridge", {"memory": 8000, "command": ["true"]})
    assert {f["reason"] for f in run(platform, big)["failures"]} == {"RESOURCE:MEMORY"}
    wide = define(platform, busybox, "bridge", {"cpu": 4096, "command": ["true"]})
    assert {f["reason"] for f in run(platform, wide)["failures"]} == {"RESOURCE:CPU"}


def test_remaining_resources_follow_the_tasks(platform, instances, ecs, busybox):
    def remaining():
        hosts = ecs.describe_container_instances(cluster="default", containerInstances=instances)["containerInstances"]
        return sum(r["integerValue"] for host in hosts for r in host["remainingResources"] if r["name"] == "MEMORY")
    before = remaining()
    arn = run(platform, define(platform, busybox, "bridge", {"memory": 256, "command": ["sleep", "300"]}))["tasks"][0]["taskArn"]
    assert remaining() == before - 256
    platform.wait_status(arn, "RUNNING")
    assert remaining() == before - 256
    platform.stop(arn)
    assert remaining() == before


def test_awsvpc_on_an_instance(platform, instances, hello):
    definition = define(platform, hello, "awsvpc", {"portMappings": [{"containerPort": 80}]})
    subnets = [s["SubnetId"] for s in platform.client("ec2").describe_subnets()["Subnets"]]
    arn = run(platform, definition, networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}})["tasks"][0]["taskArn"]
    task = platform.wait_status(arn, "RUNNING")
    assert task["containerInstanceArn"] in instances
    assert arn in page(f"http://{platform.address(task)}/")
    platform.stop(arn)


def test_a_load_balancer_reaches_dynamic_ports(platform, instances, ecs, hello):
    """S5: several tasks per instance behind one load balancer, registered by instance and port."""
    definition = define(platform, hello, "bridge", {"portMappings": [{"containerPort": 80}]})
    arns = [task["taskArn"] for task in run(platform, definition, count=4)["tasks"]]
    hosts = {h["containerInstanceArn"]: h["ec2InstanceId"]
             for h in ecs.describe_container_instances(cluster="default", containerInstances=instances)["containerInstances"]}
    targets = []
    for arn in arns:
        task = platform.wait_status(arn, "RUNNING")
        targets.append({"Id": hosts[task["containerInstanceArn"]], "Port": task["containers"][0]["networkBindings"][0]["hostPort"]})
    elb, subnets = platform.client("elbv2"), platform.client("ec2").describe_subnets()["Subnets"]
    balancer = elb.create_load_balancer(Name="instances", Subnets=[s["SubnetId"] for s in subnets])["LoadBalancers"][0]
    group = elb.create_target_group(Name="instances", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=targets)
    port = free_port()
    elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    elb.get_waiter("target_in_service").wait(TargetGroupArn=group, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    seen = set()

    def all_answer():
        text = page(f"http://127.0.0.1:{port}/")
        seen.update(arn for arn in arns if arn in text)
        return seen == set(arns)
    wait_for(all_answer, "each task to answer through the load balancer", timeout=20)
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    elb.delete_target_group(TargetGroupArn=group)
    for arn in arns:
        platform.stop(arn)


def test_hosts_come_and_go_at_run_time(platform, instances, busybox, ecs):
    added = json.loads(platform.boxship("instances", "add", "c5.xlarge", "--json").stdout)
    assert [host["type"] for host in added] == ["c5.xlarge"]
    name = added[0]["name"]
    found = ecs.list_container_instances(cluster="default", filter="attribute:ecs.instance-type == c5.xlarge")["containerInstanceArns"]
    host = ecs.describe_container_instances(cluster="default", containerInstances=found)["containerInstances"][0]
    assert {r["name"]: r.get("integerValue") for r in host["registeredResources"]}["CPU"] == 4096
    definition = define(platform, busybox, "bridge", {"command": ["sleep", "1000"]},
                        placementConstraints=[{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ c5.*"}])
    arn = run(platform, definition)["tasks"][0]["taskArn"]
    assert platform.wait_status(arn, "RUNNING")["containerInstanceArn"] == found[0]
    assert name in platform.boxship("instances").stdout
    before = platform.monitors()
    key = json.loads(pathlib.Path(platform.data, "hosts", f"{name}.json").read_text())
    own = platform.client("ecs", access_key=key["accessKeyId"], secret_key=key["secretAccessKey"], attempts=1)
    own.discover_poll_endpoint(cluster="default")

    platform.boxship("instances", "remove", name)
    task = platform.describe(arn)
    assert task["lastStatus"] == "STOPPED" and task["stopCode"] == "TerminationNotice"
    assert found[0] not in ecs.list_container_instances(cluster="default")["containerInstanceArns"]
    assert platform.find(f"agent-{name}") is None
    assert len(platform.monitors()) < len(before)
    assert not pathlib.Path(platform.data, "agents", name).exists()

    def unknown():
        try:
            own.discover_poll_endpoint(cluster="default")
        except own.exceptions.ClientError as error:
            return error.response["Error"]["Code"] == "UnrecognizedClientException"
    wait_for(unknown, "the key of the host that is gone to be none")
    refused = platform.boxship("instances", "remove", "fargate", check=False)
    assert refused.returncode == 1 and "is no simulated host" in refused.stderr
    # Nothing fits the definition now, and the answer says why.
    failures = run(platform, definition)["failures"]
    assert {failure["reason"] for failure in failures} == {"MemberOf placement constraint unsatisfied."}
