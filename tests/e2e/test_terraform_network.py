"""Terraform's network resources: security groups and their rules, addresses, NAT gateways, what is looked up."""

from harness.platform import wait_for
from harness.terraform import clients, code_of, name, network, only, security_group, tag  # noqa: F401


def test_security_groups(clients, network):
    ec2 = clients["ec2"]
    web = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ours"}, {"CidrIp": "192.168.0.0/16"}]}]
    group = security_group(ec2, network["vpc"], web)
    read = only(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"])
    permission = only(read["IpPermissions"])
    assert (permission["IpProtocol"], permission["FromPort"], permission["ToPort"]) == ("tcp", 80, 81)
    assert sorted(r["CidrIp"] for r in permission["IpRanges"]) == ["10.0.0.0/8", "192.168.0.0/16"]
    assert permission["UserIdGroupPairs"] == [] and permission["Ipv6Ranges"] == [] and permission["PrefixListIds"] == []
    # aws_vpc_security_group_ingress_rule
    rule = only(ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group, "Description": "itself"}]}],
        TagSpecifications=[tag("security-group-rule", Name="r")])["SecurityGroupRules"])
    read = only(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])["SecurityGroupRules"])
    assert (read["ReferencedGroupInfo"]["GroupId"], read["Description"], read["IsEgress"]) == (group, "itself", False)
    assert read["Tags"] == [{"Key": "Name", "Value": "r"}]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{
        "SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 444, "ToPort": 444, "ReferencedGroupId": group}}])
    assert only(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])["SecurityGroupRules"])["FromPort"] == 444
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    ec2.delete_security_group(GroupId=group)
    assert code_of(lambda: ec2.describe_security_groups(GroupIds=[group])) == "InvalidGroup.NotFound"


def test_rules_of_all_protocols_and_of_icmp(clients, network):
    """aws_vpc_security_group_egress_rule: of protocol -1 the ports are -1, which the provider takes for none."""
    ec2 = clients["ec2"]
    group = security_group(ec2, network["vpc"], [{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    made = only(ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}])["SecurityGroupRules"])
    rule = made["SecurityGroupRuleId"]
    read = only(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"])
    assert (read["IpProtocol"], read["FromPort"], read["ToPort"], read["CidrIpv4"], read["IsEgress"]) == ("-1", -1, -1, "10.1.0.0/16", True)
    assert "Description" not in read and "ReferencedGroupInfo" not in read and read["Tags"] == []
    ec2.create_tags(Resources=[rule], Tags=[{"Key": "a", "Value": "b"}])
    assert only(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"])["Tags"] == [{"Key": "a", "Value": "b"}]
    # aws_security_group keeps its rules in sets: of protocol -1 they have no ports, which are 0 in its state.
    read = only(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"])
    assert all("FromPort" not in p and "ToPort" not in p for p in read["IpPermissionsEgress"])
    assert (read["IpPermissions"][0]["FromPort"], read["IpPermissions"][0]["ToPort"]) == (-1, -1)
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
    assert code_of(lambda: ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])) == "InvalidSecurityGroupRuleId.NotFound"
    assert code_of(lambda: ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])) == "InvalidSecurityGroupRuleId.NotFound"
    ec2.delete_security_group(GroupId=group)
    assert code_of(lambda: ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])) == "InvalidGroup.NotFound"


