"""Launch: from RunTask to RUNNING as a client sees it, beside `docker run -d` through the Engine's socket, in one run.

Ours: RunTask (Fargate: awsvpc with an address of its own) over one signed keep-alive connection, then DescribeTasks every
millisecond until RUNNING. Docker's: create and start over one keep-alive connection of the Engine's socket, same image, same
limits, until the container runs. They alternate, so that the machine's noise falls on both.
"""

import json
import time

import peers
from harness.platform import Platform
from measure import Signed, median, percentile


def launch_ours(api, request):
    start = time.perf_counter()
    task = api.ecs("RunTask", request)["tasks"][0]["taskArn"]
    while True:
        described = api.ecs("DescribeTasks", {"cluster": "default", "tasks": [task]})["tasks"][0]
        if described["lastStatus"] == "RUNNING":
            return (time.perf_counter() - start) * 1000, task
        if described["lastStatus"] == "STOPPED":
            raise RuntimeError(f"the task stopped: {described.get('stoppedReason')}")
        time.sleep(0.001)


def phases(platform, task):
    answer = json.loads(platform.boxship("explain", task, "--json").stdout)
    return {phase["name"]: phase["ms"] for phase in answer["timings"]}


def run(directory, count=40):
    from harness import images
    platform = Platform(directory)
    platform.up()
    try:
        image = images.push_busybox(platform, directory)
        platform.cluster()
        definition = platform.define([{"name": "c", "image": image, "command": ["sleep", "600"], "stopTimeout": 2}])
        request = {"cluster": "default", "taskDefinition": definition, "launchType": "FARGATE",
                   "networkConfiguration": {"awsvpcConfiguration": {"subnets": [platform.subnet()]}}}
        api = Signed(platform)
        launch_ours(api, request)  # the first pulls and unpacks
        with peers.docker(directory) as engine:
            engine.load(directory / "image", "1")
            ours, docker, budget = [], [], {}
            for _ in range(count):
                ms, task = launch_ours(api, request)
                ours.append(ms)
                for name, value in phases(platform, task).items():
                    budget.setdefault(name, []).append(value)
                api.ecs("StopTask", {"cluster": "default", "task": task})
                if engine.available:
                    docker.append(engine.launch(["sleep", "600"], memory=512 << 20, cpus=0.25))
        rows = [{"name": f"launch.phase.{name}", "unit": "ms", "ours": round(median(values), 2), "peer": None, "ratio": None,
                 "target": None, "pass": None, "detail": "median, from the agent's timings"} for name, values in budget.items()]
        for name, pick, target in (("p50", median, 6), ("p99", lambda v: percentile(v, 99), 4)):
            peer = pick(docker) if docker else None
            rows.append({"name": f"launch.{name}", "unit": "ms", "ours": round(pick(ours), 1), "peer": round(peer, 1) if peer else None,
                         "ratio": round(peer / pick(ours), 2) if peer else None, "target": target,
                         "pass": bool(peer and peer / pick(ours) >= target),
                         "detail": f"{count} launches, awsvpc; peer: docker run -d, bridge" if peer else engine.reason})
        return rows
    finally:
        platform.purge()
