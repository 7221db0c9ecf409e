"""Placement through RunTask's own transaction, its memory and its evenness, and the restart that reads it all back."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from harness.platform import BOXSHIP, BUILD, Platform, free_port
from measure import limit, median, progress, row

PLACEMENT = str(BUILD / "bench" / "boxship-placement")
TASKS, INSTANCES = 1_000_000, 10_000
ROUNDS = 5


def placement(*words, timeout=300):
    done = subprocess.run([PLACEMENT, *map(str, words)], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def place(directory):
    progress(f"{TASKS} tasks on {INSTANCES} instances, in memory")
    memory = [placement("place", TASKS, INSTANCES) for _ in range(ROUNDS)]
    few = [placement("place", 10_000, INSTANCES) for _ in range(ROUNDS)]
    progress("the same with the journal")
    disk = []
    for _ in range(ROUNDS):
        disk.append(placement("place", TASKS, INSTANCES, "default", directory / "journal.db"))
        for file in directory.glob("journal.db*"):
            file.unlink()
    for run in memory + disk:
        assert run["tasks"] == TASKS and run["refused"] == 0 and run["leastFull"] >= 0.6, run
    what = f"{TASKS} tasks of three sizes, {INSTANCES} instances, 10 a call, spread over zones and load until all are 60 % full"
    published = "published: Nomad's C1M 3,750/s, EKS 500/s"
    rate, kept = (median([run["perSecond"] for run in runs]) for runs in (memory, disk))
    return [{**row("place.memory", "1/s", rate, 3_750, None, f"{what}; {published}", more_is_better=True), "target": 100_000, "pass": rate >= 100_000},
            {**row("place.journal", "1/s", kept, 3_750, None, f"{what}; each call durable before it is answered; {published}", more_is_better=True),
             "target": 30_000, "pass": kept >= 30_000},
            limit("place.bytes", "B/task", median([run["bytesPerTask"] for run in memory]), 1024, "growth of the resident memory ÷ tasks"),
            limit("place.flat", "×", median([run["usLast"] for run in memory]) / median([run["usLast"] for run in few]), 1.5,
                  "cost of a task at 1,000,000 tasks ÷ at 10,000"),
            *by_kind()]


# Strategies and constraints by name (bench/placement/main.cpp), and how many tasks fit at a thousand hosts.
KINDS = {**dict.fromkeys(["default", "binpack-cpu", "binpack-memory", "random", "spread-host", "spread-zone", "spread-rack", "spread-own", "zone-host",
                          "zone-binpack", "zone-rack-random", "member-pattern", "member-tasks"], 20_000), "distinct": 2_000, "member-equals": 1_000}


def by_kind():
    """Ten times the hosts must not cost ten times as much, whatever is asked."""
    rows = []
    for kind, tasks in KINDS.items():
        progress(f"{tasks} tasks, {kind}, on 1,000 and on {INSTANCES} instances")
        few, many = ([placement("place", tasks, hosts, kind) for _ in range(ROUNDS)] for hosts in (1_000, INSTANCES))
        assert all(run["tasks"] == tasks for run in few + many), (few, many)
        cost = [median([run["usLast"] for run in runs]) for runs in (few, many)]
        rows.append(limit(f"place.{kind}", "×", cost[1] / cost[0], 3, f"cost of a task on {INSTANCES} hosts ÷ on 1,000: {cost[1]:.1f} and {cost[0]:.1f} µs"))
    return rows


def identity(directory):
    """What `boxship up` makes once for a platform, without a journal: a server starts on a copy of it."""
    platform = Platform(directory)
    platform.up()
    kept = directory / "identity"
    kept.mkdir()
    try:
        for name in ("platform.json", "credentials.json", "server.key"):
            shutil.copy(pathlib.Path(platform.data, name), kept)
        shutil.copytree(pathlib.Path(platform.data, "hosts"), kept / "hosts")
    finally:
        platform.purge()
    return kept


def start_to_ready(data):
    """Milliseconds until /health says ready, of a server by itself."""
    port = free_port()
    begun = time.perf_counter()
    server = subprocess.Popen([BOXSHIP, "server", "--data", str(data), "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return (time.perf_counter() - begun) * 1000
            except OSError:
                pass
            if server.poll() is not None:
                raise RuntimeError(f"the server ended with {server.returncode}")
            if time.perf_counter() - begun > 60:
                raise RuntimeError("the server is not ready after a minute")
            time.sleep(0.002)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def restart(directory):
    tasks, instances = 100_000, 1_000
    progress(f"restart with {tasks} tasks")
    made = identity(directory)
    placement("place", tasks, instances, "default", made / "journal.db")
    times = []
    for number in range(ROUNDS):
        data = directory / f"data{number}"
        shutil.copytree(made, data)
        os.chmod(data, 0o700)
        times.append(start_to_ready(data))
        shutil.rmtree(data)
    return [limit("restart", "ms", median(times), 1000, f"{tasks} tasks on {instances} instances in the journal, from the start of the program to /health ready")]
