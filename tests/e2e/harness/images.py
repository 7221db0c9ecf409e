"""Test images, made here of Debian's busybox and our own programs, pushed as a user would."""

import json
import os
import subprocess
import sys

from .platform import BUILD, ROOT

MKIMAGE = str(ROOT / "tools" / "mkimage.py")
APPLETS = ["sh", "sleep", "echo", "cat", "ls", "wget", "nc", "id", "env", "pwd", "hostname", "true", "false", "kill", "dd", "seq",
           "head", "tail", "test", "date", "mkdir", "touch", "ip", "ps", "mount", "grep", "httpd", "printf", "stat", "yes", "wc", "tr",
           "chmod", "awk", "arping", "ping", "free", "du", "sync", "readlink"]


def make(directory, tag, *options):
    """An OCI layout in `directory`."""
    subprocess.run([sys.executable, MKIMAGE, "--out", str(directory), "--tag", tag, *options], check=True, timeout=120)
    return f"oci:{directory}:{tag}"


def make_busybox(directory, tag="1", *options):
    files = ["--file", "/bin/busybox:/bin/busybox:755"]
    for applet in APPLETS:
        files += ["--link", f"/bin/{applet}:/bin/busybox"]
    return make(directory, tag, *files, "--dir", "/tmp:1777", "--dir", "/etc", "--cmd", json.dumps(["/bin/sh"]), *options)


def login(platform, directory):
    """An authfile for skopeo and podman."""
    authfile = os.path.join(directory, "auth.json")
    token = platform.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    with open(authfile, "w") as f:
        json.dump({"auths": {platform.registry: {"auth": token}}}, f)
    os.chmod(authfile, 0o600)
    return authfile


def ensure_repository(platform, name):
    ecr = platform.client("ecr")
    try:
        ecr.create_repository(repositoryName=name)
    except ecr.exceptions.RepositoryAlreadyExistsException:
        pass


def push(platform, layout, name, directory):
    """Pushes an OCI layout with skopeo; name is repository:tag. The image's reference."""
    ensure_repository(platform, name.rsplit(":", 1)[0])
    reference = f"{platform.registry}/{name}"
    subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--authfile", login(platform, directory), layout,
                    f"docker://{reference}"], check=True, timeout=120)
    return reference


def push_busybox(platform, directory):
    return push(platform, make_busybox(directory), "test/busybox:1", directory)


def push_hello(platform, directory):
    layout = make(directory, "1", "--file", f"{BUILD / 'examples/hello/hello'}:/hello:755", "--entrypoint", json.dumps(["/hello"]),
                  "--expose", "80/tcp")
    return push(platform, layout, "test/hello:1", directory)
