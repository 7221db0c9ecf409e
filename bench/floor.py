"""The floor of a launch: for each line on standard input one `crun run --detach` of a container's config.json; prints milliseconds.

Runs in a mount namespace of its own, where a hybrid hierarchy's v2 side is not seen, as boxship's launcher does it for crun.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time


def main():
    config, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    subprocess.run(["umount", "--lazy", "/sys/fs/cgroup/unified"], capture_output=True)
    bundle = root / "bundle"
    bundle.mkdir(parents=True)
    shutil.copy(config, bundle / "config.json")
    crun = shutil.which("crun")
    words = [crun, "--root", str(root), "--cgroup-manager=disabled"]
    null = os.open("/dev/null", os.O_RDWR)
    quiet = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    for number, _ in enumerate(sys.stdin):
        name = f"floor{number}"
        start = time.perf_counter()
        child = os.posix_spawn(crun, [*words, "run", "--detach", "--bundle", str(bundle), name], os.environ, file_actions=quiet)
        _, status = os.waitpid(child, 0)
        ms = (time.perf_counter() - start) * 1000
        if status != 0:
            sys.exit("crun run failed")
        print(ms, flush=True)
        subprocess.run([*words, "delete", "--force", name], check=True)


if __name__ == "__main__":
    main()
