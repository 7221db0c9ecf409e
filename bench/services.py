"""Services: a rolling update of 20 tasks from the call until only new ones run, beside Docker's swarm mode with the same
percentages (all new ones first, then the old ones end); from a task's death until its replacement serves, and from RUNNING until
the first request, behind a load balancer.
"""

import http.client
import json
import os
import signal
import subprocess
import time

from harness import images
from harness.platform import BUILD, Platform, free_port, wait_for
from measure import limit, median, progress, row
from peers import docker

TASKS = 20
ROUNDS = 5
COMMAND = ["sh", "-c", "trap exit TERM; while :; do sleep 1 & wait; done"]


class Ours:
    def __init__(self, platform, image):
        self.ecs, self.image = platform.client("ecs"), image
        self.ecs.create_service(serviceName="roll", taskDefinition=self.define("0"), desiredCount=TASKS,
                                deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 200})
        self.wait()

    def define(self, version):
        return self.ecs.register_task_definition(family="roll", containerDefinitions=[
            {"name": "c", "image": self.image, "memory": 16, "command": COMMAND, "environment": [{"name": "V", "value": version}]}])["taskDefinition"]["taskDefinitionArn"]

    def wait(self):
        def stable():
            now = self.ecs.describe_services(services=["roll"])["services"][0]
            return len(now["deployments"]) == 1 and now["deployments"][0]["rolloutState"] == "COMPLETED" and now["runningCount"] == TASKS
        wait_for(stable, "the service to be stable", 180)

    def update(self, version):
        definition = self.define(version)
        begun = time.perf_counter()
        self.ecs.update_service(service="roll", taskDefinition=definition)
        self.wait()
        return time.perf_counter() - begun

    def end(self):
        self.ecs.delete_service(service="roll", force=True)
        wait_for(lambda: not self.ecs.list_tasks(serviceName="roll", desiredStatus="RUNNING")["taskArns"], "the tasks to be gone", 60)


