"""The commands a user types: up, env, status, explain, logs, doctor, down; and what they say when something is wrong."""

import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest
from botocore.exceptions import ClientError

from harness import leaks
from harness.platform import BOXSHIP, Platform, wait_for


def test_a_second_up_changes_nothing(platform):
    pids = {child: platform.pid(child) for child in ("up", "server", "agent-fargate")}
    done = platform.up()
    assert "runs already" in done.stdout or "is ready" in done.stdout
    assert pids == {child: platform.pid(child) for child in pids}
    other = platform.boxship("up", "--detach", "--instances", "1", check=False)
    assert other.returncode == 1 and "boxship down --keep-tasks" in other.stderr
    assert pids == {child: platform.pid(child) for child in pids}


def test_a_port_in_use_is_said_and_nothing_starts(tmp_path):
    other = Platform(tmp_path)
    with socket.socket() as s:
        s.bind(("127.0.0.1", other.port))
        s.listen()
        done = other.boxship("up", "--detach", "--listen", f"127.0.0.1:{other.port}", check=False)
    assert done.returncode == 1
    assert f"port {other.port} on 127.0.0.1 is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(pathlib.Path(other.data, "run").glob("server.pid")) == []


def test_up_without_root_is_refused_with_a_sentence(tmp_path):
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BOXSHIP, "up", "--data", str(tmp_path / "d")],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "root" in done.stderr and "sudo" in done.stderr


def test_quotas_are_set_at_start_kept_and_shown(tmp_path):
    other = Platform(tmp_path)

    def quota(name):
        return next(q for q in json.loads(other.boxship("quotas", "--json").stdout)["quotas"] if q["name"] == name)
    try:
        wrong = other.boxship("up", "--detach", "--quota", "ec2/vcps=1", check=False)
        assert wrong.returncode == 1 and "there is no quota 'ec2/vcps'" in wrong.stderr and "ec2/vpcs" in wrong.stderr
        other.up("--quota", "ec2/vpcs=1", "--quota", "L-407747CB=7")
        assert quota("ec2/vpcs") == {"name": "ec2/vpcs", "code": "L-F678F1CE", "title": "VPCs per Region", "value": 1, "default": 5, "askedBy": "CreateVpc"}
        assert quota("ec2/subnets-per-vpc")["value"] == 7
        with pytest.raises(ClientError, match="VpcLimitExceeded"):
            other.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        assert "ec2/vpcs" in other.boxship("quotas").stdout
        other.boxship("down")
        other.up("--quota", "ec2/subnets-per-vpc=default")
        assert (quota("ec2/vpcs")["value"], quota("ec2/subnets-per-vpc")["value"]) == (1, 200)
    finally:
        other.purge()


