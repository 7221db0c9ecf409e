"""Terraform's load balancers: aws_lb, its listeners, rules, certificates and target groups."""

import pytest

from harness.platform import free_port, wait_for
from harness.terraform import attributes_of, clients, code_of, name, network, only, security_group  # noqa: F401


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
    wanted = {"access_logs.s3.enabled": "false", "connection_logs.s3.enabled": "false", "health_check_logs.s3.enabled": "false",
              "zonal_shift.config.enabled": "false", "idle_timeout.timeout_seconds": "30", "routing.http2.enabled": "true", "deletion_protection.enabled": "false",
              "routing.http.drop_invalid_header_fields.enabled": "true", "routing.http.desync_mitigation_mode": "defensive",
              "routing.http.xff_header_processing.mode": "append", "routing.http.preserve_host_header.enabled": "false",
              "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false", "routing.http.xff_client_port.enabled": "false",
              "waf.fail_open.enabled": "false", "client_keep_alive.seconds": "3600"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": k, "Value": v} for k, v in wanted.items()])
    read = attributes_of(elb.describe_load_balancer_attributes(LoadBalancerArn=arn))
    assert {k: read.get(k) for k in wanted} == wanted
    assert "MinimumLoadBalancerCapacity" not in elb.describe_capacity_reservation(LoadBalancerArn=arn)
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
    read = attributes_of(elb.describe_listener_attributes(ListenerArn=listener))
    assert read["routing.http.response.server.enabled"] == "true"
    assert only(elb.describe_tags(ResourceArns=[listener])["TagDescriptions"])["Tags"] == []
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
    assert code_of(lambda: elb.describe_rules(RuleArns=[rule])) == "RuleNotFound"
    assert code_of(lambda: elb.delete_rule(RuleArn=rule)) == "RuleNotFound"
    with pytest.raises(elb.exceptions.ResourceInUseException, match="is currently in use by a listener or a rule"):
        elb.delete_target_group(TargetGroupArn=group)
    elb.delete_listener(ListenerArn=listener)
    assert code_of(lambda: elb.describe_listeners(ListenerArns=[listener])) == "ListenerNotFound"
    wait_for(lambda: elb.delete_target_group(TargetGroupArn=group), "the group to be deleted")
    assert code_of(lambda: elb.describe_target_groups(TargetGroupArns=[group])) == "TargetGroupNotFound"


def test_actions_come_back_as_they_were_sent(clients, network, balancer):
    elb = clients["elbv2"]
    groups = [target_group(elb, network["vpc"]) for _ in range(2)]
    weighted = {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": groups[0], "Weight": 80}, {"TargetGroupArn": groups[1], "Weight": 20}],
                                                                 "TargetGroupStickinessConfig": {"Enabled": False, "DurationSeconds": 3600}}}
    redirect = {"Type": "redirect", "Order": 1, "RedirectConfig": {"Host": "#{host}", "Path": "/#{path}", "Port": "443", "Protocol": "HTTPS", "Query": "#{query}",
                                                                   "StatusCode": "HTTP_301"}}
    fixed = {"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"ContentType": "text/plain", "MessageBody": "x", "StatusCode": "503"}}
    for action in (weighted, redirect, fixed):
        listener = only(elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTP", DefaultActions=[action])["Listeners"])["ListenerArn"]
        assert only(only(elb.describe_listeners(ListenerArns=[listener])["Listeners"])["DefaultActions"]) == action
        elb.modify_listener(ListenerArn=listener, Port=free_port(), Protocol="HTTP", DefaultActions=[fixed])
        assert only(only(elb.describe_listeners(ListenerArns=[listener])["Listeners"])["DefaultActions"]) == fixed
        elb.delete_listener(ListenerArn=listener)
    for group in groups:
        wait_for(lambda: elb.delete_target_group(TargetGroupArn=group), "the group to be deleted")


def test_priorities_that_nobody_chose_and_many_kinds_of_conditions(clients, network, balancer):
    """aws_lb_listener_rule without a priority takes the next one after the highest, page by page."""
    elb = clients["elbv2"]
    fixed = {"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"ContentType": "text/plain", "StatusCode": "404"}}
    listener = only(elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTP", DefaultActions=[fixed])["Listeners"])["ListenerArn"]
    conditions = [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}},
                  {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
                  {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}, {"Value": "c"}]}},
                  {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}]
    for expected in ("1", "2"):
        highest = max([int(r["Priority"]) for page in elb.get_paginator("describe_rules").paginate(ListenerArn=listener, PaginationConfig={"PageSize": 1})
                       for r in page["Rules"] if r["Priority"] != "default"], default=0)
        made = only(elb.create_rule(ListenerArn=listener, Priority=highest + 1, Conditions=conditions, Actions=[fixed], Tags=[{"Key": "a", "Value": "b"}])["Rules"])
        assert made["Priority"] == expected
        assert code_of(lambda: elb.create_rule(ListenerArn=listener, Priority=highest + 1, Conditions=conditions, Actions=[fixed])) == "PriorityInUse"
    read = only(elb.describe_rules(RuleArns=[made["RuleArn"]])["Rules"])
    assert read["Conditions"] == conditions and only(read["Actions"]) == fixed
    assert only(elb.describe_tags(ResourceArns=[made["RuleArn"]])["TagDescriptions"])["Tags"] == [{"Key": "a", "Value": "b"}]