def test_eip_nat_gateway_and_a_route_to_it(clients, network):
    ec2, zone = clients["ec2"], "us-east-1"
    made = ec2.allocate_address(Domain="vpc", TagSpecifications=[tag("elastic-ip", Name="nat")])
    address = made["AllocationId"]
    read = only(ec2.describe_addresses(AllocationIds=[address])["Addresses"])
    assert (read["PublicIp"], read["Domain"], read["NetworkBorderGroup"], read["Tags"]) == (made["PublicIp"], "vpc", zone, [{"Key": "Name", "Value": "nat"}])
    assert only(ec2.describe_addresses_attribute(AllocationIds=[address], Attribute="domain-name")["Addresses"])["AllocationId"] == address
    nat = ec2.create_nat_gateway(SubnetId=network["subnets"][0], AllocationId=address, ConnectivityType="public",
                                 TagSpecifications=[tag("natgateway", Name="nat")])["NatGateway"]["NatGatewayId"]

    def state():
        return only(ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"])
    wait_for(lambda: state()["State"] == "available", "the NAT gateway")
    read = state()
    assert (read["SubnetId"], read["VpcId"], read["ConnectivityType"]) == (network["subnets"][0], network["vpc"], "public")
    primary = only(read["NatGatewayAddresses"])
    assert (primary["AllocationId"], primary["PublicIp"], primary["IsPrimary"]) == (address, made["PublicIp"], True)
    assert only(ec2.describe_addresses(AllocationIds=[address])["Addresses"])["AssociationId"] == primary["AssociationId"]
    interface = only(ec2.describe_network_interfaces(NetworkInterfaceIds=[primary["NetworkInterfaceId"]])["NetworkInterfaces"])
    assert interface["PrivateIpAddress"] == primary["PrivateIp"] and interface["RequesterManaged"]
    table = ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    read = only(ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"])
    assert {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat, "Origin": "CreateRoute", "State": "active"} in read["Routes"]
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    wait_for(lambda: state()["State"] == "deleted", "the NAT gateway to be deleted")
    assert "AssociationId" not in only(ec2.describe_addresses(AllocationIds=[address])["Addresses"])
    # The provider knows of the association from before and ends it first; NotFound is good enough.
    assert code_of(lambda: ec2.disassociate_address(AssociationId=primary["AssociationId"])) == "InvalidAssociationID.NotFound"
    ec2.release_address(AllocationId=address, NetworkBorderGroup=zone)
    assert code_of(lambda: ec2.describe_addresses(AllocationIds=[address])) == "InvalidAllocationID.NotFound"
    assert code_of(lambda: ec2.release_address(AllocationId=address)) == "InvalidAllocationID.NotFound"


def test_an_address_of_an_interface(clients, network):
    """aws_network_interface, aws_eip_association; then a subnet that is in use is destroyed too early."""
    ec2, subnet = clients["ec2"], network["subnets"][0]
    interface = ec2.create_network_interface(SubnetId=subnet, ClientToken="terraform-" + name())["NetworkInterface"]["NetworkInterfaceId"]
    read = only(ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"])
    assert read["Status"] == "available" and "Attachment" not in read
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    association = ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface, AllowReassociation=True)["AssociationId"]
    read_back = only(ec2.describe_addresses(Filters=[{"Name": "association-id", "Values": [association]}])["Addresses"])
    assert (read_back["AllocationId"], read_back["NetworkInterfaceId"], read_back["PrivateIpAddress"]) == (address, interface, read["PrivateIpAddress"])
    assert "InstanceId" not in read_back
    seen = only(ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"])["Association"]
    assert (seen["AssociationId"], seen["PublicIp"]) == (association, read_back["PublicIp"])
    assert code_of(lambda: ec2.delete_subnet(SubnetId=subnet)) == "DependencyViolation"
    guards = [{"Name": "vpc-id", "Values": [network["vpc"]]}, {"Name": "service-name", "Values": ["com.amazonaws.us-east-1.guardduty-data"]}]
    assert ec2.describe_vpc_endpoints(Filters=guards)["VpcEndpoints"] == []
    ec2.disassociate_address(AssociationId=association)
    assert code_of(lambda: ec2.disassociate_address(AssociationId=association)) == "InvalidAssociationID.NotFound"
    assert ec2.describe_addresses(Filters=[{"Name": "association-id", "Values": [association]}])["Addresses"] == []
    ec2.release_address(AllocationId=address, NetworkBorderGroup="us-east-1")
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert code_of(lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])) == "InvalidNetworkInterfaceID.NotFound"


def test_what_is_looked_up(clients):
    """The data sources aws_vpc (default), aws_subnets, aws_subnet, aws_availability_zones, aws_caller_identity."""
    ec2 = clients["ec2"]
    vpc = only(ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"])
    assert (vpc["State"], vpc["InstanceTenancy"], vpc["OwnerId"]) == ("available", "default", "000000000000")
    assert only(vpc["CidrBlockAssociationSet"])["CidrBlock"] == vpc["CidrBlock"]
    for attribute in ("enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"):
        ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
    only(ec2.describe_route_tables(Filters=[{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"])
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    one = only(ec2.describe_subnets(SubnetIds=[subnets[0]["SubnetId"]], Filters=[{"Name": "defaultForAz", "Values": ["true"]}])["Subnets"])
    assert one == subnets[0]
    zones = ec2.describe_availability_zones(AllAvailabilityZones=False, Filters=[{"Name": "state", "Values": ["available"]},
                                                                                {"Name": "opt-in-status", "Values": ["opt-in-not-required"]}])["AvailabilityZones"]
    assert {z["ZoneName"] for z in zones} == {s["AvailabilityZone"] for s in subnets}
    caller = clients["sts"].get_caller_identity()
    assert caller["Account"] == vpc["OwnerId"] and caller["Arn"].startswith("arn:aws:iam::")
