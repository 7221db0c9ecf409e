"""A platform under test: its processes, its clients, and short ways to say what tests say often."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import uuid

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BOXSHIP_BUILD", ROOT / "build"))
BOXSHIP = str(BUILD / "boxship")
AGENT = "agent-fargate"    # the one agent that every platform has


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, timeout=30.0):
    """Waits for a level: returns the first true value of `condition`. `what` is a sentence, or makes it when time is over."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {timeout} s waiting for {what() if callable(what) else what}")
        time.sleep(0.02)


class Platform:
    def __init__(self, directory):
        self.data = str(directory / "data")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.registry = f"localhost:{self.port}"
        self.clients = {}
        self.variables = {}     # of the environment of everything that is started

    # --- the program

    def boxship(self, *words, check=True, timeout=120, env=None):
        done = subprocess.run([BOXSHIP, *words, "--data", self.data], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **self.variables, **(env or {})})
        if check:
            assert done.returncode == 0, f"boxship {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def up(self, *options):
        return self.boxship("up", "--detach", "--listen", f"127.0.0.1:{self.port}", *options)

    def purge(self):
        if os.path.exists(self.data):
            self.boxship("down", "--purge", timeout=180)

    def marks(self):
        """What everything of this platform on the host has in its name."""
        return [self.data, json.loads(pathlib.Path(self.data, "platform.json").read_text())["shortId"]]

    def pid(self, child):
        text = pathlib.Path(self.data, "run", f"{child}.pid").read_text()
        return int(text.split()[0])

    def find(self, child):
        """The pid of a process of the platform if it lives, told apart from a later one with its number."""
        try:
            pid, start = pathlib.Path(self.data, "run", f"{child}.pid").read_text().split()
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, ValueError):
            return None
        return int(pid) if fields[0] != "Z" and fields[19] == start else None

    def kill(self, child):
        """kill -9 of one process of the platform, which its supervisor then starts again."""
        pid = self.pid(child)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.find(child) != pid, f"{child} to die")
        return pid

    def monitors(self):
        """Task id → pid of the monitors of this platform's containers, one per container `<task>-<number>`."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if len(words) > 5 and words[0].endswith("boxship-monitor") and words[1] == "run" and any(self.data in word for word in words):
                found[words[words.index("--id") + 1]] = int(entry.name)
        return found

    def first_process(self, arn):
        """The pid of the first process of a task's only container."""
        monitor = next(pid for name, pid in self.monitors().items() if name.startswith(arn.split("/")[-1]))

        def contained():    # a runtime that is just ending may be a child too
            for child in pathlib.Path(f"/proc/{monitor}/task/{monitor}/children").read_text().split():
                try:
                    if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                        return int(child)
                except OSError:
                    pass
            return None
        return wait_for(contained, f"a process of {arn}")

    def wait_ready(self, agents=1):
        def ready():
            done = self.boxship("status", "--json", check=False)
            return done.returncode == 0 and json.loads(done.stdout)["connectedAgents"] >= agents
        wait_for(ready, "the platform to be ready")

    def logs_if_failed(self):
        if not os.environ.get("BOXSHIP_SHOW_LOGS"):
            return ""
        return "".join(f"--- {p.name}\n{p.read_text()[-20000:]}" for p in pathlib.Path(self.data, "log").glob("*.log"))

    def status(self):
        return json.loads(self.boxship("status", "--json").stdout)

    # --- clients

    def env(self):
        return json.loads(self.boxship("env", "--json").stdout)

    def client(self, service, **options):
        key = (service, tuple(sorted(options.items())))
        if key not in self.clients:
            env = self.env()
            self.clients[key] = boto3.client(
                service, endpoint_url=self.endpoint, region_name=options.pop("region_name", "us-east-1"),
                aws_access_key_id=options.pop("access_key", env["AWS_ACCESS_KEY_ID"]),
                aws_secret_access_key=options.pop("secret_key", env["AWS_SECRET_ACCESS_KEY"]),
                config=Config(retries={"max_attempts": options.pop("attempts", 4), "mode": "standard"}, **options))
        return self.clients[key]

    def shell(self, script, timeout=120):
        """A user's shell after eval "$(boxship env)"."""
        prelude = f'set -eu -o pipefail\neval "$({BOXSHIP} env --data {self.data})"\n'
        return subprocess.run(["bash", "-c", prelude + script], capture_output=True, text=True, timeout=timeout,
                              env={"PATH": f"{BUILD}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent",
                                   "BOXSHIP_DATA": self.data})

    def aws(self, *words, check=True):
        env = self.env()
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.endpoint, "--output", "json", *words], capture_output=True,
                              text=True, timeout=120, env={**os.environ, **env})
        if check:
            assert done.returncode == 0, f"aws {' '.join(words)}: {done.stderr}"
            return json.loads(done.stdout) if done.stdout.strip() else None
        return done

    # --- what tests say often

    def subnet(self):
        return self.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]

    def cluster(self, name="default"):
        self.client("ecs").create_cluster(clusterName=name)
        return name

    def define(self, containers, family=None, cpu="256", memory="512", **more):
        family = family or "t-" + uuid.uuid4().hex[:8]
        for container in containers:  # a shell as the first process ignores SIGTERM: 30 s of waiting at every stop
            container.setdefault("stopTimeout", 2)
        answer = self.client("ecs").register_task_definition(
            family=family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu=cpu, memory=memory,
            containerDefinitions=containers, **more)["taskDefinition"]
        return f"{answer['family']}:{answer['revision']}"

    def run(self, definition, count=1, cluster="default", subnet=None, groups=(), **more):
        answer = self.client("ecs").run_task(
            cluster=cluster, taskDefinition=definition, count=count, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet or self.subnet()], "securityGroups": list(groups)}}, **more)
        assert answer["failures"] == [], answer["failures"]
        return [task["taskArn"] for task in answer["tasks"]]

    def describe(self, arn, cluster="default"):
        return self.client("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]

    def wait_status(self, arn, status, cluster="default", timeout=60):
        def reached():
            task = self.describe(arn, cluster)
            if task["lastStatus"] == "STOPPED" and status != "STOPPED":
                raise AssertionError(f"the task stopped: {task.get('stoppedReason')} {task['containers']}")
            return task if task["lastStatus"] == status else None
        return wait_for(reached, f"{arn} to be {status}", timeout)

    def run_to_end(self, containers, **more):
        """Runs a task until it has stopped; the stopped task."""
        arn = self.run(self.define(containers, **more))[0]
        return self.wait_status(arn, "STOPPED")

    def stop(self, arn, cluster="default"):
        self.client("ecs").stop_task(cluster=cluster, task=arn)
        return self.wait_status(arn, "STOPPED", cluster)

    @staticmethod
    def address(task):
        details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
        return details["privateIPv4Address"]

    def logs(self, name, *options):
        """Of a task's ARN, or of ARN/container."""
        return self.boxship("logs", re.search(r"[0-9a-f]{32}(/.*)?$", name)[0], *options).stdout


def uuid_like(text):
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