def test_certificates(clients, authority, network, balancer):
    """aws_acm_certificate (imported), the listener that has it, aws_lb_listener_certificate, and all of it destroyed."""
    acm, elb = clients["acm"], clients["elbv2"]
    arns = [acm.import_certificate(**authority.issue(host), Tags=[{"Key": "Name", "Value": host}])["CertificateArn"] for host in ("a.example.com", "b.example.com")]
    read = acm.describe_certificate(CertificateArn=arns[0])["Certificate"]
    assert (read["Type"], read["Status"], read["DomainName"], read["RenewalEligibility"]) == ("IMPORTED", "ISSUED", "a.example.com", "INELIGIBLE")
    assert read["SubjectAlternativeNames"] == ["a.example.com"] and "DomainValidationOptions" not in read and "RenewalSummary" not in read
    assert acm.list_tags_for_certificate(CertificateArn=arns[0])["Tags"] == [{"Key": "Name", "Value": "a.example.com"}]
    acm.import_certificate(CertificateArn=arns[0], **authority.issue("a.example.com"))
    fixed = {"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"ContentType": "text/plain", "StatusCode": "404"}}
    made = only(elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTPS", SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
                                    Certificates=[{"CertificateArn": arns[0]}], DefaultActions=[fixed])["Listeners"])
    listener = made["ListenerArn"]
    read = only(elb.describe_listeners(ListenerArns=[listener])["Listeners"])
    assert (read["SslPolicy"], only(read["Certificates"])["CertificateArn"], read["MutualAuthentication"]) == (
        "ELBSecurityPolicy-TLS13-1-2-2021-06", arns[0], {"Mode": "off"})
    elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns[1]}])
    found = elb.describe_listener_certificates(ListenerArn=listener, PageSize=400)["Certificates"]
    assert {(c["CertificateArn"], c["IsDefault"]) for c in found} == {(arns[0], True), (arns[1], False)}
    assert code_of(lambda: acm.delete_certificate(CertificateArn=arns[1])) == "ResourceInUseException"
    elb.remove_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns[1]}])
    elb.delete_listener(ListenerArn=listener)
    for arn in arns:
        acm.delete_certificate(CertificateArn=arn)
        assert code_of(lambda: acm.describe_certificate(CertificateArn=arn)) == "ResourceNotFoundException"


def test_a_target_that_is_attached(clients, network, balancer):
    """aws_lb_target_group_attachment: it is there unless the reason says that it is not or no longer registered."""
    elb = clients["elbv2"]
    group = target_group(elb, network["vpc"])
    target = {"Id": "10.20.1.200", "Port": 80}
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    state = only(elb.describe_target_health(TargetGroupArn=group, Targets=[target])["TargetHealthDescriptions"])
    assert state["Target"] == target and state["TargetHealth"]["Reason"] == "Target.NotInUse"
    elb.deregister_targets(TargetGroupArn=group, Targets=[target])

    def reason():
        return only(elb.describe_target_health(TargetGroupArn=group, Targets=[target])["TargetHealthDescriptions"])["TargetHealth"]["Reason"]
    assert reason() in ("Target.DeregistrationInProgress", "Target.NotRegistered")
    wait_for(lambda: reason() == "Target.NotRegistered", "the target to be gone", 20)
    elb.delete_target_group(TargetGroupArn=group)


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
