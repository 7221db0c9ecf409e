"""Security groups before real containers, by real packets: in, out, by range and by group, changed under traffic, across crashes."""

import http.client
import pathlib
import uuid

import pytest

from harness.ground import tcp
from harness.platform import AGENT, free_port, wait_for

MACHINE = "169.254.0.0/16"      # where packets of this host come from, as tasks see it


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()


@pytest.fixture(scope="module")
def vpc(platform):
    return platform.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]


def answers(address, port=80, timeout=0.5):
    try:
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()
        return status == 200
    except OSError:
        return False


def opens(address):
    wait_for(lambda: answers(address), f"{address} to answer")


def closes(address):
    wait_for(lambda: not answers(address), f"{address} to answer no more")


def test_a_range_is_let_in_and_shut_out_under_a_connection_that_stays(ground, vpc):
    group = ground.group(vpc)
    _, address = ground.serve(groups=[group])
    assert not answers(address, timeout=1.5), "a group without rules lets nothing in"
    ground.allow(group, tcp(80, "203.0.113.0/24"))
    assert not answers(address), "not from there"
    ground.allow(group, tcp(80, MACHINE))
    opens(address)

    kept = http.client.HTTPConnection(address, 80, timeout=5)
    kept.request("GET", "/health")
    assert kept.getresponse().read() is not None
    socket = kept.sock
    ground.forbid(group, tcp(80, MACHINE))
    closes(address)
    for _ in range(3):
        kept.request("GET", "/health")
        answer = kept.getresponse()
        answer.read()
        assert answer.status == 200 and kept.sock is socket, "the connection of before goes on"
    kept.close()


def test_members_of_a_group_are_let_in_and_others_not(ground, platform, vpc):
    clients = ground.group(vpc)
    servers = ground.group(vpc, tcp(80, group=clients))
    _, address = ground.serve(groups=[servers])
    member = ground.probe({"web": f"http://{address}/health"}, groups=[clients])
    other = ground.probe({"web": f"http://{address}/health"})
    ground.finds(member, "web", "yes")
    ground.finds(other, "web", "no")
    # It becomes a member while it runs, and is one no more.
    details = {d["name"]: d["value"] for d in platform.describe(other)["attachments"][0]["details"]}
    interface = details["networkInterfaceId"]
    before = [g["GroupId"] for g in ground.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]["Groups"]]
    ground.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[*before, clients])
    ground.finds(other, "web", "yes")
    ground.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=before)
    ground.finds(other, "web", "no")
    ground.finds(member, "web", "yes")


def test_what_may_not_go_out_does_not_and_the_tasks_own_endpoint_stays(ground, vpc):
    clients = ground.group(vpc)
    open_to_all = ground.group(vpc, tcp(80, "0.0.0.0/0"))
    _, address = ground.serve(groups=[open_to_all])
    probe = ground.probe({"web": f"http://{address}/health", "self": "$ECS_CONTAINER_METADATA_URI_V4"}, groups=[clients])
    ground.finds(probe, "web", "yes")
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ground.ec2.revoke_security_group_egress(GroupId=clients, IpPermissions=[everything])
    ground.finds(probe, "web", "no")
    ground.finds(probe, "self", "yes")
    ground.ec2.authorize_security_group_egress(GroupId=clients, IpPermissions=[tcp(80, group=open_to_all)])
    ground.finds(probe, "web", "yes")


