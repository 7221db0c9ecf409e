"""Application load balancers before real containers: rules, health, draining, crashes. Real clients, real packets."""

import http.client
import os
import signal
import socket
import subprocess
import time
import urllib.request
import uuid

import pytest

from harness.balancer import Front, ask, fixed, haproxies, wait_answer
from harness.ground import tcp
from harness.platform import free_port, wait_for
from harness.traffic import Traffic, Websockets


def test_it_spreads_requests_over_tasks_and_answers_by_name(platform, front, tasks):
    port = free_port()
    group = front.group(tasks.values())
    front.listen(port, group)
    front.wait_active()
    front.wait_healthy(group, 2)
    seen = set()
    for _ in range(6):
        answer = ask(port, host=front.dns)
        assert answer.status == 200
        seen |= {arn for arn in tasks if arn in answer.text}
    assert seen == set(tasks)
    # By its name: curl by itself, Python through the system's resolver.
    curl = subprocess.run(["curl", "-sS", "--max-time", "10", f"http://{front.dns}:{port}/json"], capture_output=True, text=True)
    assert curl.returncode == 0 and "task" in curl.stdout.lower(), curl.stderr
    with urllib.request.urlopen(f"http://{front.dns}:{port}/json", timeout=10) as page:
        assert page.status == 200
    # At its own addresses in the VPC.
    interfaces = platform.client("ec2").describe_network_interfaces(Filters=[{"Name": "description", "Values": [f"ELB app/{front.name}/*"]}])
    addresses = [i["PrivateIpAddress"] for i in interfaces["NetworkInterfaces"]]
    assert len(addresses) == 3
    for address in addresses:
        assert ask(port, address=address).status == 200
    status = next(b for b in platform.status()["loadBalancers"] if b["name"] == front.name)
    assert status["state"] == "active" and status["urls"] == [f"http://{front.dns}:{port}"]
    assert front.dns in platform.boxship("status").stdout


def test_a_task_reaches_it_at_its_private_address(platform, front, tasks, busybox):
    port = free_port()
    group = front.group(tasks.values())
    front.listen(port, group)
    front.wait_healthy(group, 2)
    interfaces = platform.client("ec2").describe_network_interfaces(Filters=[{"Name": "description", "Values": [f"ELB app/{front.name}/*"]}])
    address = interfaces["NetworkInterfaces"][0]["PrivateIpAddress"]
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": ["wget", "-q", "-O", "-", f"http://{address}:{port}/json"]}])
    assert task["containers"][0]["exitCode"] == 0
    assert any(arn in platform.logs(task["taskArn"]) for arn in tasks)


def test_each_kind_of_rule(platform, front, tasks):
    port = free_port()
    listener = front.listen(port, fixed(404, "default"))
    one = next(iter(tasks.values()))
    group = front.group([one])
    front.rule(listener, 1, fixed(200, "host"), Field="host-header", HostHeaderConfig={"Values": ["*.example.com"]})
    front.rule(listener, 2, fixed(200, "header"), Field="http-header", HttpHeaderConfig={"HttpHeaderName": "X-Kind", "Values": ["a*c"]})
    front.rule(listener, 3, fixed(200, "query"), Field="query-string", QueryStringConfig={"Values": [{"Key": "version", "Value": "v?"}]})
    front.rule(listener, 4, fixed(201, "method"), Field="http-request-method", HttpRequestMethodConfig={"Values": ["PUT"]})
    front.rule(listener, 5, group, Field="path-pattern", PathPatternConfig={"Values": ["/json", "/x?z/*"]})
    front.rule(listener, 6, {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "Path": "/new/#{path}", "StatusCode": "HTTP_301"}},
               Field="path-pattern", PathPatternConfig={"Values": ["/old/*"]})
    front.rule(listener, 7, fixed(200, "source"), Field="source-ip", SourceIpConfig={"Values": ["127.0.0.0/8"]})
    front.wait_healthy(group, 1)
    wait_for(lambda: ask(port, "/").text == "source", "the last rule")
    wait_for(lambda: len(haproxies(platform)) == 1, "the HAProxies with fewer rules to end")
    assert ask(port, "/", host="www.EXAMPLE.com:81").text == "host"
    assert ask(port, "/", headers={"x-kind": "ABBC"}).text == "header"
    assert ask(port, "/?a=b&version=V2").text == "query"
    assert ask(port, "/", method="PUT").status == 201
    assert ask(port, "/json").status == 200
    moved = ask(port, "/old/a%20b?q=1", host="here.local")
    assert (moved.status, moved.getheader("Location")) == (301, "https://here.local:443/new/old/a%20b?q=1")
    assert ask(port, "/old/a", host="here.local").getheader("Location") == "https://here.local:443/new/old/a"
    assert ask(port, "/").text == "source"
    # The order is that of the priorities, and it can be changed.
    rules = front.elb.describe_rules(ListenerArn=listener)["Rules"]
    by_priority = {r["Priority"]: r["RuleArn"] for r in rules}
    front.elb.set_rule_priorities(RulePriorities=[{"RuleArn": by_priority["7"], "Priority": 1}, {"RuleArn": by_priority["1"], "Priority": 7}])
    wait_for(lambda: ask(port, "/", host="www.example.com").text == "source", "the new order")


