"""A platform for one test or one file, beside the session's, that leaves nothing behind."""

import contextlib

from . import images, leaks
from .platform import Platform


@contextlib.contextmanager
def platform(directory, *options, variables=None, image=True):
    before = leaks.snapshot()
    platform = Platform(directory)
    platform.variables.update(variables or {})
    try:
        platform.up(*options)
        if image:
            platform.image = images.push_busybox(platform, directory)
        platform.cluster()
        yield platform
    finally:
        log = platform.logs_if_failed()
        marks = platform.marks()
        platform.purge()
        if log:
            print(log)
    left = leaks.difference(before, marks)
    assert not left, "left behind on the host:\n" + "\n".join(left)


@contextlib.contextmanager
def with_instances(directory):
    """Two instances beside Fargate, and the sample's image (`platform.hello`): what tests of services stand on."""
    with platform(directory, "--instances", "2:t3.medium") as made:
        made.wait_ready(agents=3)
        made.hello = images.push_hello(made, directory / "hello")
        yield made
