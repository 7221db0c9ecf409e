"""Launch: from RunTask to RUNNING as a client sees it, beside `docker run -d` through the Engine's socket, in one run.

Ours: RunTask over one signed keep-alive connection, then DescribeTasks every millisecond until RUNNING; awsvpc (Fargate: an address
of its own) and bridge with a published port (EC2). Docker's: create and start over one keep-alive connection of the Engine's socket,
same image, same limits, bridge with a published port; the call returns when the container runs. The floor: the same crun with a
container's own config.json, by hand. All take turns, so that the machine's noise falls on all.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import peers
from harness import images
from harness.platform import Platform, wait_for
from measure import Signed, median, percentile, progress, row

COMMAND = ["sleep", "600"]
MEMORY_MIB = 512
CPUS = 0.25
BURST = 200
BURST_MEMORY_MIB = 16


class Launcher:
    """Runs one task of a definition at a time."""

    def __init__(self, platform, api, definition, **target):
        self.platform, self.api = platform, api
        self.request = {"cluster": "default", "taskDefinition": definition, **target}

    def launch(self):
        """Milliseconds, and the task."""
        start = time.perf_counter()
        answer = self.api.ecs("RunTask", self.request)
        if answer["failures"]:
            raise RuntimeError(f"RunTask: {answer['failures']}")
        task = answer["tasks"][0]["taskArn"]
        while True:
            described = self.api.ecs("DescribeTasks", {"cluster": "default", "tasks": [task]})["tasks"][0]
            if described["lastStatus"] == "RUNNING":
                return (time.perf_counter() - start) * 1000, task
            if described["lastStatus"] == "STOPPED":
                raise RuntimeError(f"the task stopped: {described.get('stoppedReason')} {described['containers']}")
            time.sleep(0.001)

    def stop(self, tasks):
        """All have stopped and left nothing when this returns: their end is not part of the next one's launch."""
        for task in tasks:
            self.api.ecs("StopTask", {"cluster": "default", "task": task})
        for first in range(0, len(tasks), 100):
            some = tasks[first:first + 100]
            wait_for(lambda: all(t["lastStatus"] == "STOPPED"
                                 for t in self.api.ecs("DescribeTasks", {"cluster": "default", "tasks": some})["tasks"]),
                     "tasks to stop", 120)


def phases(platform, task):
    answer = json.loads(platform.boxship("explain", task, "--json").stdout)
    return {phase["name"]: phase["ms"] for phase in answer["timings"]}