def test_nothing_in_a_rule_breaks_out_of_the_configuration(front):
    port = free_port()
    listener = front.listen(port, fixed(200, "%[env(HOME)] \"' } #\n    bind :1\n"))
    front.rule(listener, 1, fixed(200, "odd"), Field="http-header", HttpHeaderConfig={"HttpHeaderName": "X-Odd", "Values": ["} -f \"' \\ %[src] #"]})
    front.rule(listener, 2, fixed(200, "path"), Field="path-pattern", PathPatternConfig={"Values": ["/\"'$x\\"]})
    answer = wait_answer(port, path="/")
    assert answer.text == "%[env(HOME)] \"' } #\n    bind :1\n"
    wait_for(lambda: ask(port, "/", headers={"X-Odd": "} -f \"'  %[src] #"}).text == "odd", "the odd rule")
    assert front.describe()["State"]["Code"] == "active"


def test_weights_and_stickiness(front, tasks):
    port = free_port()
    one, two = (front.group([address]) for address in tasks.values())
    front.listen(port, {"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": one, "Weight": 1}, {"TargetGroupArn": two, "Weight": 3}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}})
    front.wait_healthy(one, 1)
    front.wait_healthy(two, 1)
    first, _ = tasks
    counts = sum(first in wait_answer(port).text for _ in range(200))
    assert 20 < counts < 90, counts
    answer = ask(port)
    cookie = answer.getheader("Set-Cookie").split(";")[0]
    assert cookie.startswith("AWSALBTG=")
    same = first in answer.text
    assert all((first in ask(port, headers={"Cookie": cookie}).text) == same for _ in range(20))


def test_a_client_stays_with_its_target(front, tasks):
    port = free_port()
    group = front.group(tasks.values())
    front.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}])
    front.listen(port, group)
    front.wait_healthy(group, 2)
    answer = ask(port)
    cookie = answer.getheader("Set-Cookie").split(";")[0]
    assert cookie.startswith("AWSALB=")
    first = next(iter(tasks))
    assert len({first in ask(port, headers={"Cookie": cookie}).text for _ in range(10)}) == 1


def test_headers_that_it_adds(front, busybox, platform):
    """An echo of what arrives: the request line and headers, as the target sees them."""
    server = ("mkdir -p /tmp/w/cgi-bin; printf '#!/bin/sh\\nprintf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n\"\\nenv\\n' "
              "> /tmp/w/cgi-bin/env; chmod 755 /tmp/w/cgi-bin/env; echo ok > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w")
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": ["sh", "-c", server], "portMappings": [{"containerPort": 80}]}]))[0]
    address = platform.address(platform.wait_status(arn, "RUNNING"))
    port = free_port()
    group = front.group([address])
    front.listen(port, group)
    front.wait_healthy(group, 1)
    seen = ask(port, "/cgi-bin/env", headers={"X-Forwarded-For": "10.9.9.9"}).text
    assert "HTTP_X_FORWARDED_FOR=10.9.9.9, 127.0.0.1" in seen
    assert "HTTP_X_FORWARDED_PROTO=http" in seen and f"HTTP_X_FORWARDED_PORT={port}" in seen
    trace = next(line for line in seen.splitlines() if line.startswith("HTTP_X_AMZN_TRACE_ID=")).split("=", 1)[1]
    assert len(trace) == len("Root=1-") + 8 + 1 + 24 and trace.startswith("Root=1-"), trace
    seen = ask(port, "/cgi-bin/env", headers={"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}).text
    trace = next(line for line in seen.splitlines() if line.startswith("HTTP_X_AMZN_TRACE_ID=")).split("=", 1)[1]
    assert trace.startswith("Self=1-") and trace.endswith(";Root=1-5759e988-bd862e3fe1be46a994272793")
    platform.stop(arn)


def test_health_tells_what_is_wrong(front, tasks, network):
    port = free_port()
    group = front.group(tasks.values(), HealthCheckPath="/nowhere", UnhealthyThresholdCount=2, Matcher={"HttpCode": "200"})
    assert set(front.health(group).values()) == {"unused"}
    front.listen(port, group)
    wait_for(lambda: set(front.health(group).values()) == {"unhealthy"}, "the targets to be unhealthy", 40)
    found = front.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    assert found["Reason"] == "Target.ResponseCodeMismatch"
    assert found["Description"] == "Health checks failed with these codes: [404]"
    # They are asked all the same, as nobody is healthy; with one that is, the others are not.
    wait_for(lambda: ask(port).status == 200, "the group to fail open")
    said = "".join(ask(port).text for _ in range(10))
    assert all(arn in said for arn in tasks), said
    front.elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/health")
    front.wait_healthy(group, 2, 40)
    assert ask(port).status == 200
    front.elb.get_waiter("target_in_service").wait(TargetGroupArn=group, WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    gone = next(iter(tasks.values()))
    front.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}])
    front.deregister(group, gone)
    front.elb.get_waiter("target_deregistered").wait(TargetGroupArn=group, Targets=[{"Id": gone}], WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def test_targets_come_and_go_under_traffic(front, tasks):
    """Registering, draining, new rules, all at once."""
    port = free_port()
    first, second = tasks.values()
    group = front.group([first])
    listener = front.listen(port, group)
    front.wait_healthy(group, 1)
    with Traffic("127.0.0.1", port, "/json") as traffic:
        for _ in range(3):
            front.register(group, second)
            front.wait_healthy(group, 2)
            front.deregister(group, first)
            wait_for(lambda: front.health(group).get(first) in (None, "draining"), "the first to drain")
            time.sleep(0.3)
            rule = front.rule(listener, 5, fixed(200, "x"), Field="path-pattern", PathPatternConfig={"Values": ["/x"]})
            front.register(group, first)
            front.wait_healthy(group, 2)
            front.deregister(group, second)
            front.elb.delete_rule(RuleArn=rule)
            time.sleep(0.3)
    assert traffic.good > 100 and traffic.failures == [], (traffic.good, traffic.failures[:5])


def test_a_slow_request_is_ended_by_its_target_while_that_drains(front, platform, busybox):
    server = ("mkdir -p /tmp/w/cgi-bin; printf '#!/bin/sh\\nsleep 3\\nprintf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nslow\"\\n' > /tmp/w/cgi-bin/slow; "
              "chmod 755 /tmp/w/cgi-bin/slow; echo ok > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w")
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": ["sh", "-c", server], "portMappings": [{"containerPort": 80}]}]))[0]
    address = platform.address(platform.wait_status(arn, "RUNNING"))
    port = free_port()
    group = front.group([address])
    front.listen(port, group)
    front.wait_healthy(group, 1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/cgi-bin/slow")
    time.sleep(0.5)
    front.deregister(group, address)
    wait_for(lambda: front.health(group) == {address: "draining"}, "draining")
    time.sleep(0.3)
    assert ask(port).status == 503
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"slow")
    platform.stop(arn)


def test_two_load_balancers_share_a_port_by_name(elb, network, front, tasks):
    port = free_port()
    front.listen(port, fixed(200, "first"))
    wait_answer(port)
    other = Front(elb, network)
    try:
        other.listen(port, fixed(200, "second"))
        wait_for(lambda: ask(port, host=other.dns).text == "second", "the second to answer")
        assert ask(port, host=front.dns.upper()).text == "first"
        assert ask(port, host=f"{front.dns}:{port}").text == "first"
        lost = ask(port, host="127.0.0.1")
        assert lost.status == 404 and front.dns in lost.text and other.dns in lost.text
    finally:
        other.delete()
    wait_for(lambda: ask(port, host="anything").text == "first", "the first to be alone again")


def test_a_port_of_somebody_else_is_told_of(platform, front, tasks):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        front.listen(port, fixed(200, "here"))
        state = wait_for(lambda: front.describe()["State"].get("Reason") and front.describe()["State"], "the reason")
        assert state["Code"] == "active" and f"Port {port} of this machine (127.0.0.1) is in use by another program" in state["Reason"]
        assert f"Port {port}" in platform.boxship("status").stdout
        interfaces = platform.client("ec2").describe_network_interfaces(Filters=[{"Name": "description", "Values": [f"ELB app/{front.name}/*"]}])
        assert ask(port, address=interfaces["NetworkInterfaces"][0]["PrivateIpAddress"]).text == "here"
    wait_for(lambda: "Reason" not in front.describe()["State"], "the port to be free", 20)
    assert ask(port).text == "here"


def balancer_pid(platform):
    return platform.find("balancer")


LOST_WITH_ITS_CONNECTION = ("RemoteDisconnected", "ConnectionResetError", "IncompleteRead", "BrokenPipeError")


def test_a_killed_haproxy_loses_what_it_held_and_nothing_else(platform, front, tasks):
    """Four clients, so four connections at most each time. Nobody is refused, and nobody is told that there is no target."""
    port = free_port()
    first, second = tasks.values()
    group = front.group([first])
    front.listen(port, group)
    front.wait_healthy(group, 1)
    front.register(group, second)       # it came after the configuration
    front.wait_healthy(group, 2)
    keeper, took = balancer_pid(platform), []
    with Traffic("127.0.0.1", port, "/json", threads=4) as traffic:
        wait_for(lambda: traffic.good > 8, "traffic")
        for kills in range(1, 6):
            killed = haproxies(platform)[-1]
            os.kill(killed, signal.SIGKILL)
            begun, answered = time.monotonic(), traffic.good
            wait_for(lambda: traffic.good > answered + 4, "answers again")
            took.append(time.monotonic() - begun)
            assert killed not in haproxies(platform) and balancer_pid(platform) == keeper
            wait_for(lambda: traffic.good > answered + 20, "more of them")
            assert len(traffic.failures) <= 4 * kills, traffic.failures
    print(f"back after {took}; {traffic.good} answered, {len(traffic.failures)} failed")
    assert max(took) < 1.0, took
    assert all(failure.startswith(LOST_WITH_ITS_CONNECTION) for failure in traffic.failures), traffic.failures
    # Nobody but its keeper is needed.
    server = platform.find("server")
    os.kill(server, signal.SIGSTOP)
    try:
        os.kill(haproxies(platform)[-1], signal.SIGKILL)
        assert ask(port).status == 200
    finally:
        os.kill(server, signal.SIGCONT)


def test_a_killed_keeper_leaves_haproxy_serving_and_the_next_takes_it_over(platform, front, tasks):
    port, other = free_port(), free_port()
    group = front.group(tasks.values())
    listener = front.listen(port, group)
    front.wait_healthy(group, 2)
    keeper, served = balancer_pid(platform), haproxies(platform)[-1]
    with Traffic("127.0.0.1", port, "/json") as traffic:
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: balancer_pid(platform) not in (None, keeper), "another keeper")
        wait_for(lambda: haproxies(platform) and haproxies(platform)[-1] != served, "its HAProxy")
        front.listen(other, fixed(200, "other"))
        assert wait_answer(other).text == "other"
        wait_for(lambda: served not in haproxies(platform), "the older HAProxy to end", 90)
        wait_for(lambda: traffic.good > 30 or traffic.failures, "traffic")
    assert traffic.failures == [], (traffic.good, traffic.failures[:5])
    front.elb.delete_listener(ListenerArn=listener)
    wait_for(lambda: refused(port), "the port to be closed")
    front.listen(port, group)
    wait_answer(port)
    for pid in [balancer_pid(platform), *haproxies(platform)]:
        os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    time.sleep(0.02)
    wait_answer(port)
    took = time.monotonic() - begun
    print(f"everything was killed, back after {took:.2f} s")
    assert took < 1.0


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return False
    except ConnectionRefusedError:
        return True


def test_a_deleted_listener_refuses_while_what_it_accepted_goes_on(platform, front, tasks):
    port, other = free_port(), free_port()
    group = front.group(tasks.values())
    listener = front.listen(port, group)
    front.listen(other, fixed(200, "other"))
    front.wait_healthy(group, 2)
    wait_answer(other)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/json")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    holder = haproxies(platform)[-1]
    front.elb.delete_listener(ListenerArn=listener)
    wait_for(lambda: refused(port), "the port to be closed")
    assert holder in haproxies(platform), "it has a connection yet"
    connection.request("GET", "/json")
    assert connection.getresponse().status == 200
    connection.close()
    front.listen(port, group)
    wait_answer(port)


def test_it_serves_while_the_server_is_killed_and_is_taken_back(platform, front, tasks):
    port = free_port()
    group = front.group(tasks.values())
    front.listen(port, group)
    front.wait_healthy(group, 2)
    master = balancer_pid(platform)
    with Traffic("127.0.0.1", port, "/json") as traffic:
        platform.kill("server")
        platform.wait_ready()
        wait_for(lambda: front.describe()["State"]["Code"] == "active", "the API")
        front.deregister(group, next(iter(tasks.values())))
        time.sleep(0.5)
    assert traffic.good > 20 and traffic.failures == [], traffic.failures[:5]
    assert balancer_pid(platform) == master
    front.register(group, next(iter(tasks.values())))
    front.wait_healthy(group, 2)
    with Traffic("127.0.0.1", port, "/json") as traffic:
        platform.boxship("down", "--keep-tasks")
        time.sleep(0.3)
        platform.up()
        platform.wait_ready()
    assert traffic.good > 20 and traffic.failures == [], traffic.failures[:5]
    assert balancer_pid(platform) == master


def test_websockets_pass_through(platform, front, busybox):
    """Any protocol that HTTP/1.1 is upgraded to."""
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": Websockets.SERVER,
                                         "portMappings": [{"containerPort": 80}, {"containerPort": 81}]}]))[0]
    address = platform.address(platform.wait_status(arn, "RUNNING"))
    port = free_port()
    group = front.group([{"Id": address, "Port": 81}], HealthCheckPort="80")
    front.listen(port, group)
    front.wait_healthy(group, 1)
    with Websockets("127.0.0.1", port, threads=1) as talk:
        wait_for(lambda: talk.good or talk.failures, "an echo")
    assert talk.good and talk.failures == [], talk.failures
    platform.stop(arn)


def test_the_aws_command_line(platform, network, tasks):
    """The walk-through as typed: create, look, use, delete."""
    port = free_port()
    name = "t" + uuid.uuid4().hex[:8]
    balancer = platform.aws("elbv2", "create-load-balancer", "--name", name, "--subnets", *network["subnets"][:2])["LoadBalancers"][0]
    group = platform.aws("elbv2", "create-target-group", "--name", name, "--protocol", "HTTP", "--port", "80", "--vpc-id", network["vpc"],
                         "--target-type", "ip")["TargetGroups"][0]["TargetGroupArn"]
    platform.aws("elbv2", "register-targets", "--target-group-arn", group, "--targets", *[f"Id={address}" for address in tasks.values()])
    platform.aws("elbv2", "create-listener", "--load-balancer-arn", balancer["LoadBalancerArn"], "--protocol", "HTTP", "--port", str(port),
                 "--default-actions", f"Type=forward,TargetGroupArn={group}")
    platform.aws("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", balancer["LoadBalancerArn"])
    assert wait_answer(port, host=balancer["DNSName"]).status == 200
    health = platform.aws("elbv2", "describe-target-health", "--target-group-arn", group)["TargetHealthDescriptions"]
    assert {h["TargetHealth"]["State"] for h in health} <= {"healthy", "initial", "unused"}
    metrics = urllib.request.urlopen(platform.endpoint + "/metrics", timeout=10).read().decode()
    assert f'boxship_alb_requests_total{{load_balancer="app/{name}/' in metrics
    platform.aws("elbv2", "delete-load-balancer", "--load-balancer-arn", balancer["LoadBalancerArn"])
    platform.aws("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", balancer["LoadBalancerArn"])
    platform.aws("elbv2", "delete-target-group", "--target-group-arn", group)
    # Nothing listens any more, so nothing runs.
    wait_for(lambda: balancer_pid(platform) is None, "HAProxy to end")


