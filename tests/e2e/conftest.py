"""End to end: the real program, real clients, real containers, on loopback addresses and namespaces of its own.

One platform serves the whole session, in a data directory and on a port of its own, beside whatever else runs here. At the
end it is purged and the host must look as it did before (test leftovers fail the session).
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import images, leaks  # noqa: E402
from harness.balancer import Authority, Front  # noqa: E402
from harness.ground import Ground  # noqa: E402
from harness.platform import Platform, wait_for  # noqa: E402


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        skip = pytest.mark.skip(reason="containers need root")
        for item in items:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    before = leaks.snapshot()
    platform = Platform(tmp_path_factory.mktemp("platform"))
    try:
        platform.up()
        yield platform
    finally:
        log = platform.logs_if_failed()
        marks = platform.marks()
        platform.purge()
        if log:
            print(log)
    left = leaks.difference(before, marks)
    assert not left, "left behind on the host:\n" + "\n".join(left)


@pytest.fixture(scope="session")
def busybox(platform, tmp_path_factory):
    """An image with a shell and the usual tools, pushed to the platform's registry: its reference."""
    return images.push_busybox(platform, tmp_path_factory.mktemp("busybox"))


@pytest.fixture(scope="session")
def hello(platform, tmp_path_factory):
    """The sample's image in the platform's registry: its reference."""
    return images.push_hello(platform, tmp_path_factory.mktemp("hello"))


@pytest.fixture
def ground(platform, hello, busybox):
    """Security groups and tasks of one test, gone at its end."""
    made = Ground(platform, {"hello": hello, "busybox": busybox})
    yield made
    made.remove()


@pytest.fixture
def ecs(platform):
    return platform.client("ecs")


@pytest.fixture(scope="module")
def elb(platform):
    return platform.client("elbv2")


@pytest.fixture(scope="module")
def network(platform):
    subnets = platform.client("ec2").describe_subnets()["Subnets"]
    return {"vpc": subnets[0]["VpcId"], "subnets": [s["SubnetId"] for s in subnets]}


@pytest.fixture(scope="module")
def tasks(platform, hello):
    """Two tasks of the sample, and their addresses."""
    platform.cluster()
    definition = platform.define([{"name": "hello", "image": hello, "portMappings": [{"containerPort": 80}]}])
    arns = platform.run(definition, count=2)
    yield {arn: platform.address(platform.wait_status(arn, "RUNNING")) for arn in arns}
    for arn in arns:
        platform.stop(arn)


@pytest.fixture
def front(elb, network):
    made = Front(elb, network)
    yield made
    made.delete()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def ecr(platform):
    return platform.client("ecr")


@pytest.fixture
def ec2(platform):
    return platform.client("ec2")


@pytest.fixture
def dockerd(tmp_path):
    """A Docker daemon of the test's own, without networks: its environment for the client."""
    program = shutil.which("dockerd", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("dockerd is not installed")
    host = f"unix://{tmp_path}/docker.sock"
    with open(tmp_path / "dockerd.log", "w") as log:
        daemon = subprocess.Popen(
            [program, "--host", host, "--data-root", str(tmp_path / "root"), "--exec-root", str(tmp_path / "exec"), "--pidfile",
             str(tmp_path / "pid"), "--bridge=none", "--iptables=false", "--ip-forward=false", "--storage-driver=overlay2"],
            stdout=log, stderr=log)
    env = {**os.environ, "DOCKER_HOST": host, "DOCKER_CONFIG": str(tmp_path / "config")}
    try:
        wait_for(lambda: daemon.poll() is not None or subprocess.run(["/usr/bin/docker", "info"], env=env, capture_output=True).returncode == 0,
                 "dockerd to be ready", 60)
        if daemon.poll() is not None:
            pytest.skip("dockerd does not start here: " + (tmp_path / "dockerd.log").read_text()[-300:])
        yield env
    finally:
        daemon.terminate()
        daemon.wait(30)
        subprocess.run(["umount", "--quiet", "--recursive", str(tmp_path / "root")], capture_output=True)