def test_two_vpcs_with_one_range_do_not_see_each_other(ground, platform, vpc):
    ec2 = ground.ec2
    other = ec2.create_vpc(CidrBlock=vpc["CidrBlock"])["Vpc"]
    subnet = ec2.create_subnet(VpcId=other["VpcId"], CidrBlock=vpc["CidrBlock"])["Subnet"]["SubnetId"]
    try:
        near_group, far_group = ground.group(vpc, tcp(80, "0.0.0.0/0")), ground.group(other, tcp(80, "0.0.0.0/0"))
        _, near = ground.serve(groups=[near_group])
        _, far = ground.serve(groups=[far_group], subnet=subnet)
        urls = {"near": f"http://{near}/health", "far": f"http://{far}/health", "self": "$ECS_CONTAINER_METADATA_URI_V4"}
        here, there = ground.probe(urls, groups=[near_group]), ground.probe(urls, groups=[far_group], subnet=subnet)
        for probe, sees, misses in ((here, "near", "far"), (there, "far", "near")):
            ground.finds(probe, sees, "yes")
            ground.finds(probe, misses, "no")
            ground.finds(probe, "self", "yes")
        assert pathlib.Path("/run/boxship", platform.marks()[1], "router", other["VpcId"]).exists()
        assert answers(near) and not answers(far), "this host has a way into the default VPC alone"
    finally:
        ground.remove()
        ground.tasks, ground.groups = [], []
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=other["VpcId"])
    router = pathlib.Path("/run/boxship", platform.marks()[1], "router", other["VpcId"])
    wait_for(lambda: not router.exists(), "the VPC's router to be gone")


def test_a_load_balancer_has_groups_of_its_own(ground, platform, vpc):
    elb = platform.client("elbv2")
    subnets = [s["SubnetId"] for s in ground.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]][:2]
    port = free_port()
    clients, front = ground.group(vpc), ground.group(vpc)
    targets = ground.group(vpc, tcp(80, group=front))
    ground.allow(front, tcp(port, group=clients))
    _, address = ground.serve(groups=[targets])
    balancer = elb.create_load_balancer(Name="t" + uuid.uuid4().hex[:8], Subnets=subnets, SecurityGroups=[front])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="g" + uuid.uuid4().hex[:8], VpcId=vpc["VpcId"], Protocol="HTTP", Port=80, TargetType="ip", HealthCheckPath="/health",
                                    HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    try:
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": address}])
        elb.create_listener(LoadBalancerArn=balancer, Port=port, Protocol="HTTP", DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])

        def target_is(state):
            found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
            return found[0]["TargetHealth"]["State"] == state
        wait_for(lambda: target_is("healthy"), "the target to be healthy")
        own = ground.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [front]}])["NetworkInterfaces"][0]["PrivateIpAddress"]
        url = {"lb": f"http://{own}:{port}/health"}
        member, other = ground.probe(url, groups=[clients]), ground.probe(url)
        ground.finds(member, "lb", "yes")
        ground.finds(other, "lb", "no")
        ground.allow(front, tcp(port, vpc["CidrBlock"]))
        ground.finds(other, "lb", "yes")
        # The target lets the load balancer in no more; only new connections count, so the checks notice first.
        ground.forbid(targets, tcp(80, group=front))
        wait_for(lambda: target_is("unhealthy"), "the target to be unhealthy", 60)
        ground.allow(targets, tcp(80, group=front))
        wait_for(lambda: target_is("healthy"), "the target to be healthy again", 60)
        # Neither does its own group let it out.
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ground.ec2.revoke_security_group_egress(GroupId=front, IpPermissions=[everything])
        wait_for(lambda: target_is("unhealthy"), "the target to be unhealthy", 60)
    finally:
        elb.delete_load_balancer(LoadBalancerArn=balancer)
        elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[balancer], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        elb.delete_target_group(TargetGroupArn=group)


def test_rules_outlive_kills_and_follow_after_them(ground, platform, vpc):
    shut, wide = ground.group(vpc), ground.group(vpc, tcp(80, MACHINE))
    (_, closed), (_, opened) = ground.serve(groups=[shut]), ground.serve(groups=[wide])
    opens(opened)
    for child in ("server", AGENT):
        platform.kill(child)
        assert answers(opened) and not answers(closed), f"while {child} is away"
        platform.wait_ready()
        assert answers(opened) and not answers(closed), f"after {child} is back"
    platform.kill(AGENT)
    ground.allow(shut, tcp(80, MACHINE))
    ground.forbid(wide, tcp(80, MACHINE))
    opens(closed)
    closes(opened)
    _, later = ground.serve(groups=[shut])
    opens(later)
