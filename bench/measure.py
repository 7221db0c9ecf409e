"""Small tools of the benchmarks: a signed keep-alive connection, medians."""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def progress(text):
    print(f"... {text}", file=sys.stderr, flush=True)


def rounded(value):
    """Three significant digits, more for large numbers: what is noise is not printed."""
    if value is None:
        return None
    return round(value) if abs(value) >= 1000 else float(f"{value:.3g}")


def row(name, unit, ours, peer, target, detail, more_is_better=False, ratio=None):
    """One line of the result. The ratio says how many times better ours is than the peer's; the target is its least."""
    if ratio is None and ours and peer:
        ratio = ours / peer if more_is_better else peer / ours
    return {"name": name, "unit": unit, "ours": rounded(ours), "peer": rounded(peer), "ratio": rounded(ratio), "target": target,
            "pass": None if target is None else bool(ratio and ratio >= target), "detail": detail}


def limit(name, unit, ours, most, detail, least=False):
    """A line without a peer: ours has to be at most `most`, or with `least` at least that."""
    return {"name": name, "unit": unit, "ours": rounded(ours), "peer": None, "ratio": None, "target": most,
            "pass": ours >= most if least else ours <= most, "detail": detail}


def settle(*warm):
    """Nobody pays for what the one before left: all of it is on the disk, and of files only those under `warm` are in the page cache.

    The file system's own tables leave the cache too: ext4 passes by the inodes that were freed in the last minutes as long as it has
    their tables there, so files are made slowly where many were removed.
    """
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    for root in warm:
        for path in [root, *root.rglob("*")]:
            if not path.is_file():
                continue
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass


def profile(pid, work, lines=12):
    """Where a process spends its time while `work` runs: the hottest functions, as lines without a target. Nothing without perf."""
    with tempfile.NamedTemporaryFile(suffix=".perf") as file:
        try:
            recorder = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", str(pid), "-o", file.name], stderr=subprocess.DEVNULL)
        except OSError:
            return []
        work()
        recorder.send_signal(signal.SIGINT)
        recorder.wait(60)
        report = subprocess.run(["perf", "report", "-i", file.name, "--no-children", "-g", "none", "--percent-limit", "0.5", "--stdio", "-s", "dso,symbol"],
                                capture_output=True, text=True).stdout
    hottest = [line.split(None, 2) for line in report.splitlines() if line.strip() and not line.startswith("#")][:lines]
    return [{"name": f"  {words[0]}", "unit": "", "ours": None, "peer": None, "ratio": None, "target": None, "pass": None,
             "detail": f"{words[1]} {words[2].strip()}"[:100]} for words in hottest if len(words) == 3]


class Signed:
    """One connection to a server; signs as SigV4 asks, with the signing keys kept for the day."""

    def __init__(self, platform):
        self.open(platform.port, platform.env())

    @classmethod
    def at(cls, port, env):
        made = cls.__new__(cls)
        made.open(port, env)
        return made

    def open(self, port, env):
        self.access, self.secret = env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.day = time.strftime("%Y%m%d", time.gmtime())
        self.keys = {}

    def key(self, service):
        if service not in self.keys:
            key = b"AWS4" + self.secret.encode()
            for part in (self.day, "us-east-1", service, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.keys[service] = key
        return self.keys[service]

    def call(self, service, path, body=b"", content_type="application/x-www-form-urlencoded", target=None):
        """The answer's text; `path` with its query, which must be in canonical order."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {"content-type": content_type, "host": self.host, "x-amz-date": now, **({"x-amz-target": target} if target else {})}
        signed = ";".join(headers)
        canonical = "\n".join(["POST", *(path + "?").split("?")[:2], *(f"{name}:{value}" for name, value in headers.items()), "", signed,
                               hashlib.sha256(body).hexdigest()])
        scope = f"{self.day}/us-east-1/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.key(service), text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={signed}, Signature={signature}"
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{target or path}: {answer.status} {text[:300]}")
        return text

    def raw(self, operation, request):
        return self.call("ecs", "/", json.dumps(request).encode(), "application/x-amz-json-1.1", f"AmazonEC2ContainerServiceV20141113.{operation}")

    def ecs(self, operation, request):
        return json.loads(self.raw(operation, request))

    def ecs_many(self, operation, requests):
        return [self.ecs(operation, request) for request in requests]
