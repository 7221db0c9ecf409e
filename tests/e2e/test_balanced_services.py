"""Services behind a load balancer: tasks come in when they serve, are drained before they end, and no request is lost."""

import json
import os
import pathlib
import signal
import subprocess
import time
from urllib.request import urlopen

import pytest

from harness import own
from harness.balancer import haproxies
from harness.platform import free_port, wait_for
from harness.traffic import Traffic, Websockets


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with own.with_instances(tmp_path_factory.mktemp("balanced")) as platform:
        yield platform


class Site:
    """A load balancer with one group, and a service in it."""

    def __init__(self, platform, target_type):
        self.ecs, self.elb, ec2 = (platform.client(name) for name in ("ecs", "elbv2", "ec2"))
        self.platform, self.name, self.port, self.kind = platform, f"site{free_port()}", free_port(), target_type
        subnets = ec2.describe_subnets()["Subnets"]
        self.subnets = [s["SubnetId"] for s in subnets]
        self.balancer = self.elb.create_load_balancer(Name=self.name, Subnets=self.subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        self.group = self.elb.create_target_group(
            Name=self.name, VpcId=subnets[0]["VpcId"], TargetType=target_type, Protocol="HTTP", Port=80, HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}])
        self.listener = self.elb.create_listener(LoadBalancerArn=self.balancer, Protocol="HTTP", Port=self.port, DefaultActions=[
            {"Type": "forward", "TargetGroupArn": self.group}])["Listeners"][0]["ListenerArn"]

    def define(self, version, **more):
        container = {"name": "web", "image": self.platform.hello, "memory": 64, "stopTimeout": 2, "portMappings": [{"containerPort": 80}, {"containerPort": 81}],
                     "environment": [{"name": "VERSION", "value": version}], **more}
        fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"} if self.kind == "ip" else {}
        return self.ecs.register_task_definition(family=self.name, containerDefinitions=[container], **fargate)["taskDefinition"]["taskDefinitionArn"]

    def create(self, definition, count, port=80, **more):
        if self.kind == "ip":
            more |= {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": self.subnets}}}
        return self.ecs.create_service(serviceName=self.name, taskDefinition=definition, desiredCount=count, loadBalancers=[
            {"targetGroupArn": self.group, "containerName": "web", "containerPort": port}], **more)["service"]

    def update(self, **more):
        return self.ecs.update_service(service=self.name, **more)["service"]

    def service(self):
        return self.ecs.describe_services(services=[self.name])["services"][0]

    def stable(self, timeout=90):
        def is_stable():
            now = self.service()
            return (len(now["deployments"]) == 1 and now["runningCount"] == now["desiredCount"]
                    and now["deployments"][0]["rolloutState"] == "COMPLETED")
        wait_for(is_stable, lambda: f"{self.name} to be stable: {json.dumps(self.service()['events'][:6], default=str)}", timeout)
        return self.service()

    def running(self):
        arns = self.ecs.list_tasks(serviceName=self.name)["taskArns"]
        return [t["taskArn"] for t in self.ecs.describe_tasks(tasks=arns)["tasks"] if t["lastStatus"] == "RUNNING"] if arns else []

    def states(self):
        return sorted(d["TargetHealth"]["State"] for d in self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"])

    def delete(self):
        self.ecs.delete_service(service=self.name, force=True)
        self.ecs.get_waiter("services_inactive").wait(services=[self.name], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        wait_for(lambda: self.states() == [], lambda: f"targets to be gone: {self.states()}")
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer)
        wait_for(self.delete_group, "the group to be deleted")

    def delete_group(self):
        try:
            self.elb.delete_target_group(TargetGroupArn=self.group)
            return True
        except self.elb.exceptions.ResourceInUseException:
            return False

    def traffic(self, **more):
        return Traffic("127.0.0.1", self.port, "/json", **more)


@pytest.fixture
def fargate(platform):
    site = Site(platform, "ip")
    yield site
    site.delete()


@pytest.fixture
def bridged(platform):
    site = Site(platform, "instance")
    yield site
    site.delete()


def all_answer(site, count):
    """As many tasks as that are seen through the load balancer."""
    seen = set()

    def asked():
        with urlopen(f"http://127.0.0.1:{site.port}/json", timeout=10) as answer:
            seen.add(json.load(answer)["taskArn"])
        return len(seen) >= count
    wait_for(asked, lambda: f"{count} tasks to answer, so far {seen}")
    return seen


def ask_agent(pid, method, path, body=None):
    """What a task's own process gets from its agent."""
    variables = dict(v.split("=", 1) for v in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in v)
    data = ["-H", "Content-Type: application/json", "--data", json.dumps(body)] if body else []
    done = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "curl", "-sS", "--max-time", "10", "-X", method, *data,
                           variables["ECS_AGENT_URI"] + path], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_fargate_service_serves_rolls_and_shrinks_without_losing_a_request(platform, fargate):
    created = fargate.create(fargate.define("1"), 3, healthCheckGracePeriodSeconds=5)
    assert created["loadBalancers"] == [{"targetGroupArn": fargate.group, "containerName": "web", "containerPort": 80}]
    fargate.stable()
    assert fargate.states() == ["healthy"] * 3
    first = all_answer(fargate, 3)
    assert first == set(fargate.running())
    with fargate.traffic() as traffic:
        fargate.update(taskDefinition=fargate.define("2"))
        fargate.stable()
        second = all_answer(fargate, 3)
        assert not first & second
        fargate.update(desiredCount=5)
        fargate.stable()
        all_answer(fargate, 5)
        fargate.update(desiredCount=2)
        wait_for(lambda: len(fargate.running()) == 2 and fargate.states().count("healthy") == 2, "two to be left", 60)
    assert traffic.good > 30 and traffic.failures == [], (traffic.good, traffic.failures[:5])
    said = [e["message"] for e in fargate.service()["events"]]
    assert any("registered" in s and fargate.group in s for s in said) and any("deregistered" in s for s in said), said
    assert fargate.group.split("/")[1] in platform.boxship("explain", fargate.name).stdout


def test_dynamic_ports_on_instances_and_a_drained_host(platform, bridged):
    bridged.create(bridged.define("1"), 2)
    bridged.stable()
    targets = bridged.elb.describe_target_health(TargetGroupArn=bridged.group)["TargetHealthDescriptions"]
    assert all(t["Target"]["Id"].startswith("i-") and t["Target"]["Port"] >= 32768 for t in targets), targets
    all_answer(bridged, 2)
    hosts = {h["containerInstanceArn"]: h for h in bridged.ecs.describe_container_instances(
        containerInstances=bridged.ecs.list_container_instances()["containerInstanceArns"])["containerInstances"]}
    loaded = next(arn for arn, host in hosts.items() if host["runningTasksCount"] > 0)
    with bridged.traffic() as traffic:
        bridged.ecs.update_container_instances_state(containerInstances=[loaded], status="DRAINING")

        def left():
            tasks = bridged.ecs.describe_tasks(tasks=bridged.running())["tasks"]
            return len(tasks) == 2 and all(t["containerInstanceArn"] != loaded for t in tasks) and bridged.states().count("healthy") == 2
        wait_for(left, "the tasks to have moved", 90)
        wait_for(lambda: bridged.states() == ["healthy"] * 2, "the old ones to be gone", 60)
    bridged.ecs.update_container_instances_state(containerInstances=[loaded], status="ACTIVE")
    assert traffic.good > 30 and traffic.failures == [], (traffic.good, traffic.failures[:5])


def test_websockets_live_through_rollout_scaling_and_changes_of_the_listener(platform, fargate):
    fargate.elb.modify_target_group(TargetGroupArn=fargate.group, HealthCheckPort="80")
    server = {"image": platform.image, "command": Websockets.SERVER}
    fargate.create(fargate.define("1", **server), 2, port=81)
    fargate.stable()
    first = set(fargate.running())
    with Websockets("127.0.0.1", fargate.port, rate=40) as talk:
        fargate.update(taskDefinition=fargate.define("2", **server), desiredCount=3)
        fargate.stable()
        assert not first & set(fargate.running())
        forward = [{"Type": "forward", "TargetGroupArn": fargate.group}]
        for path in ("/a", "/b", "/c"):
            rule = fargate.elb.create_rule(ListenerArn=fargate.listener, Priority=1, Actions=forward, Conditions=[{"Field": "path-pattern", "Values": [path]}])
            fargate.elb.modify_listener(ListenerArn=fargate.listener, DefaultActions=forward)
            fargate.elb.delete_rule(RuleArn=rule["Rules"][0]["RuleArn"])
        fargate.update(desiredCount=1)
        wait_for(lambda: len(fargate.running()) == 1 and fargate.states() == ["healthy"], "one to be left", 60)
    print(f"{talk.good} lines, {len(talk.failures)} failed")
    assert talk.good > 100 and talk.failures == [], (talk.good, talk.failures[:5])


def test_a_listener_changes_under_traffic(platform, fargate):
    fargate.create(fargate.define("1"), 2)
    fargate.stable()
    with fargate.traffic() as traffic:
        for n in range(6):
            forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": fargate.group, "Weight": n + 1}],
                                                             "TargetGroupStickinessConfig": {"Enabled": n % 2 == 0, "DurationSeconds": 60}}}]
            rule = fargate.elb.create_rule(ListenerArn=fargate.listener, Priority=n + 1, Conditions=[{"Field": "path-pattern", "Values": ["/json"]}], Actions=forward)
            answered = traffic.good
            wait_for(lambda: traffic.good > answered + 20 or traffic.failures, "requests under the new rule")
            fargate.elb.modify_listener(ListenerArn=fargate.listener, DefaultActions=forward)
            fargate.elb.delete_rule(RuleArn=rule["Rules"][0]["RuleArn"])
    print(f"{traffic.good} answered, {len(traffic.failures)} failed")
    assert traffic.good > 120 and traffic.failures == [], (traffic.good, traffic.failures[:5])


def test_what_its_checks_find_sick_is_replaced(platform, fargate):
    """A task that answers no more: its target group says so, and another takes its place."""
    server = "mkdir -p /tmp/w; echo ok > /tmp/w/index.html; (sleep 8; rm /tmp/w/index.html) & exec httpd -f -p 80 -h /tmp/w"
    fargate.create(fargate.define("1", image=platform.image, command=["sh", "-c", server]), 1)
    fargate.stable()
    sick = fargate.running()
    wait_for(lambda: any(arn not in sick for arn in fargate.running()), "another task", 90)
    end = wait_for(lambda: [t for t in fargate.ecs.describe_tasks(tasks=sick)["tasks"] if t["desiredStatus"] == "STOPPED"], "the sick one to be stopped", 60)[0]
    assert end["stoppedReason"] == f"Task failed ELB health checks in (target-group {fargate.group})"
    said = [e["message"] for e in fargate.service()["events"]]
    assert any(f"(task {sick[0].split('/')[-1]}) (port 80) is unhealthy in (target-group {fargate.group}) due to (reason " in s for s in said), said


def test_a_version_that_never_serves_is_rolled_back(platform, fargate):
    good = fargate.define("1")
    fargate.create(good, 1, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    fargate.stable()
    with fargate.traffic(rate=40) as traffic:
        fargate.update(taskDefinition=fargate.define("2", image=platform.image, command=["sleep", "600"]))
        wait_for(lambda: any(d["taskDefinition"] == good and d["status"] == "PRIMARY" for d in fargate.service()["deployments"]), "the way back", 120)
        fargate.stable()
    assert traffic.failures == [], traffic.failures[:5]


def test_a_task_protects_itself(platform, fargate):
    """Through the endpoint that its agent offers: the other one goes when the service shrinks."""
    fargate.create(fargate.define("1"), 2)
    fargate.stable()
    kept = fargate.running()[0]
    process = platform.first_process(kept)
    answer = ask_agent(process, "PUT", "/task-protection/v1/state", {"ProtectionEnabled": True, "ExpiresInMinutes": 60})
    assert answer["protection"]["ProtectionEnabled"] is True and answer["protection"]["TaskArn"] == kept
    assert ask_agent(process, "GET", "/task-protection/v1/state")["protection"]["ExpirationDate"]
    assert fargate.ecs.get_task_protection(cluster="default", tasks=[kept])["protectedTasks"][0]["protectionEnabled"] is True
    fargate.update(desiredCount=1)
    wait_for(lambda: fargate.running() == [kept], "the other one to go", 60)
    fargate.update(taskDefinition=fargate.define("2"))
    wait_for(lambda: len(fargate.running()) == 2, "the next version beside it", 60)
    time.sleep(1)   # nothing is to happen: there is no level to wait for
    assert kept in fargate.running()
    ask_agent(process, "PUT", "/task-protection/v1/state", {"ProtectionEnabled": False})
    wait_for(lambda: kept not in fargate.running(), "it to go", 60)
    fargate.stable()


@pytest.mark.parametrize("victim", ["server", "agent-fargate", "balancer", "haproxy", "task"])
def test_kills_under_traffic(platform, fargate, victim):
    """Only requests that were under way may fail: at most as many as there are clients."""
    fargate.create(fargate.define("1"), 2)
    fargate.stable()
    with fargate.traffic(threads=4) as traffic:
        time.sleep(1)
        if victim == "task":
            os.kill(platform.first_process(fargate.running()[0]), signal.SIGKILL)
            wait_for(lambda: len(fargate.running()) == 2 and fargate.states().count("healthy") == 2, "a replacement", 60)
        elif victim == "haproxy":
            os.kill(haproxies(platform)[-1], signal.SIGKILL)
        else:
            platform.kill(victim)
            platform.wait_ready(agents=3)
        time.sleep(1)
    print(f"{victim}: {traffic.good} answered, {len(traffic.failures)} failed")
    assert traffic.good > 30
    assert len(traffic.failures) <= {"haproxy": 4, "task": 4}.get(victim, 0), traffic.failures[:8]
    fargate.stable()
