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
        if command and os.path.basename(command[0]) in (b"boxship", b"crun", b"runc", b"haproxy"):
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


def _walk(root, skip=()):
    for path, directories, files in os.walk(root):
        directories[:] = [d for d in directories if d not in skip]
        yield from (os.path.join(path, name) for name in directories + files)


def census(platform):
    """Everything that a platform has on the host while it runs, apart from its records, logs, images and blobs: what comes and
    goes with tasks and uploads. When nothing runs this is always the same set, whatever happened before."""
    data, short_id = platform.marks()
    everything = set()
    for entry in pathlib.Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if data.encode() in command:
            everything.add("process " + " ".join(command.decode(errors="replace").split("\0")[:4]))
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        if data in line or f"/{short_id}/" in line:
            everything.add("mount " + line.split()[1])
    for path, _, files in os.walk("/sys/fs/cgroup"):
        if f"boxship-{short_id}" in path:
            everything.add("cgroup " + path)
            if "/monitors" not in path and "cgroup.procs" in files:
                everything |= {f"process in {path}" for _ in pathlib.Path(path, "cgroup.procs").read_text().split()}
    run = f"/run/boxship/{short_id}"
    everything |= {"file " + path for path in _walk(run, skip=("rootfs", "ns"))}
    for agent in pathlib.Path(data, "agents").iterdir():
        for name in ("volumes", "runtime/containers", "runtime/exits"):
            everything |= {"file " + path for path in _walk(agent / name, skip=("upper", "work"))}
    for name in ("images/pins", "images/trash"):
        everything |= {"file " + path for path in _walk(pathlib.Path(data, name))}
    everything |= {"link " + line.split(":")[1].split("@")[0].strip() for line in _lines("ip", "-o", "link") if short_id in line}
    everything |= {"nft " + line.strip() for line in _lines("nft", "list", "table", "inet", f"boxship-{short_id}")}
    for router in pathlib.Path(run, "router").glob("*"):
        if router.suffix:
            continue
        inside = ["nsenter", f"--net={router}"]
        name = f"router {router.name}: "
        everything |= {name + "link " + line.split(":")[1].split("@")[0].strip() for line in _lines(*inside, "ip", "-o", "link")}
        everything |= {name + "route " + line.strip() for line in _lines(*inside, "ip", "route")}
        everything |= {name + "nft " + line.strip() for line in _lines(*inside, "nft", "list", "ruleset")}
    return everything


def settles(platform, before, patience=20.0):
    """What is more, and what is less, than in an earlier census, as soon as it is nothing or patience has ended."""
    deadline = time.monotonic() + patience
    while True:
        now = census(platform)
        more, less = sorted(now - before), sorted(before - now)
        if not (more or less) or time.monotonic() > deadline:
            return [f"+ {entry}" for entry in more] + [f"- {entry}" for entry in less]
        time.sleep(0.2)


def descriptors(pid):
    """What a process has open, by kind; sockets, pipes and deleted files without their numbers."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        kind = target.split(":")[0] if ":[" in target else target
        found[kind] = found.get(kind, 0) + 1
    return found
