"""End to end: the real program, real clients, real containers, on loopback addresses and namespaces of its own.

One platform serves the whole session, in a data directory and on a port of its own, beside whatever else runs here. At the
end it is purged and the host must look as it did before (test leftovers fail the session).
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import images, leaks  # noqa: E402
from harness.platform import Platform  # noqa: E402


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
def ecs(platform):
    return platform.client("ecs")


@pytest.fixture
def ecr(platform):
    return platform.client("ecr")


@pytest.fixture
def ec2(platform):
    return platform.client("ec2")
