"""What we are measured against, started here, in namespaces of its own, and ended here."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    """Docker's, or the reason why there is none."""

    available = False
    version = "no docker"

    def __init__(self, directory):
        self.socket = f"{directory}/docker.sock"
        self.env = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": f"{directory}/docker"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"docker {method} {path}: {answer.status} {text[:300]}")
        return json.loads(text) if text else None

    def connect(self):
        self.connection = UnixConnection(self.socket)
        self.version = "peer: docker " + self.call("GET", "/version")["Version"]

    def another(self):
        """The same engine over a connection of its own."""
        other = Engine(os.path.dirname(self.socket))
        other.connect()
        other.available = True
        return other

    def load(self, layout, tag):
        if not self.available:
            return
        archive = f"{layout}/docker.tar"
        subprocess.run(["skopeo", "copy", "--quiet", f"oci:{layout}:{tag}", f"docker-archive:{archive}:bench:1"], check=True)
        subprocess.run(["/usr/bin/docker", "load", "-i", archive], env=self.env, check=True, capture_output=True)

    def launch(self, command, memory, cpus, image="bench:1"):
        """Milliseconds of create and start, a port published, and the container: `docker run -d` without the CLI's own start."""
        start = time.perf_counter()
        container = self.call("POST", "/containers/create", {
            "Image": image, "Cmd": command, "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"Memory": memory, "NanoCpus": int((cpus or 0) * 1e9), "PortBindings": {"80/tcp": [{"HostPort": ""}]}}})["Id"]
        self.call("POST", f"/containers/{container}/start")
        return (time.perf_counter() - start) * 1000, container

    def remove(self, container):
        self.call("DELETE", f"/containers/{container}?force=1")


@contextlib.contextmanager
def docker(directory):
    """A Docker daemon with its default bridge, in a network namespace of its own."""
    engine = Engine(directory)
    program = shutil.which("dockerd", path="/usr/sbin:/usr/bin")
    if not program:
        engine.version = "docker.io is not installed"
        yield engine
        return
    with open(f"{directory}/dockerd.log", "w") as log:
        daemon = subprocess.Popen(
            ["unshare", "--net", program, "--host", f"unix://{engine.socket}", "--data-root", f"{directory}/docker-root", "--exec-root",
             f"{directory}/docker-exec", "--pidfile", f"{directory}/docker.pid", "--storage-driver=overlay2"], stdout=log, stderr=log)
    try:
        for _ in range(300):
            try:
                engine.connect()
                engine.available = True
                break
            except (OSError, RuntimeError):
                if daemon.poll() is not None:
                    break
                time.sleep(0.1)
        if not engine.available:
            engine.version = "dockerd does not start here: " + open(f"{directory}/dockerd.log").read()[-200:].strip()
        yield engine
    finally:
        if daemon.poll() is None:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