def test_platforms_that_start_at_once_have_ranges_of_their_own(tmp_path):
    both = [Platform(tmp_path / name) for name in ("one", "two")]
    try:
        starting = [subprocess.Popen([BOXSHIP, "up", "--detach", "--listen", f"127.0.0.1:{p.port}", "--data", p.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                    for p in both]
        for one in starting:
            said, _ = one.communicate(timeout=60)
            assert one.returncode == 0, said
        ranges = [p.status()["vpcCidr"] for p in both]
        assert ranges[0] != ranges[1]
        refused = subprocess.run([BOXSHIP, "up", "--detach", "--data", str(tmp_path / "three"), "--vpc-cidr", ranges[0]], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 1 and "which another boxship on this machine uses" in refused.stderr
    finally:
        for p in both:
            p.purge()
    for one in ranges:
        assert not pathlib.Path("/run/boxship/ranges", one.replace("/", "-")).exists()


def test_wrong_usage_is_two(platform):
    for words in (["frobnicate"], ["up", "--no-such-flag"], ["explain"], ["logs"], ["env", "--shell", "tcsh"]):
        done = subprocess.run([BOXSHIP, *words, *(["--data", platform.data] if words[0] != "frobnicate" else [])],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 2, (words, done)
        assert done.stderr.strip()


def test_every_command_explains_itself():
    overview = subprocess.run([BOXSHIP, "help"], capture_output=True, text=True, timeout=20)
    assert overview.returncode == 0
    for name in ("up", "down", "status", "env", "explain", "logs", "doctor", "server", "agent", "version"):
        assert name in overview.stdout
        done = subprocess.run([BOXSHIP, name, "--help"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and f"boxship {name}" in done.stdout
        assert all(len(line) <= 110 for line in done.stdout.splitlines())


def test_commands_without_a_platform_say_how_to_start_one(tmp_path):
    for name in (["status"], ["env"], ["explain", "0123456789ab"]):
        done = subprocess.run([BOXSHIP, *name, "--data", str(tmp_path / "none")], capture_output=True, text=True, timeout=20,
                              env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == 1
        assert "boxship up --detach" in done.stderr


def test_env_points_old_and_new_clients_here(platform):
    """Debian's CLI ignores AWS_ENDPOINT_URL: the shell function must pass it, and nothing may go elsewhere."""
    done = platform.shell("type -t aws; echo $AWS_ENDPOINT_URL; aws sts get-caller-identity --query Account --output text")
    assert done.returncode == 0, done.stderr
    kind, endpoint, account = done.stdout.split()
    assert kind == "function" and endpoint == platform.endpoint and account == "000000000000"


def test_no_packet_of_the_cli_leaves(platform):
    """In a network namespace with nothing but loopback, where a stand-in answers on the platform's port, the CLI is content."""
    script = f"""
ip link set lo up
python3 - <<'PY' &
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"clusterArns": ["only-here"]}}')
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", {platform.port}), Answer).handle_request()
PY
until ss -ltn | grep -q :{platform.port}; do kill -0 $!; done
eval "$({BOXSHIP} env --data {platform.data})"
aws ecs list-clusters --output text
"""
    done = subprocess.run(["unshare", "--net", "bash", "-eu", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "only-here" in done.stdout


def test_status_shows_the_fargate_host(platform):
    host = next(h for h in platform.status()["hosts"] if h["fargate"])
    assert host["connected"] and host["status"] == "ACTIVE"
    assert platform.endpoint in platform.boxship("status").stdout


def test_explain_tells_a_stopped_tasks_story(platform, busybox):
    platform.cluster()
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": ["sh", "-c", "exit 127"]}])
    identifier = task["taskArn"].rsplit("/", 1)[1]
    for name in (task["taskArn"], identifier, identifier[:12]):
        answer = json.loads(platform.boxship("explain", name, "--json").stdout)
        assert "Essential container in task exited" in answer["why"] and "127" in answer["why"]
    text = platform.boxship("explain", identifier).stdout
    assert "→ RUNNING" in text and "→ STOPPED" in text
    assert "not found" in text
    names = {phase["name"] for phase in answer["timings"]}
    assert names, "the launch's phases are missing"
    done = platform.boxship("explain", "f" * 32, check=False)
    assert done.returncode == 1 and "No task" in done.stderr


def test_logs_follow_until_the_end(platform, busybox):
    platform.cluster()
    arn = platform.run(platform.define([{"name": "c", "image": busybox, "command": [
        "sh", "-c", "for i in $(seq 5); do echo line $i; sleep 0.2; done; echo problem >&2"]}]))[0]
    platform.wait_status(arn, "RUNNING")
    done = platform.boxship("logs", f"{arn.rsplit('/', 1)[1]}/c", "-f", timeout=30)
    assert done.stdout.splitlines() == [f"line {i}" for i in range(1, 6)]
    assert done.stderr.splitlines() == ["problem"]
    tail = platform.boxship("logs", f"{arn.rsplit('/', 1)[1]}/c", "--tail", "2")
    assert (tail.stdout + tail.stderr).split("\n")[:2] == ["line 5", "problem"]


def test_doctor_finds_nothing_wrong(platform):
    assert platform.boxship("doctor").returncode == 0
    host = platform.boxship("doctor", "host")
    assert "cgroup" in host.stdout


def test_alarms_are_set_by_name_and_listed(platform):
    assert platform.boxship("alarm", "set", "too-many-errors", "ALARM", "--reason", "5xx above 1 %").stdout == "too-many-errors is ALARM\n"
    assert "ALARM  too-many-errors  5xx above 1 %" in platform.boxship("alarm").stdout
    assert json.loads(platform.boxship("alarm", "set", "too-many-errors", "OK", "--json").stdout) == {"name": "too-many-errors", "state": "OK"}
    wrong = platform.boxship("alarm", "set", "too-many-errors", "PERHAPS", check=False)
    assert wrong.returncode == 2 and "ALARM, or OK" in wrong.stderr


def test_secrets_are_for_their_owner_alone(platform):
    data = pathlib.Path(platform.data)
    assert data.stat().st_mode & 0o077 == 0
    for path in [data / "credentials.json", data / "server.key", data / "journal.db", *(data / "hosts").glob("*.json")]:
        assert path.stat().st_mode & 0o077 == 0, path
    secret = json.loads((data / "credentials.json").read_text())["secretAccessKey"]
    for log in (data / "log").glob("*.log"):
        assert secret not in log.read_text(errors="replace")


def test_down_keeps_tasks_when_asked_and_purge_leaves_nothing(tmp_path, platform):
    """A second platform beside the first: they share the host and not a thing more."""
    before = leaks.snapshot()
    other = Platform(tmp_path)
    try:
        other.up()
        from harness import images
        image = images.push_busybox(other, tmp_path)
        other.cluster()
        arn = other.run(other.define([{"name": "c", "image": image, "command": ["sleep", "300"]}]))[0]
        runtime_id = other.wait_status(arn, "RUNNING")["containers"][0]["runtimeId"]
        other.boxship("down", "--keep-tasks")
        assert other.boxship("status", check=False).returncode == 1
        other.up()
        other.wait_ready()
        task = other.wait_status(arn, "RUNNING")
        assert task["containers"][0]["runtimeId"] == runtime_id
        other.boxship("down")
        other.up()
        other.wait_ready()
        assert other.describe(arn)["lastStatus"] == "STOPPED"
    finally:
        marks = other.marks()
        other.purge()
    assert not os.path.exists(other.data)
    assert leaks.difference(before, marks) == []
    assert platform.status()["hosts"], "the first platform was touched"


def test_down_waits_for_a_server_that_has_just_died(tmp_path):
    other = Platform(tmp_path)
    try:
        other.up()
        os.kill(other.pid("server"), signal.SIGKILL)
        done = other.boxship("down", "--purge")
        assert done.stdout == "boxship is down\n" and done.stderr == ""
        assert not os.path.exists(other.data)
    finally:
        other.purge()


def test_explain_tells_who_asked_why_there_and_the_last_words(platform, busybox):
    platform.cluster()
    stopped = platform.run_to_end([{"name": "c", "image": busybox, "command": ["sh", "-c", "echo first; echo last >&2; exit 3"]}])

    def told():
        answer = json.loads(platform.boxship("explain", stopped["taskArn"], "--json").stdout)
        return answer if answer["lastLines"] else None
    answer = wait_for(told, "the last lines to be in the history")
    events = [event["text"] for event in answer["events"]]
    assert events[0].startswith("asked for by arn:aws:iam::000000000000:root from 127.0.0.1, request ")
    assert events[1] == "placed on fargate"
    assert any("STOPPED" in event and "EssentialContainerExited" in event for event in events)
    assert [(line["stream"], line["text"]) for line in answer["lastLines"]] == [("stdout", "first"), ("stderr", "last")]
    page = platform.boxship("explain", stopped["taskArn"]).stdout
    assert "Its last lines" in page and "exit code 3" in page


def test_explain_counts_the_kills_for_want_of_memory(platform, busybox):
    platform.cluster()
    # Two children outgrow the limit one after the other; the shell survives both.
    hungry = "for i in 1 2; do (head -c 200m /dev/zero | tail >/dev/null); done; exit 4"
    stopped = platform.run_to_end([{"name": "c", "image": busybox, "memory": 64, "command": ["sh", "-c", hungry]}])
    assert stopped["containers"][0]["exitCode"] == 4

    def told():
        answer = json.loads(platform.boxship("explain", stopped["taskArn"], "--json").stdout)
        return answer if answer["oomKills"] else None
    assert wait_for(told, "the kills to be in the history")["oomKills"] == {"c": 2}
    assert "killed 2 of the processes of c" in platform.boxship("explain", stopped["taskArn"]).stdout