class Floor:
    """The same crun with the same config.json, started by hand in a mount namespace like the one our launcher gives it."""

    def __init__(self, platform, directory):
        found = list(pathlib.Path("/run/boxship").glob(f"{platform.marks()[1]}/**/config.json"))
        self.root = directory / "floor-root"
        self.helper = subprocess.Popen(
            ["unshare", "--mount", sys.executable, "-B", str(pathlib.Path(__file__).with_name("floor.py")), str(found[0]), str(self.root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def launch(self):
        self.helper.stdin.write("\n")
        self.helper.stdin.flush()
        return float(self.helper.stdout.readline())

    def close(self):
        self.helper.stdin.close()
        self.helper.wait(30)
        shutil.rmtree(self.root, ignore_errors=True)


def compare(name, ours, docker, floor, detail):
    """The lines of one kind of launch: median and 99th percentile, beside Docker's and the floor's."""
    rows = []
    for what, pick, target in (("p50", median, 6), ("p99", lambda values: percentile(values, 99), 4)):
        rows.append(row(f"{name}.{what}", "ms", pick(ours), pick(docker) if docker else None, target, detail))
    if floor:
        rows.append(row(f"{name}.floor", "ms", median(ours), median(floor), 0.5,
                        f"p50 beside crun by hand with the same config.json: at most twice it; {detail}"))
    return rows


def make_launchers(platform, image, api):
    subnets = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": [platform.subnet()]}}}
    container = {"name": "c", "image": image, "command": COMMAND, "stopTimeout": 2}
    fargate = platform.define([container], cpu=str(int(CPUS * 1024)), memory=str(MEMORY_MIB))

    def define(family, memory):
        answer = platform.client("ecs").register_task_definition(family=family, networkMode="bridge", containerDefinitions=[
            {**container, "cpu": 8, "memory": memory, "portMappings": [{"containerPort": 80}]}])["taskDefinition"]
        return f"{answer['family']}:{answer['revision']}"

    return (Launcher(platform, api, fargate, launchType="FARGATE", **subnets),
            Launcher(platform, api, define("bridge", MEMORY_MIB), launchType="EC2"),
            Launcher(platform, api, define("burst", BURST_MEMORY_MIB), launchType="EC2"))


def one_by_one(kinds, count, pause=0.0):
    """Times of each kind, alternating; `kinds` maps a name to (launch, clean up)."""
    times = {name: [] for name in kinds}
    progress(f"{count} launches of each: {', '.join(kinds)}")
    for _ in range(count):
        for name, (launch, clean) in kinds.items():
            time.sleep(pause)
            ms, made = launch()
            times[name].append(ms)
            clean(made)
    return times


def burst_ours(launcher, api):
    """Tasks per second from the first RunTask until the last of them runs, over four connections as a client's threads would."""
    apis = [api, *(Signed(launcher.platform) for _ in range(3))]
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(apis)) as pool:
        request = {**launcher.request, "count": 10}
        answers = list(pool.map(lambda n: apis[n].ecs_many("RunTask", [request] * (BURST // 10 // len(apis))), range(len(apis))))
    tasks = []
    for answer in (one for some in answers for one in some):
        if answer["failures"]:
            raise RuntimeError(f"RunTask: {answer['failures'][:3]}")
        tasks += [task["taskArn"] for task in answer["tasks"]]
    waiting = tasks
    while waiting:
        described = api.ecs("DescribeTasks", {"cluster": "default", "tasks": waiting[:100]})["tasks"]
        stopped = [task for task in described if task["lastStatus"] == "STOPPED"]
        if stopped:
            raise RuntimeError(f"{len(stopped)} failed: {stopped[0].get('stoppedReason')} {stopped[0]['containers']}")
        running = {task["taskArn"] for task in described if task["lastStatus"] == "RUNNING"}
        waiting = [task for task in waiting if task not in running]
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    launcher.stop(tasks)
    return BURST / seconds


def burst_docker(engine):
    engines = [engine.another() for _ in range(8)]
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda e: [e.launch(COMMAND, BURST_MEMORY_MIB << 20, None)[1] for _ in range(BURST // 8)], engines))
        seconds = time.perf_counter() - start
        list(pool.map(lambda pair: [pair[0].remove(container) for container in pair[1]], zip(engines, made)))
    return BURST / seconds


def run(directory, quick=False):
    launches, idle_launches = (20, 0) if quick else (100, 5)
    platform = Platform(directory)
    platform.up("--instances", "1:m5.xlarge")
    try:
        platform.wait_ready(agents=2)
        image = images.push(platform, images.make_busybox(directory, "1", "--stop-signal", "SIGKILL"), "test/busybox:1", directory)
        platform.cluster()
        api = Signed(platform)
        awsvpc, bridge, many = make_launchers(platform, image, api)
        first = {launcher: launcher.launch()[1] for launcher in (awsvpc, bridge)}  # the first pull and unpack
        floor = Floor(platform, directory)
        with peers.docker(directory) as engine:
            engine.load(directory, "1")
            kinds = {"awsvpc": (awsvpc.launch, lambda task: awsvpc.stop([task])), "bridge": (bridge.launch, lambda task: bridge.stop([task])),
                     "floor": (lambda: (floor.launch(), None), lambda _: None)}
            if engine.available:
                kinds["docker"] = (lambda: engine.launch(COMMAND, MEMORY_MIB << 20, CPUS), engine.remove)
            budget = {}
            for _ in range(5):
                _, task = awsvpc.launch()
                for name, value in phases(platform, task).items():
                    budget.setdefault(name, []).append(value)
                awsvpc.stop([task])
            rows = [row(f"launch.phase.{name}", "ms", median(values), None, None, "median of 5, by the agent's own clock")
                    for name, values in budget.items()]
            times = one_by_one(kinds, launches)
            for kind in ("awsvpc", "bridge"):
                rows += compare(f"launch.{kind}", times[kind], times.get("docker"), times["floor"], f"{launches} launches; {engine.version}")
            if idle_launches:
                del kinds["floor"]
                idle = one_by_one(kinds, idle_launches, 10.0)
                for kind in ("awsvpc", "bridge"):
                    rows += compare(f"launch.{kind}.idle", idle[kind], idle.get("docker"), None,
                                    f"{idle_launches} launches, each after 10 s of idleness")
            floor.close()
            for launcher, task in first.items():
                launcher.stop([task])
            ours, docker = [], []
            progress(f"{BURST} tasks at once")
            for _ in range(1 if quick else 5):
                ours.append(burst_ours(many, api))
                if engine.available:
                    docker.append(burst_docker(engine))
            rows.append(row("launch.burst", "tasks/s", median(ours), median(docker) if docker else None, 5,
                            f"{BURST} tasks at once, none failed; peer: docker, 8 in parallel; median of {len(ours)}", more_is_better=True))
        return rows
    finally:
        platform.purge()
