"""What the tests of Terraform's contract share: its AWS provider's calls for a network and its parts, in their order, and what it must
read back: exactly what was sent, so that a second plan is empty."""

import uuid

import pytest
from botocore.exceptions import ClientError

from harness.platform import wait_for


@pytest.fixture(scope="module")
def clients(platform):
    return {name: platform.client(name) for name in ("ec2", "elbv2", "ecs", "ecr", "acm", "sts")}


def name():
    return "tf-" + uuid.uuid4().hex[:8]


def tag(kind, **tags):
    return {"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def only(found):
    assert len(found) == 1, found
    return found[0]


def code_of(call):
    """The code of the error that a call is answered with: the provider goes by it."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def attributes_of(found):
    return {a["Key"]: a["Value"] for a in found["Attributes"]}


@pytest.fixture(scope="module")
def network(clients):
    """aws_vpc, aws_subnet (two), aws_internet_gateway, aws_route_table with its associations."""
    ec2 = clients["ec2"]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=False,
                         TagSpecifications=[tag("vpc", Name="tf")])["Vpc"]["VpcId"]
    assert only(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"])["State"] == "available"
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    wait_for(lambda: ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"], "the attribute")
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"] is True
    metrics = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableNetworkAddressUsageMetrics")
    assert metrics["EnableNetworkAddressUsageMetrics"]["Value"] is False
    main = only(ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}])["RouteTables"])
    assert main["Associations"][0]["Main"] is True
    only(ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"])
    only(ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"])
    subnets = []
    for zone, block in (("us-east-1a", "10.20.1.0/24"), ("us-east-1b", "10.20.2.0/24")):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone, TagSpecifications=[tag("subnet", Name=zone)])["Subnet"]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch={"Value": True})
        read = only(ec2.describe_subnets(SubnetIds=[made])["Subnets"])
        assert (read["CidrBlock"], read["AvailabilityZone"], read["MapPublicIpOnLaunch"]) == (block, zone, True)
        assert read["Tags"] == [{"Key": "Name", "Value": zone}]
        # The provider changes what differs from the resource's defaults.
        assert (read["AssignIpv6AddressOnCreation"], read["EnableDns64"], read["Ipv6CidrBlockAssociationSet"]) == (False, False, [])
        assert read["PrivateDnsNameOptionsOnLaunch"] == {"HostnameType": "ip-name", "EnableResourceNameDnsARecord": False,
                                                         "EnableResourceNameDnsAAAARecord": False}
        subnets.append(made)
    gateway = ec2.create_internet_gateway(TagSpecifications=[tag("internet-gateway", Name="tf")])["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert only(ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])["Attachments"] == [{"State": "available", "VpcId": vpc}]
    table = ec2.create_route_table(VpcId=vpc, ClientToken="terraform-" + name(), TagSpecifications=[tag("route-table", Name="tf")])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    associations = [ec2.associate_route_table(RouteTableId=table, SubnetId=s)["AssociationId"] for s in subnets]
    for association in associations:
        found = only(ec2.describe_route_tables(Filters=[{"Name": "association.route-table-association-id", "Values": [association]}])["RouteTables"])
        states = {a["RouteTableAssociationId"]: a["AssociationState"]["State"] for a in found["Associations"]}
        assert states[association] == "associated"
    read = only(ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"])
    assert {a["SubnetId"] for a in read["Associations"]} == set(subnets)
    assert {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "Origin": "CreateRoute", "State": "active"} in read["Routes"]
    yield {"vpc": vpc, "subnets": subnets}
    for association in associations:
        ec2.disassociate_route_table(AssociationId=association)
        assert code_of(lambda: ec2.disassociate_route_table(AssociationId=association)) == "InvalidAssociationID.NotFound"
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_route_table(RouteTableId=table)
    assert code_of(lambda: ec2.describe_route_tables(RouteTableIds=[table])) == "InvalidRouteTableID.NotFound"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    for subnet in subnets:
        assert ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"] == []
        ec2.delete_subnet(SubnetId=subnet)
        assert code_of(lambda: ec2.describe_subnets(SubnetIds=[subnet])) == "InvalidSubnetID.NotFound"
    ec2.delete_vpc(VpcId=vpc)
    assert code_of(lambda: ec2.describe_vpcs(VpcIds=[vpc])) == "InvalidVpcID.NotFound"


def security_group(ec2, vpc, ingress):
    """aws_security_group: the rule that lets everything out, which EC2 makes by itself, is taken away before one's own come."""
    group = ec2.create_security_group(GroupName=name(), Description="Managed by Terraform", VpcId=vpc,
                                      TagSpecifications=[tag("security-group", Name="web")])["GroupId"]
    read = only(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"])
    everything = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert read["IpPermissionsEgress"][0]["IpRanges"] == everything["IpRanges"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
    assert code_of(lambda: ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[
        {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])) == "InvalidPermission.NotFound"
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[everything])
    return group
