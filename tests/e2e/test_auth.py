"""Nobody gets in unsigned, wrongly signed or too late, on any path, in the caller's protocol."""

import datetime
import http.client
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

JSON = {"Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REQUESTS = {
    "ecs": ("POST", "/", {**JSON, "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters"}, "{}"),
    "ecr": ("POST", "/", {**JSON, "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"}, "{}"),
    "sts": ("POST", "/", FORM, "Action=GetCallerIdentity&Version=2011-06-15"),
    "ec2": ("POST", "/", FORM, "Action=DescribeVpcs&Version=2016-11-15"),
    "boxship": ("POST", "/_boxship/v1/Status", {"Content-Type": "application/json"}, "{}"),
}


def send(platform, method, path, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=10)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


def signed(platform, service, key=None, secret=None, when=None, monkeypatch=None):
    env = platform.env()
    method, path, headers, body = REQUESTS[service]
    request = botocore.awsrequest.AWSRequest(method=method, url=platform.endpoint + path, data=body, headers=dict(headers))
    credentials = botocore.credentials.Credentials(key or env["AWS_ACCESS_KEY_ID"], secret or env["AWS_SECRET_ACCESS_KEY"])
    if when:
        class Then(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return when
        if hasattr(botocore.auth, "get_current_datetime"):  # newer versions
            monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: when)
        else:
            monkeypatch.setattr(botocore.auth.datetime, "datetime", Then)
    botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return method, path, dict(request.prepare().headers), body


@pytest.mark.parametrize("service", REQUESTS)
def test_signed_requests_are_served(platform, service):
    status, text, headers = send(platform, *signed(platform, service))
    assert status == 200, text
    assert any(name.lower() == "x-amzn-requestid" for name in headers) or service == "boxship"


@pytest.mark.parametrize("service, status, code", [
    ("ecs", 403, "MissingAuthenticationTokenException"), ("ecr", 403, "MissingAuthenticationTokenException"),
    ("sts", 403, "MissingAuthenticationToken"), ("ec2", 403, "MissingAuthenticationToken"), ("boxship", 403, "")])
def test_unsigned(platform, service, status, code):
    got, text, _ = send(platform, *REQUESTS[service])
    assert got == status and code in text, text


@pytest.mark.parametrize("service, status, code", [
    ("ecs", 400, "InvalidSignatureException"), ("ecr", 400, "InvalidSignatureException"), ("sts", 403, "SignatureDoesNotMatch"),
    ("ec2", 401, "AuthFailure"), ("boxship", 400, "")])
def test_wrong_secret(platform, service, status, code):
    got, text, _ = send(platform, *signed(platform, service, secret="x" * 40))
    assert got in (status, 403) and code in text, (got, text)


@pytest.mark.parametrize("service, status, code", [
    ("ecs", 400, "UnrecognizedClientException"), ("sts", 403, "InvalidClientTokenId"), ("ec2", 401, "AuthFailure")])
def test_unknown_key(platform, service, status, code):
    got, text, _ = send(platform, *signed(platform, service, key="AKIANOBODYNOBODYNOBO"))
    assert got == status and code in text, (got, text)


@pytest.mark.parametrize("service", ["ecs", "sts", "ec2"])
def test_too_old(platform, service, monkeypatch):
    request = signed(platform, service, when=datetime.datetime.utcnow() - datetime.timedelta(minutes=20), monkeypatch=monkeypatch)
    got, text, _ = send(platform, *request)
    assert got in (400, 401, 403) and ("InvalidSignatureException" in text or "RequestExpired" in text), (got, text)


def test_a_changed_body_is_noticed(platform):
    method, path, headers, _ = signed(platform, "ecs")
    got, text, _ = send(platform, method, path, {**headers, "Content-Length": "2"}, "[]")
    assert got == 400 and "InvalidSignatureException" in text, text


@pytest.mark.parametrize("path", ["/v2/", "/v2/some/repo/manifests/latest", "/v2/some/repo/tags/list",
                                  "/v2/some/repo/blobs/sha256:" + "0" * 64])
def test_the_registry_challenges(platform, path):
    for headers in ({}, {"Authorization": "Basic QVdTOndyb25n"}, {"Authorization": "Bearer x"}):
        got, text, answer = send(platform, "GET", path, headers, None)
        assert got == 401, (path, headers, text)
        challenge = {k.lower(): v for k, v in answer.items()}["www-authenticate"]
        assert challenge.startswith("Basic realm=") and 'service="ecr.amazonaws.com"' in challenge
        assert json.loads(text)["errors"][0]["code"] == "UNAUTHORIZED"


def test_unsigned_uploads_are_refused(platform):
    got, _, _ = send(platform, "POST", "/v2/some/repo/blobs/uploads/", {}, b"")
    assert got == 401


def test_agents_channels_are_closed_to_others(platform):
    websocket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    instance = urllib.parse.quote("arn:aws:ecs:us-east-1:000000000000:container-instance/default/" + "0" * 32)
    for path in (f"/acs/ws?containerInstanceArn={instance}", f"/tcs/ws?containerInstance={instance}",
                 f"/_boxship/agent/ws?containerInstanceArn={instance}"):
        got, _, _ = send(platform, "GET", path, websocket, None)
        assert got in (400, 401, 403), path


def test_a_region_that_is_not_served(platform):
    client = platform.client("ecs", region_name="eu-central-1")
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.list_clusters()
    assert "us-east-1" in str(error.value)
