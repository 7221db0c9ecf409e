"""Pushing large blobs, beside docker-registry and beside the floor: receive, SHA-256, write, fsync, rename."""

import concurrent.futures
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

from api import LOAD
from harness.platform import Platform
from measure import limit, median, progress, row
from registries import BLOB_BYTES, Blobs, Http, authorised, cpu_seconds, docker_registry, empty, push_blob, status_mib

ROUNDS = 5


def push_floor(port, path):
    with socket.create_connection(("127.0.0.1", port)) as connection, open(path, "rb") as file:
        connection.sendall(struct.pack("=Q", os.path.getsize(path)))
        connection.sendfile(file)
        assert connection.recv(1) == b"1"


def together(push, blobs):
    """MiB/s of all of them at once."""
    os.sync()
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(blobs)) as pool:
        list(pool.map(lambda blob: push(*blob), blobs))
    return len(blobs) * (BLOB_BYTES >> 20) / (time.perf_counter() - start)


def push(directory):
    platform = Platform(directory)
    platform.up()
    floor_directory = directory / "floor"
    floor_directory.mkdir()
    floor = subprocess.Popen([LOAD, "floor", str(floor_directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        platform.wait_ready()
        headers = authorised(platform)
        floor_port = int(floor.stdout.readline())
        blobs = Blobs(directory)
        server = platform.pid("server")
        rows, cpu, floor_cpu, grown = [], [], [], []
        with docker_registry(directory) as registry_port:
            for count in (1, 4):
                progress(f"push of 1 GiB, {count} at a time")
                ours, theirs, floors = [], [], []
                for _ in range(ROUNDS):
                    fresh = blobs.fresh(count)
                    before, idle = cpu_seconds(server), status_mib(server, "VmRSS")
                    pathlib.Path(f"/proc/{server}/clear_refs").write_text("5")
                    ours.append(together(lambda path, digest: push_blob(Http(platform.port, headers), path, digest), fresh))
                    cpu.append((cpu_seconds(server) - before) / count)
                    grown.append(status_mib(server, "VmHWM") - idle)
                    empty(pathlib.Path(platform.data), fresh)
                    theirs.append(together(lambda path, digest: push_blob(Http(registry_port, ""), path, digest), fresh))
                    shutil.rmtree(directory / "registry", ignore_errors=True)
                    before = cpu_seconds(floor.pid)
                    floors.append(together(lambda path, digest: push_floor(floor_port, path), fresh))
                    floor_cpu.append((cpu_seconds(floor.pid) - before) / count)
                    empty(floor_directory, fresh)
                what = f"1 GiB, {count} at a time"
                rows += [row(f"push.{count}", "MiB/s", median(ours), median(theirs), 2.5, f"{what}; peer: docker-registry", more_is_better=True),
                         row(f"push.{count}.floor", "MiB/s", median(ours), median(floors), 0.85,
                             f"{what}; peer: receive, SHA-256, write, fsync, rename", more_is_better=True)]
        return [*rows, limit("push.cpu", "s/GiB", median(cpu), 1.4, "processor time of the server"),
                row("push.cpu.floor", "s/GiB", median(cpu), median(floor_cpu), 0.82, "processor time of the server; peer: of the floor"),
                limit("push.memory", "MiB", max(grown), 32, "highest resident memory during a push, above that before it")]
    finally:
        floor.stdin.close()
        floor.wait(30)
        platform.purge()
