"""Pushing and pulling step by step over /v2/, so that a test knows which step was under way when the server died, and can go on."""

import base64
import hashlib
import http.client
import json
import re


class Gone(Exception):
    """No answer: the server is down, or went while it was asked."""


class Registry:
    """One connection per request: nothing is remembered of a server that has died since."""

    def __init__(self, platform):
        self.port = platform.port
        token = platform.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        assert base64.b64decode(token).startswith(b"AWS:")
        self.headers = {"Authorization": "Basic " + token}

    def ask(self, method, target, body=None, **headers):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body=body, headers={**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(str(error)) from error
        finally:
            connection.close()


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def next_byte(headers):
    last = int(re.fullmatch(r"0-(\d+)", headers["Range"])[1])
    return last + 1 if last else 0


class Push:
    """An image on its way: call step() until it says True; after Gone simply call it again. `phase` says what comes next.

    Held against the server on the way: an upload that was begun is resumable at a place that is not behind what it acknowledged,
    or gone; a blob that was acknowledged is there."""

    def __init__(self, registry, repository, tag, layers, chunk):
        self.registry, self.repository, self.tag, self.chunk = registry, repository, tag, chunk
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "tag": tag}).encode()
        self.blobs = [*layers, self.config]
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(self.config), "size": len(self.config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b), "size": len(b)} for b in layers],
        }).encode()
        self.at = 0                 # of self.blobs
        self.location = None        # of the upload under way
        self.acknowledged = 0       # of its bytes
        self.unsure = False         # what became of the last request
        self.resumed = self.restarted = 0
        self.phase = "push: start an upload"

    def step(self):
        if self.at == len(self.blobs):
            return self._put_manifest()
        blob = self.blobs[self.at]
        if self.unsure:
            self._find_out()
        elif self.location is None:
            self.phase = "push: start an upload"
            self.unsure = True
            status, headers, body = self.registry.ask("POST", f"/v2/{self.repository}/blobs/uploads/")
            assert status == 202, body
            self._begun(headers["Location"])
        elif self.acknowledged < len(blob):
            self.phase = "push: chunk"
            self.unsure = True
            piece = blob[self.acknowledged:self.acknowledged + self.chunk]
            status, headers, body = self.registry.ask("PATCH", self.location, piece, Content_Type="application/octet-stream")
            if status == 404:
                return self._lost(body)
            assert status == 202, body
            assert next_byte(headers) == self.acknowledged + len(piece)
            self._begun(headers["Location"], self.acknowledged + len(piece))
        else:
            self.phase = "push: finish the blob"
            self.unsure = True
            status, _, body = self.registry.ask("PUT", f"{self.location}?digest={digest_of(blob)}")
            if status == 404:
                return self._lost(body)
            assert status == 201, body
            self._landed()
        return False

    def _lost(self, body):
        """The upload is gone as a whole (the server died between moving its file and noting it): once more from the start."""
        assert b"BLOB_UPLOAD_UNKNOWN" in body, body
        self.restarted += 1
        self._begun(None)
        return False

    def _begun(self, location, acknowledged=0):
        self.location, self.acknowledged, self.unsure = location, acknowledged, False

    def _landed(self):
        self.at += 1
        self.location, self.acknowledged, self.unsure = None, 0, False

    def _find_out(self):
        """After a request whose answer was lost."""
        self.phase = "push: ask for the offset"
        blob = self.blobs[self.at]
        status, _, _ = self.registry.ask("HEAD", f"/v2/{self.repository}/blobs/{digest_of(blob)}")
        if status == 200:
            return self._landed()   # the PUT had its effect
        assert status == 404
        if self.location is None:
            self.unsure = False     # nobody knows the upload that may have been begun: it ends by itself
            return None
        status, headers, body = self.registry.ask("GET", self.location)
        if status == 404:
            return self._lost(body)
        assert status == 204, body
        offset = next_byte(headers)
        assert self.acknowledged <= offset <= len(blob), f"acknowledged {self.acknowledged}, resumable from {offset}"
        self.resumed += 1
        self._begun(self.location, offset)
        return None

    def _put_manifest(self):
        self.phase = "push: manifest"
        status, _, body = self.registry.ask("PUT", f"/v2/{self.repository}/manifests/{self.tag}", self.manifest,
                                            Content_Type="application/vnd.oci.image.manifest.v1+json")
        assert status == 201, body
        return True

    def check(self):
        """Pulls all of it."""
        status, headers, body = self.registry.ask("GET", f"/v2/{self.repository}/manifests/{self.tag}")
        assert status == 200 and body == self.manifest, f"{self.repository}:{self.tag} {status}"
        assert headers["Docker-Content-Digest"] == digest_of(body)
        for blob in self.blobs:
            status, _, body = self.registry.ask("GET", f"/v2/{self.repository}/blobs/{digest_of(blob)}")
            assert status == 200 and body == blob, f"{self.repository}:{self.tag}: {digest_of(blob)} {status} {len(body)} of {len(blob)}"
