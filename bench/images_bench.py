"""Images: pushing large blobs beside docker-registry and the floor, and the first start of an image beside docker pull and run.

A blob is pushed as clients do it, POST and PUT, over one connection each; its bytes go from the page cache to the socket by
sendfile, so that the client costs next to nothing.
"""

import base64
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

import peers
from api import LOAD
from harness import images
from harness.platform import Platform, free_port
from launch import Launcher
from measure import Signed, limit, median, progress, row

BLOB_BYTES = 1 << 30
ROUNDS = 5


# --- push

class Blobs:
    """Four blobs that differ in their first bytes; fresh ones cost a hash, not a file."""

    def __init__(self, directory):
        self.paths = [directory / f"blob{n}" for n in range(4)]
        block = os.urandom(1 << 20)
        for path in self.paths:
            with open(path, "wb") as file:
                for _ in range(BLOB_BYTES >> 20):
                    file.write(block)
        self.number = 0

    def fresh(self, count):
        """(path, digest) of blobs that nobody has seen."""
        def renew(path):
            self.number += 1
            with open(path, "r+b") as file:
                file.write(os.urandom(64))
            digest = hashlib.sha256()
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            return path, digest.hexdigest()
        return [renew(path) for path in self.paths[:count]]


class Http:
    def __init__(self, port, headers):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.headers = f"Host: localhost:{port}\r\n{headers}"

    def ask(self, method, target, path=None):
        size = os.path.getsize(path) if path else 0
        self.socket.sendall(f"{method} {target} HTTP/1.1\r\n{self.headers}Content-Length: {size}\r\n"
                            f"Content-Type: application/octet-stream\r\n\r\n".encode())
        if path:
            with open(path, "rb") as file:
                self.socket.sendfile(file)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self.socket.recv(65536)
            if not part:
                raise RuntimeError(f"{method} {target}: closed after {answer[:200]}")
            answer += part
        head, rest = answer.split(b"\r\n\r\n", 1)
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head.decode().split("\r\n")[1:]}
        while len(rest) < int(fields.get("content-length", 0)):
            rest += self.socket.recv(65536)
        return int(head.split()[1]), fields, rest


def push_blob(port, headers, path, digest):
    http = Http(port, headers)
    status, fields, text = http.ask("POST", "/v2/bench/repo/blobs/uploads/")
    assert status == 202, (status, text)
    location = fields["location"].replace(f"http://localhost:{port}", "").replace(f"http://127.0.0.1:{port}", "")
    status, _, text = http.ask("PUT", f"{location}{'&' if '?' in location else '?'}digest=sha256:{digest}", path)
    assert status == 201, (status, text)


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


@contextlib.contextmanager
def docker_registry(directory):
    port = free_port()
    config = directory / "registry.yml"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {directory}/registry}}\n"
                      f"http: {{addr: 127.0.0.1:{port}}}\n")
    process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_mib(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) / 1024


