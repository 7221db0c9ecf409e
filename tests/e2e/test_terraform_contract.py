"""What Terraform's AWS provider sends for each resource, in its order, and what it must read back: exactly what was sent, so that a
second plan is empty."""

import json
import uuid

import pytest

from harness.platform import free_port, wait_for


@pytest.fixture(scope="module")
def clients(platform):
    return {name: platform.client(name) for name in ("ec2", "elbv2", "ecs", "ecr")}


def name():
    return "tf-" + uuid.uuid4().hex[:8]


def tag(kind, **tags):
    return {"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def only(found):
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def network(clients):
    """aws_vpc, aws_subnet (two), aws_internet_gateway, aws_route_table with its associations."""
    ec2 = clients["ec2"]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", InstanceTenancy="default", TagSpecifications=[tag("vpc", Name="tf")])["Vpc"]["VpcId"]
    assert only(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"])["State"] == "available"
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    wait_for(lambda: ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"], "the attribute")
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"] is True
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
        subnets.append(made)
    gateway = ec2.create_internet_gateway(TagSpecifications=[tag("internet-gateway", Name="tf")])["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert only(ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])["Attachments"] == [{"State": "available", "VpcId": vpc}]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=[tag("route-table", Name="tf")])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    associations = [ec2.associate_route_table(RouteTableId=table, SubnetId=s)["AssociationId"] for s in subnets]
    read = only(ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"])
    assert {a["SubnetId"] for a in read["Associations"]} == set(subnets)
    assert {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "Origin": "CreateRoute", "State": "active"} in read["Routes"]
    yield {"vpc": vpc, "subnets": subnets}
    for association in associations:
        ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_route_table(RouteTableId=table)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(ec2.exceptions.ClientError) as gone:
        ec2.describe_vpcs(VpcIds=[vpc])
    assert gone.value.response["Error"]["Code"] == "InvalidVpcID.NotFound"


def security_group(ec2, vpc, ingress):
    """aws_security_group: the rule that lets everything out, which EC2 makes by itself, is taken away before one's own come."""
    group = ec2.create_security_group(GroupName=name(), Description="Managed by Terraform", VpcId=vpc,
                                      TagSpecifications=[tag("security-group", Name="web")])["GroupId"]
    read = only(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"])
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    assert read["IpPermissionsEgress"][0]["IpRanges"] == everything["IpRanges"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everything])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[everything])
    return group


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
    with pytest.raises(ec2.exceptions.ClientError) as gone:
        ec2.describe_security_groups(GroupIds=[group])
    assert gone.value.response["Error"]["Code"] == "InvalidGroup.NotFound"


def attributes_of(found):
    return {a["Key"]: a["Value"] for a in found["Attributes"]}


@pytest.fixture
def balancer(platform, clients, network):
    """aws_lb, aws_lb_target_group, aws_lb_listener, aws_lb_listener_rule."""
    elb, ec2 = clients["elbv2"], clients["ec2"]
    called = name()
    with pytest.raises(elb.exceptions.LoadBalancerNotFoundException):
        elb.describe_load_balancers(Names=[called])
    group = security_group(ec2, network["vpc"], [{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    made = only(elb.create_load_balancer(Name=called, Type="application", Scheme="internet-facing", IpAddressType="ipv4", Subnets=network["subnets"],
                                         SecurityGroups=[group], Tags=[{"Key": "env", "Value": "test"}])["LoadBalancers"])
    arn = made["LoadBalancerArn"]
    wait_for(lambda: only(elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])["State"]["Code"] == "active", "the load balancer")
    wanted = {"access_logs.s3.enabled": "false", "idle_timeout.timeout_seconds": "30", "routing.http2.enabled": "true", "deletion_protection.enabled": "false",
              "routing.http.drop_invalid_header_fields.enabled": "true", "routing.http.desync_mitigation_mode": "defensive",
              "routing.http.xff_header_processing.mode": "append", "routing.http.preserve_host_header.enabled": "false",
              "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false", "routing.http.xff_client_port.enabled": "false",
              "waf.fail_open.enabled": "false", "load_balancing.cross_zone.enabled": "true", "client_keep_alive.seconds": "3600"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": k, "Value": v} for k, v in wanted.items()])
    read = attributes_of(elb.describe_load_balancer_attributes(LoadBalancerArn=arn))
    assert {k: read.get(k) for k in wanted} == wanted
    assert only(elb.describe_tags(ResourceArns=[arn])["TagDescriptions"])["Tags"] == [{"Key": "env", "Value": "test"}]
    read = only(elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])
    assert read["SecurityGroups"] == [group] and {z["SubnetId"] for z in read["AvailabilityZones"]} == set(network["subnets"])
    yield {"arn": arn, "name": called, "dns": read["DNSName"]}
    elb.delete_load_balancer(LoadBalancerArn=arn)

    def gone():
        try:
            elb.describe_load_balancers(LoadBalancerArns=[arn])
        except elb.exceptions.LoadBalancerNotFoundException:
            return True
    wait_for(gone, "the load balancer to be gone")
    wait_for(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [f"ELB app/{called}/*"]}])["NetworkInterfaces"], "its interfaces")
    ec2.delete_security_group(GroupId=group)


def target_group(elb, vpc):
    arn = only(elb.create_target_group(
        Name=name(), Port=80, Protocol="HTTP", ProtocolVersion="HTTP1", VpcId=vpc, TargetType="ip", IpAddressType="ipv4", HealthCheckEnabled=True,
        HealthCheckIntervalSeconds=5, HealthCheckPath="/", HealthCheckPort="traffic-port", HealthCheckProtocol="HTTP", HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2, UnhealthyThresholdCount=2, Matcher={"HttpCode": "200-299"})["TargetGroups"])["TargetGroupArn"]
    wanted = {"deregistration_delay.timeout_seconds": "5", "load_balancing.algorithm.type": "round_robin", "slow_start.duration_seconds": "0",
              "stickiness.enabled": "false", "stickiness.type": "lb_cookie", "stickiness.lb_cookie.duration_seconds": "86400",
              "load_balancing.cross_zone.enabled": "use_load_balancer_configuration"}
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": k, "Value": v} for k, v in wanted.items()])
    read = attributes_of(elb.describe_target_group_attributes(TargetGroupArn=arn))
    assert {k: read.get(k) for k in wanted} == wanted
    read = only(elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"])
    assert (read["HealthCheckPath"], read["HealthCheckPort"], read["Matcher"], read["ProtocolVersion"]) == ("/", "traffic-port", {"HttpCode": "200-299"}, "HTTP1")
    return arn


def test_a_load_balancer_with_rules(clients, network, balancer):
    elb = clients["elbv2"]
    group = target_group(elb, network["vpc"])
    forward = {"Type": "forward", "Order": 1, "TargetGroupArn": group}
    listener = only(elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTP", DefaultActions=[forward])["Listeners"])["ListenerArn"]
    read = only(elb.describe_listeners(ListenerArns=[listener])["Listeners"])
    action = only(read["DefaultActions"])
    assert (action["Type"], action["TargetGroupArn"], action["Order"]) == ("forward", group, 1)
    elb.describe_listener_attributes(ListenerArn=listener)
    conditions = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com"]}}, {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x/*"]}}]
    fixed = {"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"ContentType": "text/plain", "MessageBody": "no", "StatusCode": "404"}}
    rule = only(elb.create_rule(ListenerArn=listener, Priority=10, Conditions=conditions, Actions=[fixed])["Rules"])["RuleArn"]
    read = only(elb.describe_rules(RuleArns=[rule])["Rules"])
    assert read["Priority"] == "10" and only(read["Actions"])["FixedResponseConfig"] == fixed["FixedResponseConfig"]
    assert {c["Field"]: c.get("HostHeaderConfig") or c.get("PathPatternConfig") for c in read["Conditions"]} == {
        "host-header": {"Values": ["a.example.com"]}, "path-pattern": {"Values": ["/x/*"]}}
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": rule, "Priority": 20}])
    elb.modify_rule(RuleArn=rule, Conditions=conditions[:1], Actions=[fixed])
    assert only(elb.describe_rules(RuleArns=[rule])["Rules"])["Priority"] == "20"
    elb.delete_rule(RuleArn=rule)
    elb.delete_listener(ListenerArn=listener)
    wait_for(lambda: elb.delete_target_group(TargetGroupArn=group), "the group to be deleted")


def test_clusters_and_task_definitions(clients):
    ecs = clients["ecs"]
    called = name()
    ecs.create_cluster(clusterName=called, settings=[{"name": "containerInsights", "value": "enabled"}], tags=[{"key": "env", "value": "test"}],
                       configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}})
    read = only(ecs.describe_clusters(clusters=[called], include=["CONFIGURATIONS", "SETTINGS", "TAGS"])["clusters"])
    assert read["status"] == "ACTIVE" and read["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert read["tags"] == [{"key": "env", "value": "test"}] and read["configuration"] == {"executeCommandConfiguration": {"logging": "DEFAULT"}}
    strategy = [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]
    ecs.put_cluster_capacity_providers(cluster=called, capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy)
    read = only(ecs.describe_clusters(clusters=[called], include=["CONFIGURATIONS", "SETTINGS", "TAGS"])["clusters"])
    assert sorted(read["capacityProviders"]) == ["FARGATE", "FARGATE_SPOT"] and read["defaultCapacityProviderStrategy"] == strategy
    ecs.delete_cluster(cluster=called)
    assert only(ecs.describe_clusters(clusters=[called])["clusters"])["status"] == "INACTIVE"

    containers = [{"name": "web", "image": "web:1", "cpu": 10, "memory": 128, "essential": True, "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                   "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "mountPoints": [{"sourceVolume": "v", "containerPath": "/v", "readOnly": True}],
                   "volumesFrom": [], "systemControls": [], "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}],
                   "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 30, "retries": 3, "timeout": 5}, "dependsOn": [], "command": ["a", "b"]}]
    family = name()
    made = ecs.register_task_definition(family=family, containerDefinitions=containers, cpu="256", memory="512", networkMode="awsvpc",
                                        requiresCompatibilities=["FARGATE"], volumes=[{"name": "v"}], tags=[{"key": "k", "value": "v"}],
                                        runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"})["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"], include=["TAGS"])
    assert found["tags"] == [{"key": "k", "value": "v"}] and found["taskDefinition"]["volumes"][0]["name"] == "v"
    assert found["taskDefinition"]["runtimePlatform"] == {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}
    read = only(found["taskDefinition"]["containerDefinitions"])
    sent = containers[0]
    assert {k: read[k] for k in sent if k != "environment" and sent[k] != []} == {k: v for k, v in sent.items() if k != "environment" and v != []}
    assert sorted(json.dumps(e) for e in read["environment"]) == sorted(json.dumps(e) for e in sent["environment"])
    ecs.deregister_task_definition(taskDefinition=made["taskDefinitionArn"])
    assert ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"])["taskDefinition"]["status"] == "INACTIVE"


def test_a_service_behind_a_load_balancer(platform, clients, hello, network, balancer):
    ecs, elb, ec2 = clients["ecs"], clients["elbv2"], clients["ec2"]
    cluster, called = name(), name()
    arn = ecs.create_cluster(clusterName=cluster)["cluster"]["clusterArn"]
    group = target_group(elb, network["vpc"])
    definition = ecs.register_task_definition(family=name(), cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], containerDefinitions=[
        {"name": "web", "image": hello, "portMappings": [{"containerPort": 80}]}])["taskDefinition"]["taskDefinitionArn"]
    tasks_group = security_group(ec2, network["vpc"], [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    sent = dict(
        cluster=arn, serviceName=called, taskDefinition=definition, desiredCount=1, schedulingStrategy="REPLICA", launchType="FARGATE", platformVersion="LATEST",
        enableECSManagedTags=True, enableExecuteCommand=False, healthCheckGracePeriodSeconds=10, propagateTags="SERVICE",
        deploymentController={"type": "ECS"}, tags=[{"key": "env", "value": "test"}],
        deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
        networkConfiguration={"awsvpcConfiguration": {"subnets": network["subnets"], "securityGroups": [tasks_group], "assignPublicIp": "DISABLED"}})
    # The group is no load balancer's yet: the provider waits for this very sentence to end.
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="does not have an associated load balancer"):
        ecs.create_service(**sent)
    elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTP", DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    ecs.create_service(**sent)

    def read():
        return only(ecs.describe_services(cluster=arn, services=[called], include=["TAGS"])["services"])

    def live():
        """As the provider waits: the primary deployment is complete, and the only one."""
        now = read()
        primary = next(d for d in now["deployments"] if d["status"] == "PRIMARY")
        assert primary["id"].startswith("ecs-svc/") and primary["failedTasks"] == 0
        revision = primary["id"].split("/")[1]
        deployments = ecs.list_service_deployments(cluster=arn, service=called)["serviceDeployments"]
        assert any(revision in d["targetServiceRevisionArn"] for d in deployments)
        return len(now["deployments"]) == 1 and primary["rolloutState"] == "COMPLETED" and now["runningCount"] == now["desiredCount"]
    wait_for(live, "the service to be live", 60)
    service = read()
    for member in ("taskDefinition", "desiredCount", "schedulingStrategy", "launchType", "platformVersion", "enableECSManagedTags", "enableExecuteCommand",
                   "healthCheckGracePeriodSeconds", "propagateTags", "deploymentController", "tags", "loadBalancers", "networkConfiguration"):
        assert service[member] == sent[member], member
    for member, value in sent["deploymentConfiguration"].items():
        assert service["deploymentConfiguration"][member] == value, member
    assert service["placementConstraints"] == [] and service["placementStrategy"] == [] and service["serviceRegistries"] == []

    ecs.update_service(cluster=arn, service=called, desiredCount=2, forceNewDeployment=False)
    wait_for(live, "both tasks to be live", 60)
    # Destroyed: scaled to zero first, then deleted; INACTIVE means gone.
    ecs.update_service(cluster=arn, service=called, desiredCount=0)
    ecs.delete_service(cluster=arn, service=called, force=False)
    wait_for(lambda: read()["status"] == "INACTIVE", "the service to be gone", 60)
    ecs.deregister_task_definition(taskDefinition=definition)
    wait_for(lambda: only(ecs.describe_clusters(clusters=[arn])["clusters"])["runningTasksCount"] == 0, "the tasks to be gone")
    ecs.delete_cluster(cluster=arn)
    for listener in elb.describe_listeners(LoadBalancerArn=balancer["arn"])["Listeners"]:
        elb.delete_listener(ListenerArn=listener["ListenerArn"])
    elb.delete_target_group(TargetGroupArn=group)
    wait_for(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [tasks_group]}])["NetworkInterfaces"], "the tasks' interfaces to be gone")
    ec2.delete_security_group(GroupId=tasks_group)


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
    ec2.release_address(AllocationId=address, NetworkBorderGroup=zone)


def test_interfaces_of_a_load_balancer_are_looked_for_when_it_is_destroyed(clients, network):
    ec2, elb = clients["ec2"], clients["elbv2"]
    made = only(elb.create_load_balancer(Name=name(), Subnets=network["subnets"])["LoadBalancers"])
    suffix = made["LoadBalancerArn"].split("loadbalancer/")[1]
    filters = [{"Name": "attachment.instance-owner-id", "Values": ["amazon-elb"]}, {"Name": "description", "Values": ["ELB " + suffix]}]
    found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert {i["SubnetId"] for i in found} == set(network["subnets"])
    assert {(i["Attachment"]["InstanceOwnerId"], i["RequesterId"], i["RequesterManaged"]) for i in found} == {("amazon-elb", "amazon-elb", True)}
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[made["LoadBalancerArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []
