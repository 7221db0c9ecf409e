"""What pulls ask of a registry: a large blob, manifests, and the small things of an image with a thousand layers or tags; beside
docker-registry, and for the blob beside nginx, which sends files by sendfile.
"""

import contextlib
import hashlib
import json
import os
import time

import peers
from api import load
from harness.platform import Platform, free_port
from measure import limit, median, progress, row, settle
from registries import BLOB_BYTES, Blobs, Http, authorised, cpu_seconds, docker_registry, push_blob, family_cpu_seconds

ROUNDS = 5
PULLS = 4            # of the large blob, one after the other: one is over in a quarter of a second
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TINY, TAGS = 1001, 1000


@contextlib.contextmanager
def nginx(directory, root):
    """Yields its port and its master's pid."""
    port = free_port()
    command = peers.nginx_command(directory, f"    sendfile on;\n    server {{ listen 127.0.0.1:{port}; root {root}; }}")
    with peers.serving(command, port) as pid:
        yield port, pid


def put_image(http, tag):
    """A manifest of its own layer; its digest."""
    config, layer = b"{}", os.urandom(64)
    for blob in (config, layer):
        push_small(http, blob)
    described = [{"mediaType": kind, "digest": "sha256:" + hashlib.sha256(blob).hexdigest(), "size": len(blob)}
                 for kind, blob in (("application/vnd.oci.image.config.v1+json", config), ("application/vnd.oci.image.layer.v1.tar", layer))]
    body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}).encode()
    put_manifest(http, tag, body)
    return body


def put_manifest(http, tag, body):
    status, _, text = http.ask("PUT", f"/v2/bench/repo/manifests/{tag}", body=body, content_type=MANIFEST)
    assert status == 201, (status, text)


def push_small(http, blob):
    path = http.upload()
    status, _, text = http.ask("PUT", f"{path}digest=sha256:{hashlib.sha256(blob).hexdigest()}", body=blob)
    assert status == 201, (status, text)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rate(pull):
    """MiB/s of the large blob."""
    return PULLS * (BLOB_BYTES >> 20) / seconds(lambda: [pull() for _ in range(PULLS)])


def pull_blob(directory, platform, headers, registry_port):
    progress("pull of 1 GiB")
    [(path, digest)] = Blobs(directory, 1).fresh(1)
    push_blob(Http(platform.port, headers), path, digest)
    push_blob(Http(registry_port, ""), path, digest)
    target = f"/v2/bench/repo/blobs/sha256:{digest}"
    server = platform.pid("server")
    with nginx(directory, directory) as (nginx_port, nginx_pid):
        ours, theirs, floors, cpu, nginx_cpu = [], [], [], [], []
        for _ in range(ROUNDS):
            before = cpu_seconds(server)
            ours.append(rate(lambda: Http(platform.port, headers).skim(target)))
            cpu.append((cpu_seconds(server) - before) / PULLS)
            theirs.append(rate(lambda: Http(registry_port, "").skim(target)))
            before = family_cpu_seconds(nginx_pid)
            floors.append(rate(lambda: Http(nginx_port, "").skim("/" + path.name)))
            nginx_cpu.append((family_cpu_seconds(nginx_pid) - before) / PULLS)
    path.unlink()
    detail = "1 GiB in the page cache, one connection"
    return [row("pull", "MiB/s", median(ours), median(theirs), 1, f"{detail}; peer: docker-registry", more_is_better=True),
            row("pull.nginx", "MiB/s", median(ours), median(floors), 0.95, f"{detail}; peer: nginx, sendfile", more_is_better=True),
            row("pull.cpu", "s/GiB", median(cpu), median(nginx_cpu), 1, "processor time of the server; peer: nginx")]


def manifests(platform, headers, registry_port):
    ours_http, theirs_http = Http(platform.port, headers), Http(registry_port, "")
    body = put_image(ours_http, "m")
    theirs_body = put_image(theirs_http, "m")
    rows = []
    for connections in (16, 64):
        progress(f"GET of a manifest, {connections} connections")
        ours, theirs = [], []
        for _ in range(ROUNDS):
            for into, port, lines, text, count in ((ours, platform.port, [headers.strip()], body, 40_000), (theirs, registry_port, [], theirs_body, 5_000)):
                into.append(load(port, connections, count, path="/v2/bench/repo/manifests/m", headers=[*lines, f"Accept: {MANIFEST}"],
                                 more=("--method", "GET", "--same", text.decode())))
        rate, peer = (median([run["perSecond"] for run in runs]) for runs in (ours, theirs))
        rows += [row(f"manifest.{connections}", "1/s", rate, peer, 15, f"GET by tag, {connections} connections; peer: docker-registry", more_is_better=True),
                 limit(f"manifest.{connections}.p99", "ms", median([run["p99"] for run in ours]), 5,
                       f"of the same runs; docker-registry: {median([run['p99'] for run in theirs]):.3g}")]
    return rows


def small_things(platform, headers, registry_port):
    progress(f"{TINY} tiny blobs and {TAGS} tags, one connection")
    blobs, tags = ([], []), ([], [])
    for _ in range(ROUNDS):
        for which, http in enumerate((Http(platform.port, headers), Http(registry_port, ""))):
            fresh = [os.urandom(32) for _ in range(TINY)]
            settle()
            blobs[which].append(seconds(lambda: [push_small(http, blob) for blob in fresh]))
            body = put_image(http, "first")
            names = [os.urandom(8).hex() for _ in range(TAGS)]
            tags[which].append(TAGS / seconds(lambda: [put_manifest(http, name, body) for name in names]))
    return [row("blobs.tiny", "s", median(blobs[0]), median(blobs[1]), 5, f"{TINY} blobs of 32 bytes on one connection, each on disk before it is answered; peer: docker-registry"),
            row("tags", "1/s", median(tags[0]), median(tags[1]), 5, f"PUT of {TAGS} tags of one image, each on disk before it is answered; peer: docker-registry", more_is_better=True)]


def pull(directory):
    platform = Platform(directory)
    platform.up()
    try:
        platform.wait_ready()
        headers = authorised(platform)
        with docker_registry(directory) as registry_port:
            return [*pull_blob(directory, platform, headers, registry_port), *manifests(platform, headers, registry_port),
                    *small_things(platform, headers, registry_port)]
    finally:
        platform.purge()
