"""The API: signed DescribeTasks beside moto, durable RegisterTaskDefinition beside the disk and etcd.

The generator (boxship-load) signs every request beforehand, each with a signature of its own, and shares the processors with what
it measures; every answer is checked.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from harness import images
from harness.platform import BUILD, Platform, free_port
from measure import Signed, limit, median, profile, progress, row

LOAD = str(BUILD / "bench" / "boxship-load")
TARGET = "AmazonEC2ContainerServiceV20141113"
ROUNDS = 5
MOTO = "moto[server]==5.1.8"


def load(port, connections, count, operation=None, body="", env=None, path="/", headers=(), more=()):
    words = [LOAD, "requests", "--port", str(port), "--connections", str(connections), "--count", str(count), "--path", path, "--body", body]
    if operation:
        words += ["--region", "us-east-1", "--service", "ecs", "--header", "Content-Type: application/x-amz-json-1.1",
                  "--header", f"X-Amz-Target: {TARGET}.{operation}"]
    for header in headers:
        words += ["--header", header]
    done = subprocess.run([*words, *more], capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    answer = json.loads(done.stdout)
    if answer["refused"]:
        raise RuntimeError(f"{answer['refused']} of {answer['requests']} answers are wrong, the first: {answer['complaint']}")
    return answer


# --- DescribeTasks

class Moto:
    """moto's server in a virtual environment of its own, or the reason why there is none."""

    def __init__(self, directory):
        self.port, self.process, self.reason = free_port(), None, ""
        venv = pathlib.Path(directory) / "moto"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True, timeout=120)
            subprocess.run([str(venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", MOTO], check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            self.reason = f"moto cannot be installed here ({type(error).__name__})"
            return
        self.process = subprocess.Popen([str(venv / "bin/moto_server"), "-p", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.api = Signed.at(self.port, {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
        for _ in range(300):
            with contextlib.suppress(OSError):
                self.api.ecs("ListClusters", {})
                return
            self.api.connection.close()
            time.sleep(0.1)
        self.reason = "moto does not start here"

    def ten_tasks(self):
        self.api.ecs("CreateCluster", {"clusterName": "default"})
        self.api.ecs("RegisterTaskDefinition", {"family": "t", "containerDefinitions": [{"name": "c", "image": "i", "memory": 16}],
                                                "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"})
        subnets = self.api.call("ec2", "/?Action=DescribeSubnets&Version=2016-11-15")
        subnet = subnets.split("<subnetId>")[1].split("<")[0]
        # It fails without the member that AWS lets one leave out.
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
        answer = self.api.ecs("RunTask", {"cluster": "default", "taskDefinition": "t", "count": 10, "launchType": "FARGATE", "networkConfiguration": network})
        return [task["taskArn"] for task in answer["tasks"]]

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


def ten_tasks(platform, api, directory):
    """Ten that run and stay as they are while they are described."""
    image = images.push(platform, images.make_busybox(directory, "1", "--stop-signal", "SIGKILL"), "test/busybox:1", directory)
    definition = platform.define([{"name": "c", "image": image, "command": ["sleep", "900"]}])
    answer = api.ecs("RunTask", {"cluster": "default", "taskDefinition": definition, "count": 10, "launchType": "FARGATE",
                                 "networkConfiguration": {"awsvpcConfiguration": {"subnets": [platform.subnet()]}}})
    assert not answer["failures"], answer["failures"]
    arns = [task["taskArn"] for task in answer["tasks"]]
    for arn in arns:
        platform.wait_status(arn, "RUNNING")
    return arns


def describe(directory):
    platform = Platform(directory)
    platform.up()
    try:
        platform.wait_ready()
        platform.cluster()
        api = Signed(platform)
        arns = ten_tasks(platform, api, directory)
        request = {"cluster": "default", "tasks": arns}
        body = json.dumps(request)
        expected = api.raw("DescribeTasks", request)
        described = json.loads(expected)
        assert [task["taskArn"] for task in described["tasks"]] == arns and not described["failures"], described
        same = ("--same", expected)
        progress("DescribeTasks, 32 connections")
        load(platform.port, 32, 20_000, "DescribeTasks", body, platform.env(), more=same)  # warm
        runs = [load(platform.port, 32, 40_000, "DescribeTasks", body, platform.env(), more=same) for _ in range(ROUNDS)]
        shape = profile(platform.pid("server"), lambda: load(platform.port, 32, 40_000, "DescribeTasks", body, platform.env(), more=same))
        progress("the same from moto")
        moto = Moto(directory)
        peer, note = None, moto.reason
        try:
            if not moto.reason:
                body = json.dumps({"cluster": "default", "tasks": moto.ten_tasks()})
                env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
                runs_moto = [load(moto.port, 32, 1_000, "DescribeTasks", body, env) for _ in range(ROUNDS)]
                peer, note = median([run["perSecond"] for run in runs_moto]), f"peer: {MOTO}"
        except RuntimeError as error:
            note = f"moto: {error}"
        finally:
            moto.close()
        rate = median([run["perSecond"] for run in runs])
        detail = f"10 tasks an answer, {len(expected)} bytes, 32 connections, each signature another, answers compared; {note}"
        first = row("describe.rate", "1/s", rate, peer, None, detail, more_is_better=True)
        return [{**first, "target": 15_000, "pass": rate >= 15_000},
                limit("describe.p99", "ms", median([run["p99"] for run in runs]), 10, "of the same runs"), *shape]
    finally:
        platform.purge()


# --- RegisterTaskDefinition

@contextlib.contextmanager
def etcd(directory):
    ports = [free_port(), free_port()]
    url, peer_url = (f"http://127.0.0.1:{port}" for port in ports)
    with open(f"{directory}/etcd.log", "w") as log:
        process = subprocess.Popen(["etcd", "--name", "b", "--data-dir", f"{directory}/etcd", "--listen-client-urls", url, "--advertise-client-urls", url,
                                    "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"b={peer_url}",
                                    "--enable-v2=true", "--logger", "zap", "--log-level", "error"], stdout=log, stderr=log)
    try:
        for _ in range(100):
            if subprocess.run(["etcdctl", "--endpoints", url, "endpoint", "health"], env={**os.environ, "ETCDCTL_API": "3"}, capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        yield ports[0]
    finally:
        process.terminate()
        process.wait(30)


def etcd_puts(port, connections, count):
    """Its own HTTP interface (v2): no translation to gRPC in between, the same raft log on the same disk."""
    return load(port, connections, count, path="/v2/keys/definition@N@", body="value=" + "x" * 300,
                headers=["Content-Type: application/x-www-form-urlencoded"], more=("--method", "PUT"))


def disk(directory):
    done = subprocess.run([LOAD, "disk", f"{directory}/disk", "1.0", "512"], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def register(directory):
    body = json.dumps({"family": "bench", "networkMode": "bridge", "containerDefinitions": [
        {"name": "c", "image": "registry.example/app:@N@", "memory": 64, "portMappings": [{"containerPort": 80}]}]})
    platform = Platform(directory)
    platform.up()
    try:
        platform.wait_ready()
        env = platform.env()
        progress("RegisterTaskDefinition, 64 connections and 1")
        load(platform.port, 64, 2_000, "RegisterTaskDefinition", body, env, more=("--revisions",))  # warm
        with etcd(directory) as etcd_port:
            etcd_puts(etcd_port, 64, 2_000)
            many, one, disks, puts = [], [], [], []
            for _ in range(ROUNDS):
                disks.append(disk(directory))
                many.append(load(platform.port, 64, 20_000, "RegisterTaskDefinition", body, env, more=("--revisions",)))
                puts.append(etcd_puts(etcd_port, 64, 10_000))
                one.append(load(platform.port, 1, 1_000, "RegisterTaskDefinition", body, env, more=("--revisions",)))
        shape = profile(platform.pid("server"), lambda: load(platform.port, 64, 20_000, "RegisterTaskDefinition", body, env, more=("--revisions",)))
        rate, sync = (median([run["perSecond"] for run in runs]) for runs in (many, disks))
        detail = "64 connections, each a revision of its own, on disk before it is answered"
        p50, sync_p50 = median([run["p50"] for run in one]), median([run["p50"] for run in disks])
        return [row("register.rate", "1/s", rate, sync, 3, f"{detail}; peer: one writer's append and fdatasync on the same disk", more_is_better=True),
                row("register.etcd", "1/s", rate, median([run["perSecond"] for run in puts]), 2, f"{detail}; peer: etcd puts, 64 connections", more_is_better=True),
                row("register.one", "ms", p50, sync_p50, 0.2, "p50 of one connection; peer: p50 of one fdatasync, at most five of them"), *shape]
    finally:
        platform.purge()
