"""Load balancers that speak TLS: which certificate is shown to whom, and certificates that change under traffic."""

import pathlib
import socket
import ssl
import subprocess

import pytest

from harness.platform import free_port, wait_for
from harness.traffic import Traffic


def trust(authority):
    context = ssl.create_default_context(cafile=authority.path)
    context.check_hostname = False
    return context


def tls_name(port, name, authority, alpn=None):
    """The names of the certificate that is shown for `name`, and the protocol agreed on."""
    context = trust(authority)
    if alpn:
        context.set_alpn_protocols(alpn)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        return [value for _, value in secure.getpeercert()["subjectAltName"]], secure.selected_alpn_protocol()


def test_tls_shows_the_certificate_that_fits_the_name(platform, front, tasks, authority):
    acm = platform.client("acm")
    certificates = {name: authority.issue(name) for name in ("one.example.com", "two.example.com")}
    arns = {name: acm.import_certificate(**certificate)["CertificateArn"] for name, certificate in certificates.items()}
    port = free_port()
    group = front.group(tasks.values())
    listener = front.listen(port, group, Protocol="HTTPS", SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
                            Certificates=[{"CertificateArn": arns["one.example.com"]}])
    front.wait_healthy(group, 2)
    assert tls_name(port, "two.example.com", authority)[0] == ["one.example.com"]
    front.elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns["two.example.com"]}])
    wait_for(lambda: tls_name(port, "two.example.com", authority)[0] == ["two.example.com"], "the second certificate")
    assert tls_name(port, "one.example.com", authority)[0] == ["one.example.com"]
    assert tls_name(port, "one.example.com", authority, ["h2", "http/1.1"])[1] == "h2"
    curl = subprocess.run(["curl", "-sS", "--http2", "-k", "--max-time", "10", "-w", "%{http_version} %{http_code}", "-o", "/dev/null",
                           f"https://{front.dns}:{port}/json"], capture_output=True, text=True)
    assert curl.stdout == "2 200", curl.stderr
    # Old versions are refused by the policy; the keys lie where only root reads them, and nowhere in a log.
    old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True)
    assert old.returncode != 0
    run = pathlib.Path("/run/boxship", platform.marks()[1], "balancer")
    pems = list(run.glob("*.pem"))
    sockets = list(run.glob("*.sock"))
    assert pems and sockets and all(p.stat().st_mode & 0o077 == 0 for p in [*sockets, *pems])
    secret = certificates["one.example.com"]["PrivateKey"].splitlines()[3].decode()
    for log in pathlib.Path(platform.data, "log").glob("*.log"):
        assert secret not in log.read_text(errors="replace")
    assert secret.encode() not in pathlib.Path(platform.data, "journal.db").read_bytes()
    with pytest.raises(acm.exceptions.ResourceInUseException):
        acm.delete_certificate(CertificateArn=arns["two.example.com"])
    front.elb.delete_listener(ListenerArn=listener)
    for arn in arns.values():
        acm.delete_certificate(CertificateArn=arn)


def shown(port, authority):
    """The serial number of the certificate that a client without a name is shown."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, trust(authority).wrap_socket(plain) as secure:
        return secure.getpeercert()["serialNumber"]


def test_certificates_change_under_traffic(platform, front, tasks, authority):
    """Imported again under its ARN, another one for the listener, a second one beside it: no request is lost, and each is shown."""
    acm = platform.client("acm")
    first = acm.import_certificate(**authority.issue("one.example.com"))["CertificateArn"]
    second = acm.import_certificate(**authority.issue("two.example.com"))["CertificateArn"]
    port = free_port()
    group = front.group(tasks.values())
    listener = front.listen(port, group, Protocol="HTTPS", Certificates=[{"CertificateArn": first}])
    front.wait_healthy(group, 2)

    def change(what):
        before = shown(port, authority)
        what()
        wait_for(lambda: shown(port, authority) != before, "the other certificate")

    with Traffic("127.0.0.1", port, "/json", tls=trust(authority)) as traffic:
        for _ in range(3):
            change(lambda: acm.import_certificate(CertificateArn=first, **authority.issue("one.example.com")))
            front.elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": second}])
            wait_for(lambda: tls_name(port, "two.example.com", authority)[0] == ["two.example.com"], "the second certificate")
            change(lambda: front.elb.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": second}]))
            change(lambda: front.elb.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": first}]))
            front.elb.remove_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": second}])
            wait_for(lambda: tls_name(port, "two.example.com", authority)[0] == ["one.example.com"], "the second certificate to be gone")
    assert traffic.good > 100 and traffic.failures == [], (traffic.good, traffic.failures[:5])
    front.elb.delete_listener(ListenerArn=listener)
    for arn in (first, second):
        acm.delete_certificate(CertificateArn=arn)