def empty(directory, blobs):
    """Removes what a round has stored of these blobs: a benchmark must not fill the disk."""
    for _, digest in blobs:
        for path in [*directory.rglob(f"*{digest}*")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def push(directory):
    platform = Platform(directory)
    platform.up()
    floor_directory = directory / "floor"
    floor_directory.mkdir()
    floor = subprocess.Popen([LOAD, "floor", str(floor_directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        platform.wait_ready()
        images.ensure_repository(platform, "bench/repo")
        token = platform.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        headers = f"Authorization: Basic {token}\r\n"
        assert base64.b64decode(token).startswith(b"AWS:")
        floor_port = int(floor.stdout.readline())
        blobs = Blobs(directory)
        server = platform.pid("server")
        rows, cpu, grown = [], [], []
        with docker_registry(directory) as registry_port:
            for count in (1, 4):
                progress(f"push of 1 GiB, {count} at a time")
                ours, theirs, floors = [], [], []
                for _ in range(ROUNDS):
                    fresh = blobs.fresh(count)
                    before, idle = cpu_seconds(server), status_mib(server, "VmRSS")
                    pathlib.Path(f"/proc/{server}/clear_refs").write_text("5")
                    ours.append(together(lambda path, digest: push_blob(platform.port, headers, path, digest), fresh))
                    cpu.append((cpu_seconds(server) - before) / count)
                    grown.append(status_mib(server, "VmHWM") - idle)
                    empty(pathlib.Path(platform.data), fresh)
                    theirs.append(together(lambda path, digest: push_blob(registry_port, "", path, digest), fresh))
                    shutil.rmtree(directory / "registry", ignore_errors=True)
                    floors.append(together(lambda path, digest: push_floor(floor_port, path), fresh))
                    empty(floor_directory, fresh)
                what = f"1 GiB, {count} at a time"
                rows += [row(f"push.{count}", "MiB/s", median(ours), median(theirs), 2.5, f"{what}; peer: docker-registry", more_is_better=True),
                         row(f"push.{count}.floor", "MiB/s", median(ours), median(floors), 0.85,
                             f"{what}; peer: receive, SHA-256, write, fsync, rename", more_is_better=True)]
        return [*rows, limit("push.cpu", "s/GiB", median(cpu), 1.4, "processor time of the server"),
                limit("push.memory", "MiB", max(grown), 32, "highest resident memory during a push, above that before it")]
    finally:
        floor.stdin.close()
        floor.wait(30)
        platform.purge()


# --- first start

LAYERS = 6
LAYER_BYTES = 50 << 20


def make_image(directory, kind):
    """300 MB in six layers of 500 files: random bytes, or words, which compress to a third."""
    words = [os.urandom(4).hex().encode() for _ in range(5000)]
    options = []
    for layer in range(LAYERS):
        source = directory / f"{kind}{layer}"
        source.mkdir()
        for number in range(500):
            size = LAYER_BYTES // 500
            data = os.urandom(size) if kind == "random" else b" ".join(words[b % 5000] for b in struct.unpack(f"{size // 9}H", os.urandom(size // 9 * 2)))
            (source / f"file{number}").write_bytes(data)
        options += ["--layer", "--file", f"{source}:/data/{layer}"]
    layout = images.make_busybox(directory / f"image-{kind}", "1", "--stop-signal", "SIGKILL", *options)
    for layer in range(LAYERS):
        shutil.rmtree(directory / f"{kind}{layer}")
    return layout


def forget_images(platform):
    """As on a host that has never pulled anything; the registry keeps its blobs."""
    platform.boxship("down")
    shutil.rmtree(pathlib.Path(platform.data, "images"))
    platform.up()
    platform.wait_ready()


def drop_page_cache():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def first_start(directory):
    platform = Platform(directory)
    platform.up()
    rows = []
    try:
        platform.wait_ready()
        platform.cluster()
        with docker_registry(directory) as registry_port, peers.docker(directory, own_network=False) as engine:
            for kind in ("words", "random"):
                progress(f"first start of 300 MB of {kind}")
                layout = make_image(directory, kind)
                image = images.push(platform, layout, f"bench/{kind}:1", directory)
                theirs_name = f"127.0.0.1:{registry_port}/bench/{kind}"
                subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", layout, f"docker://{theirs_name}:1"], check=True)
                definition = platform.define([{"name": "c", "image": image, "command": ["sleep", "600"], "stopTimeout": 2}])
                target = {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": [platform.subnet()]}}}
                for cache in ("warm", "cold"):
                    ours, docker = [], []
                    for _ in range(ROUNDS):
                        forget_images(platform)
                        if cache == "cold":
                            drop_page_cache()
                        launcher = Launcher(platform, Signed(platform), definition, **target)
                        ms, task = launcher.launch()
                        ours.append(ms)
                        launcher.stop([task])
                        if engine.available:
                            if cache == "cold":
                                drop_page_cache()
                            docker.append(engine.pull_and_launch(theirs_name, ["sleep", "600"]))
                    rows.append(row(f"first_start.{kind}.{cache}", "ms", median(ours), median(docker) if docker else None, 3,
                                    f"300 MB in {LAYERS} layers, gzip, nothing unpacked before; {engine.version}, pull from docker-registry and run"))
        return rows
    finally:
        platform.purge()