class Swarm:
    """`docker service update` of a service of the same size; the time until only new tasks run, without the monitoring after it."""

    def __init__(self, engine):
        self.engine = engine
        subprocess.run(["nsenter", f"--net=/proc/{self.daemon()}/ns/net", "ip", "link", "set", "lo", "up"], check=True)
        self.call("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
        self.call("service", "create", "--detach", "--name", "roll", "--replicas", str(TASKS), "--limit-memory", "16m", "--env", "V=0", "--no-resolve-image",
                  "bench:1", *COMMAND)
        self.wait("0")

    def daemon(self):
        return open(os.path.join(os.path.dirname(self.engine.socket), "docker.pid")).read().strip()

    def call(self, *words):
        return subprocess.run(["/usr/bin/docker", *words], env=self.engine.env, check=True, capture_output=True, text=True).stdout

    def wait(self, version):
        def only_new():
            found = [json.loads(line) for line in self.call("ps", "--format", "{{json .}}", "--filter", "label=com.docker.swarm.service.name=roll").splitlines()]
            if len(found) != TASKS:
                return False
            env = self.call("inspect", "--format", "{{json .Config.Env}}", *[c["ID"] for c in found]).splitlines()
            return all(f"V={version}" in json.loads(line) for line in env)
        wait_for(only_new, "only new tasks to run", 300)

    def update(self, version):
        begun = time.perf_counter()
        self.call("service", "update", "--detach", "--env-add", f"V={version}", "--update-parallelism", str(TASKS), "--update-order", "start-first",
                  "--update-delay", "0s", "--no-resolve-image", "roll")
        self.wait(version)
        return time.perf_counter() - begun

    def end(self):
        self.call("service", "rm", "roll")
        self.call("swarm", "leave", "--force")


def answering(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/json")
        answer = connection.getresponse()
        return json.loads(answer.read())["taskArn"] if answer.status == 200 else None
    except (OSError, ValueError):
        return None
    finally:
        connection.close()


def replaced(platform, image, times=11):
    """Milliseconds from the death of a service's only task until another one answers through the load balancer."""
    ecs, elb, subnets = platform.client("ecs"), platform.client("elbv2"), platform.client("ec2").describe_subnets()["Subnets"]
    port, ids = free_port(), [s["SubnetId"] for s in subnets]
    balancer = elb.create_load_balancer(Name="dies", Subnets=ids)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="dies", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"], TargetType="ip", HealthCheckPath="/health",
                                    HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    definition = platform.define([{"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}])
    ecs.create_service(serviceName="dies", taskDefinition=definition, desiredCount=1, launchType="FARGATE",
                       networkConfiguration={"awsvpcConfiguration": {"subnets": ids}},
                       loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}])
    wait_for(lambda: answering(port), "the service to answer", 60)
    waits = []
    for i in range(times):
        progress(f"death {i + 1} of {times}")
        # A throttled service would wait: what ran for a while is no failure to start.
        before = wait_for(lambda: answering(port), "the service to answer", 60)
        victim = platform.first_process(before)
        begun = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        while (answering(port) or before) == before:
            time.sleep(0.002)
        waits.append((time.perf_counter() - begun) * 1000)
    ecs.delete_service(service="dies", force=True)
    wait_for(lambda: not ecs.list_tasks(serviceName="dies", desiredStatus="RUNNING")["taskArns"], "the tasks to be gone", 60)
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    return waits


def scale(directory):
    """0 → N tasks → 0 in the brain alone (bench/services/main.cpp): a task of a large service must not cost more than one of a small one."""
    program, rows = str(BUILD / "bench" / "boxship-services"), []
    for name, verb, kind, what in (
            ("scale", "scale", [], "0 → 10,000 tasks → 0 in memory, each report a transaction"),
            ("scale.balanced", "scale", ["balanced"], "0 → 10,000 tasks → 0 in memory, behind a target group, each report a transaction"),
            ("scale.rolling", "roll", [], "a rolling update of 10,000 tasks in memory, 100/200 %, each report a transaction")):
        progress(f"{name}: a service of 1,000 and of 10,000 tasks")
        few, many = ([json.loads(subprocess.run([program, verb, str(tasks), *kind], capture_output=True, text=True, check=True, timeout=600).stdout)
                      for _ in range(ROUNDS)] for tasks in (1_000, 10_000))
        cost = median([run["usPerTask"] for run in many])
        rows.append(row(f"{name}.seconds", "s", median([run["seconds"] for run in many]), None, None, f"{what}; {many[0]['transactions']} transactions"))
        rows.append(limit(f"{name}.flat", "×", cost / median([run["usPerTask"] for run in few]), 1.5, "cost of a task of 10,000 ÷ of 1,000"))
    return rows


def run(directory):
    platform = Platform(directory)
    platform.up("--instances", "1:m5.2xlarge")
    try:
        platform.wait_ready(agents=2)
        platform.cluster()
        image = images.push(platform, images.make_busybox(directory, "1"), "test/busybox:1", directory)
        with docker(directory) as engine:
            engine.load(directory, "1")
            ours, peer = Ours(platform, image), Swarm(engine) if engine.available else None
            mine, theirs = [], []
            for i in range(ROUNDS):
                progress(f"update {i + 1} of {ROUNDS}")
                mine.append(ours.update(str(i + 1)))
                if peer:
                    theirs.append(peer.update(str(i + 1)))
            ours.end()
            if peer:
                peer.end()
            version = engine.version
        deaths = replaced(platform, images.push_hello(platform, directory / "hello"))
        return [
            row("rolling update of 20 tasks", "s", median(mine), median(theirs) if theirs else None, 3, f"start to stable, 100/200 %; {version}, swarm"),
            limit("death to replacement serving", "ms", median(deaths), 500, f"Fargate, behind a load balancer, p50 of {len(deaths)}"),
        ]
    finally:
        platform.purge()
