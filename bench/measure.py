"""Small tools of the benchmarks: a signed keep-alive connection, medians."""

import hashlib
import hmac
import http.client
import json
import time


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


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
