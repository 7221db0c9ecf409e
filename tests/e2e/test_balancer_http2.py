"""Load balancers before targets that speak HTTP/2 or gRPC; real clients through TLS."""

import os
import pathlib
import subprocess
import sys
import threading

import grpc
import pytest

from harness.platform import free_port, wait_for

HARNESS = pathlib.Path(__file__).parent / "harness"


@pytest.fixture
def serve(platform, busybox):
    """Starts a server of the harness in the network of a task of its own: the task's address."""
    platform.cluster()
    started = []

    def start(program, port):
        arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": ["sleep", "3600"]}]))[0]
        address = platform.address(platform.wait_status(arn, "RUNNING"))
        network = os.open(f"/proc/{platform.first_process(arn)}/ns/net", os.O_RDONLY)
        server = subprocess.Popen(["nsenter", f"--net=/proc/self/fd/{network}", sys.executable, "-B", str(HARNESS / program), str(port)], pass_fds=[network])
        os.close(network)
        started.append((arn, server))
        return address
    yield start
    for arn, server in started:
        server.terminate()
        server.wait(10)
        platform.stop(arn)


@pytest.fixture
def certificate(platform, authority):
    acm = platform.client("acm")
    arn = acm.import_certificate(**authority.issue("one.example.com"))["CertificateArn"]
    yield arn
    wait_for(lambda: not acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"], "the certificate to be free")
    acm.delete_certificate(CertificateArn=arn)


class Calls:
    """A gRPC client."""

    def __init__(self, port, authority):
        credentials = grpc.ssl_channel_credentials(pathlib.Path(authority.path).read_bytes())
        self.channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, [("grpc.ssl_target_name_override", "one.example.com"),
                                                                              ("grpc.use_local_subchannel_pool", 1)])

    def echo(self, data):
        return self.channel.unary_unary("/t.T/Echo")(data, timeout=10)


def test_grpc_calls_streams_and_trailers_pass(certificate, front, serve, authority):
    target = serve("grpc_server.py", 50051)
    port = free_port()
    group = front.group([target], Port=50051, ProtocolVersion="GRPC")
    front.listen(port, group, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    front.wait_healthy(group, 1)
    calls = Calls(port, authority)
    with calls.channel as channel:
        assert calls.echo(b"hello") == b"hello"
        assert calls.echo(b"x" * 1_000_000) == b"x" * 1_000_000
        assert list(channel.unary_stream("/t.T/Count")(b"100", timeout=10)) == [str(i).encode() for i in range(100)]
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/t.T/Refuse")(b"", timeout=10)
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not today")
        assert ("x-why", "because") in [tuple(pair) for pair in refused.value.trailing_metadata()]


def test_grpc_targets_come_and_go_under_calls(platform, certificate, front, serve, authority):
    """No call is lost while targets change places and a certificate is imported again."""
    acm = platform.client("acm")
    first, second = (serve("grpc_server.py", 50051) for _ in range(2))
    port = free_port()
    group = front.group([first], Port=50051, ProtocolVersion="GRPC")
    front.listen(port, group, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    front.wait_healthy(group, 1)
    done, good, failures = threading.Event(), [], []

    def call(keep):
        calls = Calls(port, authority)
        while not done.is_set():
            try:
                assert calls.echo(b"hello") == b"hello"
                good.append(1)
            except grpc.RpcError as error:
                failures.append(f"{keep=} {error.debug_error_string()}")
            if not keep:
                calls.channel.close()
                calls = Calls(port, authority)
            done.wait(0.02)
        calls.channel.close()

    threads = [threading.Thread(target=call, args=(keep,)) for keep in (True, False)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            for comes, goes in ((second, first), (first, second)):
                front.register(group, comes)
                wait_for(lambda: front.health(group).get(comes) == "healthy", "the one that comes")
                acm.import_certificate(CertificateArn=certificate, **authority.issue("one.example.com"))
                front.deregister(group, goes)
                wait_for(lambda: front.health(group).get(goes) in (None, "draining"), "the other to drain")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert len(good) > 50 and failures == [], (len(good), failures[:5])


def test_http2_targets(certificate, front, serve):
    target = serve("h2_server.py", 8000)
    port = free_port()
    group = front.group([target], Port=8000, ProtocolVersion="HTTP2", HealthCheckPath="/health")
    front.listen(port, group, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    front.wait_healthy(group, 1)
    for version, spoken in (("--http2", "2"), ("--http1.1", "1.1")):
        curl = subprocess.run(["curl", "-sSk", version, "--max-time", "10", "-w", " %{http_version} %{http_code}", f"https://127.0.0.1:{port}/a/b"],
                              capture_output=True, text=True)
        assert curl.stdout == f"/a/b {spoken} 200", curl.stderr


def test_what_a_plain_listener_cannot_forward_to_is_refused(front):
    group = front.group(ProtocolVersion="GRPC")
    with pytest.raises(front.elb.exceptions.IncompatibleProtocolsException, match="Listener protocol 'HTTP' is not supported with a target group"):
        front.listen(free_port(), group)
