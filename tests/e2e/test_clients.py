"""The other clients: the JavaScript SDK, docker, current Python clients where they can be had."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import images
from harness.platform import BUILD, wait_for

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules():
    """The SDK as pinned in js/package-lock.json, installed once into the build tree."""
    directory = BUILD / "e2e-js"
    directory.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "tour.mjs"):
        shutil.copy(HERE / "js" / name, directory / name)
    stamp = directory / "installed"
    lock = (directory / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=directory, check=True, timeout=300)
        stamp.write_text(lock)
    return directory


def test_javascript_sdk(platform, node_modules, busybox):
    done = subprocess.run(["node", "tour.mjs", busybox], cwd=node_modules, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **platform.env()})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["account"] == "000000000000"
    assert told["exitCode"] == 6
    assert told["error"] == "ClusterNotFoundException"
    assert told["zones"] == ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_docker_push_and_pull(platform, dockerd, tmp_path):
    images.ensure_repository(platform, "test/docker")
    reference = f"{platform.registry}/test/docker:v1"
    layout = images.make_busybox(tmp_path / "image")
    subprocess.run(["skopeo", "copy", "--quiet", layout, f"docker-archive:{tmp_path}/image.tar:{reference}"], check=True, timeout=60)

    def docker(*words, **more):
        done = subprocess.run(["/usr/bin/docker", *words], env=dockerd, capture_output=True, text=True, timeout=120, **more)
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout

    docker("load", "-i", f"{tmp_path}/image.tar")
    password = platform.shell("aws ecr get-login-password").stdout.strip()
    docker("login", "--username", "AWS", "--password-stdin", platform.registry, input=password)
    docker("push", reference)
    docker("rmi", reference)
    docker("pull", reference)
    platform.cluster()
    task = platform.run_to_end([{"name": "c", "image": reference, "command": ["sh", "-c", "exit 11"]}])
    assert task["containers"][0]["exitCode"] == 11


def test_an_immutable_tag_is_refused_once_and_clearly(platform, ecr, tmp_path):
    ecr.create_repository(repositoryName="test/immutable", imageTagMutability="IMMUTABLE")
    images.push(platform, images.make_busybox(tmp_path / "a", "1"), "test/immutable:1", tmp_path)
    other = images.make_busybox(tmp_path / "b", "1", "--env", "X=1")
    done = subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--authfile", images.login(platform, tmp_path), other,
                           f"docker://{platform.registry}/test/immutable:1"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "immutable" in done.stderr and "test/immutable" in done.stderr


def installed(program):
    found = shutil.which(program, path="/usr/sbin:/usr/bin")
    if not found:
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture
def storage():
    """Options that keep podman and buildah in a directory of their own, whose name must be short for them."""
    with tempfile.TemporaryDirectory(prefix="oci-") as directory:
        yield ["--root", f"{directory}/storage", "--runroot", f"{directory}/run", "--storage-driver", "vfs"]


def tool(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout.strip()


def test_podman_push_and_pull(platform, storage, tmp_path):
    podman = [installed("podman"), *storage]
    authfile = ["--authfile", tmp_path / "auth.json"]
    images.ensure_repository(platform, "test/podman")
    reference = f"{platform.registry}/test/podman:v1"
    password = platform.shell("aws ecr get-login-password").stdout.strip()
    tool(*podman, "login", *authfile, "--tls-verify=false", "--username", "AWS", "--password-stdin", platform.registry, input=password)
    image = tool(*podman, "pull", "--quiet", images.make_busybox(tmp_path / "image"))
    tool(*podman, "push", "--quiet", *authfile, "--tls-verify=false", image, f"docker://{reference}")
    tool(*podman, "rmi", image)
    tool(*podman, "pull", "--quiet", *authfile, "--tls-verify=false", reference)
    platform.cluster()
    task = platform.run_to_end([{"name": "c", "image": reference, "command": ["sh", "-c", "exit 12"]}])
    assert task["containers"][0]["exitCode"] == 12


def test_an_image_built_and_pushed_by_buildah_runs(platform, storage, tmp_path):
    buildah = [installed("buildah"), *storage]
    images.ensure_repository(platform, "test/buildah")
    reference = f"{platform.registry}/test/buildah:v1"
    container = tool(*buildah, "from", "scratch")
    tool(*buildah, "copy", container, "/bin/busybox", "/bin/busybox")
    tool(*buildah, "config", "--entrypoint", json.dumps(["/bin/busybox", "sh", "-c"]), "--cmd", "exit 13", "--env", "BUILT=1", container)
    tool(*buildah, "commit", "--quiet", "--rm", container, reference)
    tool(*buildah, "push", "--quiet", "--authfile", images.login(platform, tmp_path), "--tls-verify=false", reference, f"docker://{reference}")
    platform.cluster()
    task = platform.run_to_end([{"name": "c", "image": reference, "command": ['exit "${BUILT}4"']}])
    assert task["containers"][0]["exitCode"] == 14
