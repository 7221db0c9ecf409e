"""What the benchmarks of registries share: docker-registry, large blobs, a raw connection, what a process has used.

A blob is pushed as clients do it, POST and PUT, over one connection each; its bytes go from the page cache to the socket by
sendfile, so that the client costs next to nothing.
"""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket

import peers
from harness import images
from harness.platform import free_port

BLOB_BYTES = 1 << 30


class Blobs:
    """Blobs that differ in their first bytes; fresh ones cost a hash, not a file."""

    def __init__(self, directory, count=4):
        self.paths = [directory / f"blob{n}" for n in range(count)]
        block = os.urandom(1 << 20)
        for path in self.paths:
            with open(path, "wb") as file:
                for _ in range(BLOB_BYTES >> 20):
                    file.write(block)
        self.number = 0

    def fresh(self, count):
        """(path, digest) of blobs that nobody has seen."""
        def renew(path):
            self.number += 1
            with open(path, "r+b") as file:
                file.write(os.urandom(64))
            digest = hashlib.sha256()
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            return path, digest.hexdigest()
        return [renew(path) for path in self.paths[:count]]


class Http:
    def __init__(self, port, headers):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.headers = f"Host: localhost:{port}\r\n{headers}"

    def ask(self, method, target, path=None, body=b"", content_type="application/octet-stream"):
        """Status, header fields and body of the answer; `path`: the file that is sent."""
        self.send(method, target, os.path.getsize(path) if path else len(body), body, content_type)
        if path:
            with open(path, "rb") as file:
                self.socket.sendfile(file)
        return self.answer()

    def send(self, method, target, size=0, body=b"", content_type="application/octet-stream"):
        self.socket.sendall(f"{method} {target} HTTP/1.1\r\n{self.headers}Content-Length: {size}\r\n"
                            f"Content-Type: {content_type}\r\n\r\n".encode() + body)

    def head(self):
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self.socket.recv(65536)
            if not part:
                raise RuntimeError(f"closed after {answer[:200]}")
            answer += part
        head, rest = answer.split(b"\r\n\r\n", 1)
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head.decode().split("\r\n")[1:]}
        return int(head.split()[1]), fields, rest

    def answer(self):
        status, fields, rest = self.head()
        while len(rest) < int(fields.get("content-length", 0)):
            rest += self.socket.recv(65536)
        return status, fields, rest

    def upload(self):
        """Begins one; where it is finished, up to the digest."""
        status, fields, text = self.ask("POST", "/v2/bench/repo/blobs/uploads/")
        assert status == 202, (status, text)
        location = re.sub("^http://[^/]*", "", fields["location"])
        return location + ("&" if "?" in location else "?")

    def skim(self, target):
        """Takes a body without copying it: seconds of this are the server's. Its length."""
        self.send("GET", target)
        status, fields, rest = self.head()
        assert status == 200, (status, fields, rest[:300])
        left = int(fields["content-length"]) - len(rest)
        room = bytearray(4 << 20)
        while left > 0:
            left -= self.socket.recv_into(room, min(left, len(room)), socket.MSG_TRUNC)
        return int(fields["content-length"])


def authorised(platform, repository="bench/repo"):
    """The header that lets a client of our registry in; makes the repository."""
    images.ensure_repository(platform, repository)
    token = platform.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return f"Authorization: Basic {token}\r\n"


def push_blob(http, path, digest):
    status, _, text = http.ask("PUT", f"{http.upload()}digest=sha256:{digest}", path)
    assert status == 201, (status, text)


@contextlib.contextmanager
def docker_registry(directory):
    port = free_port()
    config = directory / "registry.yml"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {directory}/registry}}\n"
                      f"http: {{addr: 127.0.0.1:{port}}}\n")
    with peers.serving(["docker-registry", "serve", str(config)], port):
        yield port


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_cpu_seconds(pid):
    """Processor seconds of a process and those it has started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_seconds(pid) + sum(cpu_seconds(child) for child in children)


def status_mib(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) / 1024


def empty(directory, blobs):
    """Removes what a round has stored of these blobs: a benchmark must not fill the disk."""
    for _, digest in blobs:
        for path in [*directory.rglob(f"*{digest}*")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
