"""What the platform costs when nothing happens: memory, the program on disk, the time to start."""

import pathlib
import re
import shutil
import subprocess
import time

from harness import images
from harness.platform import BUILD, Platform
from measure import limit, median, progress
from placement import identity, start_to_ready

# Of Debian's base system, or of every C++ program's.
SYSTEM = re.compile(r"/(ld-linux|libc\.|libm\.|libgcc_s|libstdc\+\+|libz\.|libpthread|libdl|librt|libresolv)")


def pss_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) / 1024


def program_mib(directory):
    """The stripped program, its monitor and the libraries that come with it."""
    size = 0
    for name in ("boxship", "boxship-monitor"):
        stripped = directory / name
        subprocess.run(["strip", "-o", str(stripped), str(BUILD / name)], check=True)
        size += stripped.stat().st_size
    listed = subprocess.run(["ldd", str(BUILD / "boxship")], capture_output=True, text=True, check=True).stdout
    libraries = {pathlib.Path(path).resolve() for path in re.findall(r"(/\S+) \(0x", listed) if not SYSTEM.search(path)}
    return (size + sum(path.stat().st_size for path in libraries)) / (1 << 20), len(libraries)


def run(directory):
    platform = Platform(directory)
    platform.up()
    try:
        platform.wait_ready()
        image = images.push_busybox(platform, directory)
        platform.cluster()
        for _ in range(10):
            definition = platform.define([{"name": "c", "image": image, "command": ["sleep", "900"], "stopTimeout": 2}])
        task = platform.run(definition)[0]
        platform.wait_status(task, "RUNNING")
        # As after a start: what the requests above left in caches is not part of being idle.
        platform.boxship("down", "--keep-tasks")
        platform.up()
        platform.wait_ready()
        progress("60 s of idleness")
        time.sleep(60)
        monitors = subprocess.run(["pgrep", "-f", f"boxship-monitor run .*{platform.data}"], capture_output=True, text=True).stdout.split()
        agent = next(name[:-4] for name in (path.name for path in pathlib.Path(platform.data, "run").glob("*.pid")) if name.startswith("agent"))
        rows = [limit("idle.server", "MiB", pss_mib(platform.pid("server")), 30, "PSS of the control plane with its registry, 60 s after the start, ten definitions"),
                limit("idle.agent", "MiB", pss_mib(platform.pid(agent)), 15, "PSS of an agent with one task"),
                limit("idle.monitor", "MiB", pss_mib(monitors[0]), 1, "PSS of a container's monitor")]
    finally:
        platform.purge()
    size, libraries = program_mib(directory)
    rows.append(limit("idle.program", "MiB", size, 20, f"stripped program and monitor with {libraries} libraries that are not of the base system"))
    times = []
    made = identity(directory)
    for number in range(5):
        data = shutil.copytree(made, directory / f"fresh{number}")
        times.append(start_to_ready(data))
        shutil.rmtree(data)
    rows.append(limit("idle.start", "ms", median(times), 150, "from the start of the server on an empty journal to /health ready"))
    return rows