def test_what_it_answers_when_a_target_does_not(front, ground, network):
    """AWS's codes: 502 refused, 504 no connection or no answer in time, 503 nobody to ask; and requests that it refuses itself."""
    script = ("mkdir -p /tmp/w/cgi-bin; cd /tmp/w; echo ok > index.html; printf '#!/bin/sh\\nkill $(cat /tmp/pid)\\n' > cgi-bin/die; "
              "printf '#!/bin/sh\\nsleep 4\\n' > cgi-bin/slow; chmod 755 cgi-bin/*; httpd -f -p 80 -h /tmp/w & echo $! > /tmp/pid; sleep 3600")
    shut = ground.group({"VpcId": network["vpc"]}, tcp(80, "0.0.0.0/0"))
    arn = ground.run({"image": ground.images["busybox"], "command": ["sh", "-c", script], "portMappings": [{"containerPort": 80}]}, groups=[shut])
    address = ground.platform.address(ground.platform.wait_status(arn, "RUNNING"))
    port, empty = free_port(), free_port()
    # Its checks are too rare to notice anything here.
    group, nobody = front.group([address], HealthCheckPath="/", HealthCheckIntervalSeconds=300), front.group()
    front.listen(port, group)
    front.listen(empty, nobody)
    front.wait_healthy(group, 1)
    assert wait_answer(port, path="/").text == "ok\n"
    assert wait_answer(empty, 503).status == 503
    assert ask(port, "/", method="TRACE").status == 405
    assert ask(port, "/", headers={"X-Forwarded-For": ", ".join(["10.0.0.1"] * 31)}).status == 463
    assert ask(port, "/", headers={"X-Forwarded-For": ", ".join(["10.0.0.1"] * 30)}).status == 200

    front.elb.modify_load_balancer_attributes(LoadBalancerArn=front.arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "2"}])
    wait_for(lambda: ask(port, "/cgi-bin/slow").status == 504, "an answer that comes too late", 20)

    ground.forbid(shut, tcp(80, "0.0.0.0/0"))
    wait_for(lambda: ask(port, "/").status == 504, "no connection", 20)
    assert ask(port, "/").status == 504
    ground.allow(shut, tcp(80, "0.0.0.0/0"))
    wait_for(lambda: ask(port, "/").status == 200, "the connection again", 20)

    ask(port, "/cgi-bin/die")
    wait_for(lambda: ask(port, "/").status == 502, "a refusal", 20)
    assert front.health(group) == {address: "healthy"}, "nobody has noticed yet"
