"""Disks that are full, read-only, broken or corrupted: what cannot be kept is refused with the reason, what runs goes on, and all is
well again when the cause is gone."""

import json
import pathlib
import sqlite3
import subprocess

import botocore.exceptions
import pytest

from harness import disks, images, own
from harness.platform import AGENT, wait_for

LOOP = [{"name": "c", "command": ["sh", "-c", "trap 'exit 5' TERM; sleep 1000 & wait"], "stopTimeout": 2}]


def loop(platform):
    return [{**LOOP[0], "image": platform.image}]


@pytest.fixture
def small(tmp_path):
    with disks.small_disk(tmp_path, 96) as mount:
        with own.platform(mount) as platform:
            platform.mount = mount
            yield platform


def log_of(platform, child):
    return pathlib.Path(platform.data, "log", f"{child}.log").read_text()


def impatient(platform, service):
    return platform.client(service, attempts=1, read_timeout=20)


def test_a_full_disk_refuses_what_it_cannot_keep(small, tmp_path):
    definition = small.define(loop(small))
    running = small.run(definition)[0]
    small.wait_status(running, "RUNNING")
    layout = images.make_busybox(tmp_path / "image", "2", "--env", "X=1")
    server = small.find("server")
    ballast = disks.fill(small.mount)

    ecs = impatient(small, "ecs")

    def refused():
        """Small writes may still fit into pages that the journal has already."""
        try:
            ecs.run_task(cluster="default", taskDefinition=definition, launchType="FARGATE",
                         networkConfiguration={"awsvpcConfiguration": {"subnets": [small.subnet()]}})
        except botocore.exceptions.ClientError as error:
            return error
        return None
    error = wait_for(refused, "a write to be refused")
    assert error.response["Error"]["Code"] == "ServerException"
    # Not the cause, which is nobody's business outside, but where it is told. (That log lies on the full disk, too.)
    assert "its log names this request id" in error.response["Error"]["Message"]
    push = subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--authfile", images.login(small, tmp_path), layout,
                           f"docker://{small.registry}/test/busybox:2"], capture_output=True, text=True, timeout=120)
    assert push.returncode != 0
    assert small.describe(running)["lastStatus"] == "RUNNING", "reading goes on"

    ballast.unlink()
    images.push(small, layout, "test/busybox:2", tmp_path)
    again = small.run(definition)[0]
    small.wait_status(again, "RUNNING")
    assert small.find("server") == server, "nothing had to be restarted"
    for arn in ecs.list_tasks(cluster="default")["taskArns"]:
        assert small.stop(arn)["containers"][0]["exitCode"] in (5, 137)
    assert small.boxship("doctor").returncode == 0


def test_a_read_only_disk_is_named_and_its_containers_go_on(small):
    running = small.run(small.define(loop(small)))[0]
    small.wait_status(running, "RUNNING")
    small.boxship("down", "--keep-tasks")
    # The containers write to this disk; what asks for that is the new processes.
    mine = small.monitors()
    data = small.data
    subprocess.run(["mount", "--bind", "-o", "ro", data, data], check=True)
    try:
        refused = small.boxship("up", "--detach", check=False)
    finally:
        subprocess.run(["umount", data], check=True)
    assert refused.returncode == 1
    assert data in refused.stderr and "Read-only file system" in refused.stderr
    small.up()
    small.wait_ready()
    assert small.monitors() == mine
    assert small.describe(running)["lastStatus"] == "RUNNING"
    assert small.stop(running)["containers"][0]["exitCode"] == 5


def test_after_a_failed_fsync_the_server_loads_what_the_disk_holds(tmp_path):
    variables = disks.failing_fsync(tmp_path)
    switch = pathlib.Path(variables["FAILING_FSYNC"])
    with own.platform(tmp_path, variables=variables) as platform:
        definition = platform.define(loop(platform))
        running = platform.run(definition)[0]
        platform.wait_status(running, "RUNNING")
        server, agent = platform.find("server"), platform.find(AGENT)
        before = platform.client("ecs").list_task_definitions()["taskDefinitionArns"]
        switch.write_text("")
        try:
            with pytest.raises(botocore.exceptions.BotoCoreError):  # no answer: nobody may say yes or no
                impatient(platform, "ecs").register_task_definition(family="lost", containerDefinitions=[{"name": "c", "image": "x", "memory": 8}])
            wait_for(lambda: platform.find("server") != server, "the server to end")
            assert "failed to sync" in log_of(platform, "server")
        finally:
            switch.unlink()
        platform.wait_ready()
        after = platform.client("ecs").list_task_definitions()["taskDefinitionArns"]
        assert set(before) <= set(after)
        assert platform.find(AGENT) == agent
        assert platform.describe(running)["lastStatus"] == "RUNNING"
        assert platform.stop(running)["containers"][0]["exitCode"] == 5


def blob_of_layer(platform, repository):
    answer = platform.client("ecr").batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "1"}])["images"][0]
    digest = json.loads(answer["imageManifest"])["layers"][0]["digest"].removeprefix("sha256:")
    found = [p for p in pathlib.Path(platform.data, "blobs").rglob(digest) if p.is_file()]
    assert len(found) == 1
    return found[0]


def test_a_corrupted_layer_starts_nothing(platform, tmp_path):
    platform.cluster()
    # A layer of its own: what is unpacked already is not read again.
    layout = images.make(tmp_path / "other", "1", "--file", f"{__file__}:/test.py:644", "--cmd", '["/bin/true"]')
    reference = images.push(platform, layout, "test/corrupted:1", tmp_path)
    blob = blob_of_layer(platform, "test/corrupted")
    good = blob.read_bytes()
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    mode = blob.stat().st_mode
    blob.chmod(0o600)
    blob.write_bytes(bad)
    task = platform.run_to_end([{"name": "c", "image": reference}])
    assert task["stopCode"] == "TaskFailedToStart"
    assert "CannotPullContainerError" in task["stoppedReason"], task["stoppedReason"]
    blob.write_bytes(good)
    blob.chmod(mode)
    healed = platform.run_to_end([{"name": "c", "image": reference}])
    assert "CannotPullContainerError" not in healed["stoppedReason"], healed["stoppedReason"]


def test_a_damaged_journal_is_refused_and_never_written_over(tmp_path):
    with own.platform(tmp_path, image=False) as platform:
        platform.define([{"name": "c", "image": "x"}], family="kept")
        platform.boxship("down")
        journal = pathlib.Path(platform.data, "journal.db")
        good = journal.read_bytes()
        database = sqlite3.connect(journal)
        last, blob = database.execute("SELECT sequence, blob FROM groups ORDER BY sequence DESC LIMIT 1").fetchone()
        database.execute("UPDATE groups SET blob = ? WHERE sequence = ?", (blob[:-1] + bytes([blob[-1] ^ 1]), last))
        database.commit()
        database.close()
        damaged = journal.read_bytes()
        refused = platform.boxship("server", "--listen", f"127.0.0.1:{platform.port}", check=False)
        assert refused.returncode == 1
        assert f"the journal {journal} is damaged (group {last} has the wrong checksum)" in refused.stderr
        assert "Restore it from a backup, or move it away" in refused.stderr
        assert journal.read_bytes() == damaged, "what is damaged was changed"
        journal.write_bytes(good)
        platform.up()
        assert platform.client("ecs").describe_task_definition(taskDefinition="kept")["taskDefinition"]["status"] == "ACTIVE"
