"""The first start of an image beside docker pull and run."""

import os
import pathlib
import shutil
import struct
import subprocess

import peers
from harness import images
from harness.platform import BUILD, Platform
from launch import Launcher
from measure import Signed, median, progress, row, settle
from registries import docker_registry

ROUNDS = 5

TOOLS = [pathlib.Path(path) for name in ("crun", "runc", "dockerd", "containerd", "containerd-shim-runc-v2", "docker-registry")
         if (path := shutil.which(name))]

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
                    warm = [BUILD / "boxship", BUILD / "boxship-monitor", *TOOLS, pathlib.Path(platform.data, "blobs"), directory / "registry"] if cache == "warm" else []
                    for _ in range(ROUNDS):
                        forget_images(platform)
                        settle(*warm)
                        launcher = Launcher(platform, Signed(platform), definition, **target)
                        ms, task = launcher.launch()
                        ours.append(ms)
                        launcher.stop([task])
                        if engine.available:
                            settle(*warm)
                            docker.append(engine.pull_and_launch(theirs_name, ["sleep", "600"]))
                    rows.append(row(f"first_start.{kind}.{cache}", "ms", median(ours), median(docker) if docker else None, 3,
                                    f"300 MB in {LAYERS} layers, gzip, nothing unpacked before; {engine.version}, pull from docker-registry and run"))
        return rows
    finally:
        platform.purge()
