"""The registry through its two doors: the ECR API with boto3, the distribution API by hand."""

import hashlib
import json
import os
import urllib.request

import pytest

from harness import images

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def upload(ecr, repository, *parts):
    """A layer through the ECR API, part by part; its digest."""
    upload_id = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    first = 0
    for part in parts:
        taken = ecr.upload_layer_part(repositoryName=repository, uploadId=upload_id, partFirstByte=first,
                                      partLastByte=first + len(part) - 1, layerPartBlob=part)
        first += len(part)
        assert taken["lastByteReceived"] == first - 1
    whole = digest(b"".join(parts))
    done = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[whole])
    assert done["layerDigest"] == whole
    return whole


def test_an_image_through_the_api_alone(platform, ecr):
    images.ensure_repository(platform, "test/api")
    big = os.urandom(6 << 20)
    config, layer = upload(ecr, "test/api", b"{}"), upload(ecr, "test/api", big, b"the rest")
    available = ecr.batch_check_layer_availability(repositoryName="test/api", layerDigests=[layer, digest(b"never"), "sha256:1"])
    assert [(one["layerAvailability"], one.get("layerSize")) for one in available["layers"]] == [("AVAILABLE", len(big) + 8), ("UNAVAILABLE", None)]
    assert available["failures"][0]["failureCode"] == "InvalidLayerDigest"
    with pytest.raises(ecr.exceptions.LayerInaccessibleException):
        ecr.get_download_url_for_layer(repositoryName="test/api", layerDigest=layer)

    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                           "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
                           "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": len(big) + 8}]})
    put = ecr.put_image(repositoryName="test/api", imageManifest=manifest, imageTag="v1")["image"]
    assert put["imageId"] == {"imageDigest": digest(manifest.encode()), "imageTag": "v1"}
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName="test/api", imageManifest=manifest, imageTag="v1")
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        ecr.put_image(repositoryName="test/api", imageManifest=manifest, imageTag="v2", imageDigest=digest(b"x"))
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        ecr.put_image(repositoryName="test/api", imageManifest=manifest.replace(layer, digest(b"never")), imageTag="v2")

    url = ecr.get_download_url_for_layer(repositoryName="test/api", layerDigest=layer)["downloadUrl"]
    with urllib.request.urlopen(url, timeout=30) as body:
        assert digest(body.read()) == layer
    got = ecr.batch_get_image(repositoryName="test/api", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}, {}])
    assert got["images"][0]["imageManifest"] == manifest
    assert got["images"][0]["imageManifestMediaType"] == MANIFEST
    assert [failure["failureCode"] for failure in got["failures"]] == ["ImageNotFound", "MissingDigestAndTag"]
    detail = ecr.describe_images(repositoryName="test/api")["imageDetails"][0]
    assert detail["imageSizeInBytes"] == len(big) + 10 and detail["imageTags"] == ["v1"]

    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException):
        ecr.delete_repository(repositoryName="test/api")
    gone = ecr.batch_delete_image(repositoryName="test/api", imageIds=[{"imageTag": "v1"}])
    assert gone["imageIds"] == [{"imageDigest": digest(manifest.encode()), "imageTag": "v1"}]
    ecr.delete_repository(repositoryName="test/api")


def test_layer_parts_follow_each_other(platform, ecr):
    images.ensure_repository(platform, "test/parts")
    upload_id = ecr.initiate_layer_upload(repositoryName="test/parts")["uploadId"]
    with pytest.raises(ecr.exceptions.EmptyUploadException):
        ecr.complete_layer_upload(repositoryName="test/parts", uploadId=upload_id, layerDigests=[digest(b"")])
    with pytest.raises(ecr.exceptions.InvalidLayerPartException):
        ecr.upload_layer_part(repositoryName="test/parts", uploadId=upload_id, partFirstByte=5, partLastByte=9, layerPartBlob=b"01234")
    for first in (0, 5):
        ecr.upload_layer_part(repositoryName="test/parts", uploadId=upload_id, partFirstByte=first, partLastByte=first + 4,
                              layerPartBlob=b"01234")
    with pytest.raises(ecr.exceptions.LayerPartTooSmallException):
        ecr.complete_layer_upload(repositoryName="test/parts", uploadId=upload_id, layerDigests=[digest(b"0123401234")])
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        ecr.complete_layer_upload(repositoryName="test/parts", uploadId="00000000-0000-0000-0000-000000000000", layerDigests=[digest(b"")])


def test_an_upload_goes_on_after_the_server_was_killed(platform, ecr):
    images.ensure_repository(platform, "test/resume")
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]

    def ask(method, path, body=None):
        request = urllib.request.Request(platform.endpoint + path, data=body, method=method, headers={"Authorization": "Basic " + token})
        return urllib.request.urlopen(request, timeout=30)

    content = os.urandom(3 << 20)
    session = ask("POST", "/v2/test/resume/blobs/uploads/").headers["Location"]
    assert ask("PATCH", session, content[: 2 << 20]).headers["Range"] == f"0-{(2 << 20) - 1}"
    platform.kill("server")
    platform.wait_ready()
    offset = int(ask("GET", session).headers["Range"].split("-")[1]) + 1
    assert offset == 2 << 20
    assert ask("PUT", f"{session}?digest={digest(content)}", content[offset:]).status == 201
    assert ask("GET", f"/v2/test/resume/blobs/{digest(content)}").read() == content
