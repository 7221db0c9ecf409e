"""What a test may not leave on the host, counted before and after."""

import os
import pathlib
import subprocess
import time


def _lines(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    return set(done.stdout.splitlines()) if done.returncode == 0 else set()


def _processes():
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command and os.path.basename(command[0]) in (b"boxship", b"crun", b"runc"):
            found.add(f"process {entry.name} {b' '.join(command).decode(errors='replace')[:120]}")
    return found


def _cgroups():
    return {f"cgroup {path}" for path, directories, _ in os.walk("/sys/fs/cgroup") if "boxship" in os.path.basename(path)}


def _links():
    return {"link " + line.split(":")[1].split("@")[0].strip() for line in _lines("ip", "-o", "link")}


def snapshot():
    mounts = {"mount " + line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()}
    return (_processes() | _cgroups() | _links() | mounts
            | {"nft " + line for line in _lines("nft", "list", "tables")}
            | {"route " + line for line in _lines("ip", "route")}
            | {"namespace " + line for line in _lines("ip", "netns", "list")})


def difference(before, marks, patience=5.0):
    """What is there now, was not before, and bears a mark: a platform's short id or data directory. (Others may work on this
    host at the same time.) The kernel takes its time with links of closed namespaces."""
    deadline = time.monotonic() + patience
    while True:
        left = {entry for entry in snapshot() - before if any(mark in entry for mark in marks)}
        if not left or time.monotonic() > deadline:
            return sorted(left)
        time.sleep(0.1)
