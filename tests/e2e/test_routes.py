"""Route tables before real containers, by real packets: what a subnet reaches outside of its VPC, changed while its tasks run.
"The internet" is a network namespace beyond this host."""

import subprocess
import uuid

import pytest

from harness.ground import tcp
from harness.platform import wait_for

HOST, WORLD = "203.0.113.1", "203.0.113.2"
SERVE = "import http.server; http.server.HTTPServer(('', 8000), http.server.SimpleHTTPRequestHandler).serve_forever()"


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A web server beyond the host: its URL."""
    name = "world-" + uuid.uuid4().hex[:6]
    ip("netns", "add", name)
    server = None
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"{HOST}/24", "dev", name)
        ip("link", "set", name, "up")
        for words in (["addr", "add", f"{WORLD}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            ip("-n", name, *words)
        server = subprocess.Popen(["ip", "netns", "exec", name, "python3", "-c", SERVE], cwd=tmp_path_factory.mktemp("world"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"http://{WORLD}:8000/"
        wait_for(lambda: subprocess.run(["curl", "-s", "-o", "/dev/null", url]).returncode == 0, "the world to answer")
        yield url
    finally:
        if server:
            server.kill()
            server.wait()
        ip("netns", "delete", name)
        wait_for(lambda: ip("link", "show", name, check=False).returncode != 0, "the way into the world to be gone")


def urls(world):
    return {"world": world, "self": "$ECS_CONTAINER_METADATA_URI_V4"}


def test_the_default_vpc_leads_out_until_its_route_is_taken_away(ground, platform, world):
    ec2 = ground.ec2
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]
    table, gateway = main["RouteTableId"], next(r["GatewayId"] for r in main["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0")
    probe = ground.probe(urls(world))
    ground.finds(probe, "world", "yes")
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    try:
        ground.finds(probe, "world", "no")
        ground.finds(probe, "self", "yes")
        # Images, the VPC, and the machine's way in need no route.
        _, address = ground.serve()
        neighbour = ground.probe({"web": f"http://{address}/health"})
        ground.finds(neighbour, "web", "yes")
        assert subprocess.run(["curl", "-sf", "-m", "5", "-o", "/dev/null", f"http://{address}/health"]).returncode == 0
        # A route to a part of the world.
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=f"{WORLD}/32", GatewayId=gateway)
        ground.finds(probe, "world", "yes")
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock=f"{WORLD}/32")
        ground.finds(probe, "world", "no")
    finally:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ground.finds(probe, "world", "yes")


def test_a_private_subnet_reaches_the_world_through_a_nat_gateway(ground, platform, world):
    """As Terraform's VPC module makes it: public and private subnet, internet gateway, Elastic IP, NAT gateway."""
    ec2 = ground.ec2
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    tables, address, nat = [], None, None
    try:
        public, private = (ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{n}.0/24")["Subnet"]["SubnetId"] for n in (1, 2))
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        for subnet in (public, private):
            tables.append(ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])
            ec2.associate_route_table(RouteTableId=tables[-1], SubnetId=subnet)
        group = ground.group({"VpcId": vpc}, tcp(80, "0.0.0.0/0"))
        outer, inner = (ground.probe(urls(world), groups=[group], subnet=subnet) for subnet in (public, private))
        ground.finds(outer, "world", "no")
        ec2.create_route(RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        ground.finds(outer, "world", "yes")
        ground.finds(inner, "world", "no")

        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
        ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
        ec2.create_route(RouteTableId=tables[1], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        ground.finds(inner, "world", "yes")
        # The most specific route decides, a black hole as well; what the NAT gateway's own subnet does not reach it does not reach.
        ec2.create_route(RouteTableId=tables[0], DestinationCidrBlock="203.0.113.0/24", NatGatewayId=nat)
        ground.finds(outer, "world", "no")
        ground.finds(inner, "world", "no")
        ec2.delete_route(RouteTableId=tables[0], DestinationCidrBlock="203.0.113.0/24")
        ground.finds(inner, "world", "yes")
        ec2.delete_nat_gateway(NatGatewayId=nat)
        ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
        ground.finds(inner, "world", "no")
        ground.finds(inner, "self", "yes")
        ground.finds(outer, "world", "yes")
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ground.finds(outer, "world", "no")
        states = {r["DestinationCidrBlock"]: r["State"] for r in ec2.describe_route_tables(RouteTableIds=[tables[0]])["RouteTables"][0]["Routes"]}
        assert states == {"10.77.0.0/16": "active", "0.0.0.0/0": "blackhole"}
    finally:
        ground.remove()
        ground.tasks, ground.groups = [], []
        if nat:
            ec2.delete_nat_gateway(NatGatewayId=nat)
        if address:
            ec2.release_address(AllocationId=address)
        if ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"][0]["Attachments"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        for table in ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"] if tables else []:
            for association in table["Associations"]:
                ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=vpc)
