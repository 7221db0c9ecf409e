"""Disks that fail when a test says so: a small ext4 in a file, and an fsync that answers with an error."""

import contextlib
import pathlib
import subprocess

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int broken(void)
{
    const char *file = getenv("FAILING_FSYNC");
    return file && access(file, F_OK) == 0;
}

#define FAILS(name)                                                             \
    int name(int fd)                                                            \
    {                                                                           \
        static int (*real)(int);                                                \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);                \
        if (broken()) { errno = EIO; return -1; }                               \
        return real(fd);                                                        \
    }
FAILS(fsync)
FAILS(fdatasync)
"""


@contextlib.contextmanager
def small_disk(directory, megabytes):
    """A mounted ext4 of that size; its path."""
    image, mount = directory / "disk.img", directory / "disk"
    mount.mkdir()
    subprocess.run(["truncate", "-s", f"{megabytes}M", str(image)], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--recursive", str(mount)], check=True)
        image.unlink()


def fill(directory):
    """Takes all the room there is; the file."""
    path = pathlib.Path(directory, "ballast")
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"\0" * size)
    return path


def remount(mount, mode):
    subprocess.run(["mount", "-o", f"remount,{mode}", str(mount)], check=True)


def failing_fsync(directory):
    """Variables for a program whose fsync fails while the file FAILING_FSYNC is there."""
    source, library = directory / "shim.c", directory / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "FAILING_FSYNC": str(directory / "fsync-fails")}
