"""S13: each placement strategy and constraint, and mixes of them, for tasks and for services, with real hosts and containers. S22: the way out."""

import collections
import json

import pytest

from harness import own
from harness.platform import wait_for

ZONE = "attribute:ecs.availability-zone"
SMALL, LARGE = "t3.medium", "c5.xlarge"


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """Four small hosts in the zones a, b, c, a and a large one in b; the first two stand in rack 1, the others in rack 2."""
    with own.platform(tmp_path_factory.mktemp("placement"), "--instances", f"4:{SMALL}") as platform:
        platform.boxship("instances", "add", LARGE)
        platform.wait_ready(agents=6)
        yield platform


@pytest.fixture(scope="module")
def ecs(platform):
    return platform.client("ecs")


@pytest.fixture(scope="module")
def hosts(platform, ecs):
    """ARN → what an expression may ask of it."""
    arns = ecs.list_container_instances(cluster="default")["containerInstanceArns"]
    assert len(arns) == 5
    named = {host["id"]: host["name"] for host in platform.status()["hosts"]}
    racks = {arn: "1" if named[arn.rsplit("/", 1)[1]] in ("instance-1", "instance-2") else "2" for arn in arns}
    ecs.put_attributes(cluster="default", attributes=[
        {"name": "rack", "value": rack, "targetType": "container-instance", "targetId": arn} for arn, rack in racks.items()])
    found = {}
    for host in ecs.describe_container_instances(cluster="default", containerInstances=arns)["containerInstances"]:
        attributes = {a["name"]: a.get("value") for a in host["attributes"]}
        found[host["containerInstanceArn"]] = {"zone": attributes["ecs.availability-zone"][-1], "type": attributes["ecs.instance-type"],
                                               "rack": attributes["rack"]}
    assert collections.Counter(host["zone"] for host in found.values()) == {"a": 2, "b": 2, "c": 1}
    return found


@pytest.fixture(scope="module")
def definition(platform, ecs):
    return ecs.register_task_definition(family="placed", containerDefinitions=[
        {"name": "c", "image": platform.image, "cpu": 64, "memory": 64, "command": ["sh", "-c", "trap exit TERM; sleep 600 & wait"], "stopTimeout": 1}])["taskDefinition"]["taskDefinitionArn"]


@pytest.fixture
def run(platform, ecs, definition):
    """Runs tasks and tells on which host each is; they end with the test."""
    started = []

    def run(count, strategy=(), constraints=()):
        answer = ecs.run_task(cluster="default", taskDefinition=definition, count=count, launchType="EC2",
                              placementStrategy=[dict(zip(("type", "field"), step)) for step in strategy],
                              placementConstraints=[dict(zip(("type", "expression"), constraint)) for constraint in constraints])
        arns = [task["taskArn"] for task in answer["tasks"]]
        started.extend(arns)
        run.failures = {failure["reason"] for failure in answer["failures"]}
        return [platform.wait_status(arn, "RUNNING")["containerInstanceArn"] for arn in arns]
    yield run
    for arn in started:
        ecs.stop_task(cluster="default", task=arn)
    for arn in started:
        platform.wait_status(arn, "STOPPED")


def counts(places, hosts, what):
    return collections.Counter(hosts[place][what] for place in places)


@pytest.mark.parametrize("field", ["cpu", "memory", "MEMORY"])
def test_binpack_fills_one_host(run, hosts, field):
    places = run(5, [("binpack", field)])
    assert len(places) == 5 and len(set(places)) == 1
    assert hosts[places[0]]["type"] == SMALL    # the one that has least left
    assert set(run(2, [("binpack", field)])) == set(places)


def test_spread_over_hosts(run, hosts):
    assert set(run(5, [("spread", "instanceId")])) == set(hosts)
    assert len(set(run(5, [("spread", "host")]))) == 5


def test_spread_over_zones(run, hosts):
    assert counts(run(6, [("spread", ZONE)]), hosts, "zone") == {"a": 2, "b": 2, "c": 2}


def test_spread_over_an_attribute_of_ones_own(run, hosts):
    assert counts(run(6, [("spread", "attribute:rack")]), hosts, "rack") == {"1": 3, "2": 3}


def test_random_takes_any_host(run, hosts):
    assert set(run(10, [("random",)])) <= set(hosts)


def test_a_chain_that_packs_within_zones(run, hosts):
    places = run(6, [("spread", ZONE), ("binpack", "memory")])
    assert counts(places, hosts, "zone") == {"a": 2, "b": 2, "c": 2} and len(set(places)) == 3


def test_a_chain_that_spreads_twice(run, hosts):
    places = run(4, [("spread", "attribute:rack"), ("spread", "instanceId")])
    assert counts(places, hosts, "rack") == {"1": 2, "2": 2} and len(set(places)) == 4


def test_distinct_instance(run, hosts):
    assert set(run(5, constraints=[("distinctInstance",)])) == set(hosts)
    assert run(1, constraints=[("distinctInstance",)]) == []
    assert run.failures == {"DistinctInstance placement constraint unsatisfied."}


