"""Small tools of the benchmarks: a signed keep-alive connection, medians."""

import hashlib
import hmac
import http.client
import json
import sys
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


class Signed:
    """One connection to a platform; signs as SigV4 asks, with the signing key kept for the day."""

    def __init__(self, platform):
        env = platform.env()
        self.access, secret = env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        self.host = f"127.0.0.1:{platform.port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
        self.day = time.strftime("%Y%m%d", time.gmtime())
        key = b"AWS4" + secret.encode()
        for part in (self.day, "us-east-1", "ecs", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self.key = key

    def ecs(self, operation, request):
        body = json.dumps(request).encode()
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        target = f"AmazonEC2ContainerServiceV20141113.{operation}"
        signed = "content-type;host;x-amz-date;x-amz-target"
        canonical = (f"POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:{self.host}\nx-amz-date:{now}\nx-amz-target:{target}\n\n"
                     f"{signed}\n{hashlib.sha256(body).hexdigest()}")
        scope = f"{self.day}/us-east-1/ecs/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        self.connection.request("POST", "/", body, {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, "X-Amz-Date": now,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={signed}, Signature={signature}"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{operation}: {answer.status} {text[:300]}")
        return json.loads(text)

    def ecs_many(self, operation, requests):
        return [self.ecs(operation, request) for request in requests]
