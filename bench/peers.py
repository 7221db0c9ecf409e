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
    has_bridge = True
    version = "no docker"

    def __init__(self, directory):
        self.socket = f"{directory}/docker.sock"
        self.env = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": f"{directory}/docker"}

    def call(self, method, path, body=None, raw=False):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"docker {method} {path}: {answer.status} {text[:300]}")
        if raw and b'"error"' in text:
            raise RuntimeError(f"docker {method} {path}: {text[-300:]}")
        return json.loads(text) if text and not raw else None

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
            "Image": image, "Cmd": command, **({"ExposedPorts": {"80/tcp": {}}} if self.has_bridge else {}),
            "HostConfig": {"Memory": memory, "NanoCpus": int((cpus or 0) * 1e9),
                           **({"PortBindings": {"80/tcp": [{"HostPort": ""}]}} if self.has_bridge else {"NetworkMode": "none"})}})["Id"]
        self.call("POST", f"/containers/{container}/start")
        return (time.perf_counter() - start) * 1000, container

    def pull_and_launch(self, name, command):
        """Milliseconds from the first byte of the pull until the container runs. Leaves nothing of the image."""
        start = time.perf_counter()
        self.call("POST", f"/images/create?fromImage={name}&tag=1", raw=True)
        _, container = self.launch(command, 512 << 20, 0.25, f"{name}:1")
        ms = (time.perf_counter() - start) * 1000
        self.remove(container)
        self.call("DELETE", f"/images/{name}:1?force=1")
        return ms

    def remove(self, container):
        self.call("DELETE", f"/containers/{container}?force=1")


@contextlib.contextmanager
def docker(directory, own_network=True):
    """A Docker daemon with its default bridge, in a network namespace of its own; or, to reach what listens on this machine's
    loopback, in ours, and then without bridge and rules: it must not touch what others have there."""
    engine = Engine(directory)
    engine.has_bridge = own_network
    program = shutil.which("dockerd", path="/usr/sbin:/usr/bin")
    if not program:
        engine.version = "docker.io is not installed"
        yield engine
        return
    with open(f"{directory}/dockerd.log", "w") as log:
        daemon = subprocess.Popen(
            [*(["unshare", "--net", program] if own_network else [program, "--bridge=none", "--iptables=false"]),
             "--host", f"unix://{engine.socket}", "--data-root", f"{directory}/docker-root", "--exec-root", f"{directory}/docker-exec",
             "--pidfile", f"{directory}/docker.pid", "--storage-driver=overlay2"], stdout=log, stderr=log)
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


NGINX = """user root;
daemon off;
worker_processes auto;
error_log {directory}/nginx.err;
pid {directory}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
{http}
}}
"""


def nginx_command(directory, http):
    """To start an nginx in the foreground that does what `http` says and leaves nothing outside of the directory."""
    config = os.path.join(directory, "nginx.conf")
    with open(config, "w") as file:
        file.write(NGINX.format(directory=directory, http=http))
    return ["nginx", "-c", config]


@contextlib.contextmanager
def serving(argv, port):
    """A server, from when it takes connections: its pid."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