EXPRESSIONS = {
    "attribute:rack == 1": lambda host: host["rack"] == "1",
    "attribute:rack != 1": lambda host: host["rack"] != "1",
    f"attribute:ecs.instance-type == {LARGE}": lambda host: host["type"] == LARGE,
    "attribute:ecs.instance-type =~ t3.*": lambda host: host["type"] == SMALL,
    "attribute:ecs.instance-type !~ t3.*": lambda host: host["type"] != SMALL,
    f"{ZONE} in [us-east-1a, us-east-1c]": lambda host: host["zone"] in "ac",
    f"{ZONE} not_in [us-east-1a, us-east-1c]": lambda host: host["zone"] == "b",
    "attribute:rack exists": lambda host: True,
    "attribute:row !exists": lambda host: True,
    "attribute:row exists": lambda host: False,
    f"attribute:rack == 2 and {ZONE} == us-east-1a": lambda host: host["rack"] == "2" and host["zone"] == "a",
    f"attribute:rack == 1 or ({ZONE} == us-east-1c and not(attribute:ecs.instance-type == {LARGE}))":
        lambda host: host["rack"] == "1" or host["zone"] == "c",
    "agentConnected == true": lambda host: True,
    "runningTasksCount == 0": lambda host: True,
    "runningTasksCount > 0": lambda host: False,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_member_of(ecs, run, hosts, expression):
    """A constraint and a filter of ListContainerInstances mean the same."""
    wait_for(lambda: not ecs.list_tasks(cluster="default", launchType="EC2")["taskArns"], "the tasks of the test before to be gone")
    allowed = {arn for arn, host in hosts.items() if EXPRESSIONS[expression](host)}
    assert set(ecs.list_container_instances(cluster="default", filter=expression)["containerInstanceArns"]) == allowed
    places = run(len(hosts), [("spread", "instanceId")], [("memberOf", expression)])
    if allowed:
        assert set(places) == allowed
    else:
        assert places == [] and run.failures == {"MemberOf placement constraint unsatisfied."}


def test_beside_tasks_of_a_group(platform, ecs, run, hosts, definition):
    first = ecs.run_task(cluster="default", taskDefinition=definition, launchType="EC2", group="databases")["tasks"][0]
    try:
        assert set(run(3, constraints=[("memberOf", "task:group == databases")])) == {first["containerInstanceArn"]}
        assert first["containerInstanceArn"] not in run(3, constraints=[("memberOf", "not(task:group == databases)")])
    finally:
        platform.stop(first["taskArn"])


def test_a_mix(run, hosts):
    places = run(3, [("spread", ZONE)], [("distinctInstance",), ("memberOf", "attribute:rack == 2")])
    assert len(set(places)) == 3 and counts(places, hosts, "rack") == {"2": 3} and counts(places, hosts, "zone") == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("strategy, many, few", [
    ([("spread", ZONE)], 6, 3), ([("spread", "attribute:rack"), ("binpack", "memory")], 4, 2), ([("binpack", "cpu")], 4, 2), ([("random",)], 4, 1)])
def test_a_service_grows_and_shrinks_by_its_strategy(ecs, hosts, definition, strategy, many, few):
    """And S22, first part: to zero, deleted, INACTIVE."""
    def places(count):
        ecs.update_service(service="placed", desiredCount=count)
        ecs.get_waiter("services_stable").wait(services=["placed"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        arns = ecs.list_tasks(serviceName="placed")["taskArns"]
        assert len(arns) == count
        return [task["containerInstanceArn"] for task in ecs.describe_tasks(cluster="default", tasks=arns)["tasks"]]

    ecs.create_service(serviceName="placed", taskDefinition=definition, desiredCount=0,
                       placementStrategy=[dict(zip(("type", "field"), step)) for step in strategy])
    for count in (many, few):
        found = places(count)
        if strategy[0] == ("spread", ZONE):
            assert set(counts(found, hosts, "zone").values()) == {count // 3}
        elif strategy[0] == ("spread", "attribute:rack"):
            assert set(counts(found, hosts, "rack").values()) == {count // 2} and len(set(found)) == 2
        elif strategy[0][0] == "binpack":
            assert len(set(found)) == 1
    ecs.update_service(service="placed", desiredCount=0)
    ecs.delete_service(service="placed")
    ecs.get_waiter("services_inactive").wait(services=["placed"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_the_command_line_says_it_too(platform, hosts, definition):
    answer = platform.aws("ecs", "run-task", "--cluster", "default", "--task-definition", definition, "--count", "3", "--launch-type", "EC2",
                          "--placement-strategy", f"type=spread,field={ZONE}", "--placement-constraints", "type=memberOf,expression=attribute:rack == 2")
    assert counts([task["containerInstanceArn"] for task in answer["tasks"]], hosts, "zone") == {"a": 1, "b": 1, "c": 1}
    story = json.loads(platform.boxship("explain", answer["tasks"][0]["taskArn"], "--json").stdout)
    assert story
    for task in answer["tasks"]:
        platform.stop(task["taskArn"])


def test_the_way_out(platform, ecs, hosts, definition):
    """S22: the definition is deregistered and deleted, hosts leave, the cluster goes; nothing runs any more."""
    ecs.deregister_task_definition(taskDefinition=definition)
    assert ecs.delete_task_definitions(taskDefinitions=[definition])["failures"] == []
    with pytest.raises(ecs.exceptions.ClusterContainsContainerInstancesException):
        ecs.delete_cluster(cluster="default")
    for number in range(1, 6):
        platform.boxship("instances", "remove", f"instance-{number}")
    assert ecs.list_container_instances(cluster="default")["containerInstanceArns"] == []
    assert ecs.delete_cluster(cluster="default")["cluster"]["status"] == "INACTIVE"
    assert platform.monitors() == {}
