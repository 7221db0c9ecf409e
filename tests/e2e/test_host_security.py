"""What a container may do to its host and to its neighbours: not more than Docker's may, and nothing to the neighbours."""

import json
import os
import pathlib
import re
import stat
import subprocess

import pytest

from harness import images
from harness.platform import wait_for

# Everything about a process that decides what it may do. Names of mounts only: where they come from differs.
LOOK = r"""
grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status
cat /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj
echo DEV; cd /dev; for f in *; do stat -c '%n %F %t %T %a' $f; done
echo MOUNTS; awk '$5 ~ "^/(proc|sys|dev)" {print $5, $6}' /proc/self/mountinfo
echo WRITE; for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/vm/swappiness /sys/kernel/mm/transparent_hugepage/enabled; do
    if [ -e $f ] && (: >> $f) 2>/dev/null; then echo writable $f; fi; done
echo READ; for f in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /sys/firmware/dmi; do
    if [ -e $f ]; then echo $f $(head -c 1 $f 2>/dev/null | wc -c) $(ls $f 2>/dev/null | wc -l); fi; done
"""


@pytest.fixture(autouse=True)
def cluster(platform):
    platform.cluster()


def sections(text):
    parts = re.split(r"^(DEV|MOUNTS|WRITE|READ)$", text, flags=re.M)
    return {"STATUS": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def lines(text):
    return {line.strip() for line in text.splitlines() if line.strip()}


def options_of(text):
    """Mount point → read-only, nosuid, nodev, noexec."""
    found = {}
    for line in lines(text):
        point, flags = line.split()
        found[point] = {flag for flag in flags.split(",") if flag in ("ro", "nosuid", "nodev", "noexec")}
    return found


def test_containers_may_do_what_dockers_may_and_no_more(platform, busybox, dockerd, tmp_path):
    layout = images.make_busybox(tmp_path / "image")
    subprocess.run(["skopeo", "copy", "--quiet", layout, f"docker-archive:{tmp_path}/image.tar:look:1"], check=True, timeout=60)
    subprocess.run(["docker", "load", "-q", "-i", f"{tmp_path}/image.tar"], env=dockerd, check=True, capture_output=True)
    docker = subprocess.run(["docker", "run", "--rm", "--network=none", "look:1", "sh", "-c", LOOK], env=dockerd, capture_output=True,
                            text=True, timeout=60)
    if docker.returncode != 0:
        pytest.skip("docker runs no container here: " + docker.stderr[-300:])
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": ["sh", "-c", LOOK]}])
    theirs, ours = sections(docker.stdout), sections(platform.logs(task["taskArn"] + "/c"))
    assert lines(ours["STATUS"]) == lines(theirs["STATUS"])
    assert "Seccomp:\t2" in ours["STATUS"]

    def devices(text):
        return {line for line in lines(text) if "symbolic link" not in line}
    assert devices(ours["DEV"]) == devices(theirs["DEV"])
    assert lines(ours["WRITE"]) - lines(theirs["WRITE"]) == set()
    assert lines(ours["READ"]) - lines(theirs["READ"]) == set()
    mine, docks = options_of(ours["MOUNTS"]), options_of(theirs["MOUNTS"])
    missing = {point for point in docks if point not in mine and not point.startswith("/sys/fs/cgroup")}
    assert missing == set(), "masked or read-only at Docker's only"
    # crun makes what lies in /proc read-only and nothing more; there are no programs and no devices in it.
    weaker = {point: lost for point in docks if point in mine
              if (lost := docks[point] - mine[point] - ({"nosuid", "nodev", "noexec"} if point.startswith("/proc/") else set()))}
    assert weaker == {}, "protected more strictly by Docker"


def test_no_new_privileges_is_obeyed(platform, busybox):
    task = platform.run_to_end([{"name": "c", "image": busybox, "command": ["grep", "NoNewPrivs", "/proc/self/status"]}])
    assert platform.logs(task["taskArn"] + "/c").split() == ["NoNewPrivs:", "0"]


# --- neighbours

@pytest.fixture(scope="module")
def forger(platform, tmp_path_factory):
    directory = tmp_path_factory.mktemp("forger")
    program = directory / "forge"
    subprocess.run(["cc", "-static", "-O1", "-o", str(program), str(pathlib.Path(__file__).parent / "harness/forge.c")], check=True)
    return images.push(platform, images.make_busybox(directory / "image", "1", "--file", f"{program}:/forge:755"), "test/forger:1", directory)


def start(platform, image, script, **more):
    arn = platform.run(platform.define([{"name": "c", "image": image, "stopTimeout": 1, "command": ["sh", "-c", script]}], **more))[0]
    return platform.wait_status(arn, "RUNNING")


def end(platform, *tasks):
    for task in tasks:
        platform.stop(task["taskArn"])


def test_credentials_and_metadata_of_one_task_are_not_another_ones(platform, busybox):
    role = "arn:aws:iam::000000000000:role/app"
    victim = start(platform, busybox, "echo $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI $ECS_CONTAINER_METADATA_URI_V4; "
                                      "wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; echo; sleep 1000", taskRoleArn=role)
    told = wait_for(lambda: (t := platform.logs(victim["taskArn"] + "/c")).count("\n") >= 2 and t, "the victim to tell its secret").splitlines()
    credentials, metadata = told[0].split()
    keys = json.loads(told[1])
    assert keys["RoleArn"] == role
    address = platform.address(victim)
    curious = platform.run_to_end([{"name": "c", "image": busybox, "command": ["sh", "-c", f"""
        wget -qO- http://169.254.170.2{credentials}; echo
        wget -qO- {metadata}/task; echo
        wget -T 2 -qO- --header 'Host: 169.254.170.2' http://{address}{credentials}; echo
        wget -T 2 -qO- http://169.254.1.1{credentials}; echo
        exit 0"""]}], taskRoleArn=role)
    found = platform.logs(curious["taskArn"] + "/c")
    assert keys["SecretAccessKey"] not in found and keys["AccessKeyId"] not in found
    assert victim["taskArn"] not in found
    end(platform, victim)


def test_addresses_cannot_be_forged(platform, forger):
    """NET_RAW is among a container's capabilities, as at Docker's: what it sends may be anything."""
    hearer = start(platform, forger, "exec /forge hear 9999")
    neighbour = start(platform, forger, "sleep 1000")
    to, honest = platform.address(hearer), platform.address(neighbour)
    liar = platform.run_to_end([{"name": "c", "image": forger, "command": ["sh", "-c", f"""
        own=$(ip -4 addr show eth0 | awk '/inet/ {{sub("/.*", "", $2); print $2}}')
        for i in 1 2 3; do /forge ip {honest} {to} 9999 "forged
"; /forge ip 8.8.8.8 {to} 9999 "forged
"; /forge ip 169.254.170.2 {to} 9999 "forged
"; done
        /forge ip $own {to} 9999 "honest
" """]}])
    assert liar["containers"][0]["exitCode"] == 0, platform.logs(liar["taskArn"] + "/c")
    heard = wait_for(lambda: "honest" in (t := platform.logs(hearer["taskArn"] + "/c")) and t, "the honest datagram, the last of all")
    assert "forged" not in heard
    end(platform, hearer, neighbour)


def test_a_neighbours_address_cannot_be_claimed(platform, forger):
    victim = start(platform, forger, "mkdir -p /w; echo the victim > /w/index.html; httpd -f -p 80 -h /w")
    address = platform.address(victim)
    liar = start(platform, forger, f"mkdir -p /w; echo the liar > /w/index.html; ip addr add {address}/32 dev eth0 || echo refused; "
                                   f"/forge arp {address} && echo claimed; httpd -f -p 80 -h /w")
    wait_for(lambda: "claimed" in platform.logs(liar["taskArn"] + "/c"), "the liar to lie")
    assert "refused" in platform.logs(liar["taskArn"] + "/c"), "a container has no right to change its interface"
    asker = platform.run_to_end([{"name": "c", "image": forger, "command": ["sh", "-c", f"for i in 1 2 3; do wget -qO- http://{address}/; done"]}])
    assert platform.logs(asker["taskArn"] + "/c").splitlines() == ["the victim"] * 3
    by_host = subprocess.run(["curl", "-s", "--max-time", "5", f"http://{address}/"], capture_output=True, text=True).stdout
    assert by_host == "the victim\n"
    end(platform, victim, liar)


# --- files

def test_files_with_secrets_are_roots_alone(platform, busybox):
    """Whatever file holds a key, a token or a container's environment: nobody but its owner can reach and read it."""
    marker = "hush-" + os.urandom(8).hex()
    task = start(platform, busybox, f"echo $MARKER > /dev/null; wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; echo; "
                                    f": {marker}; sleep 1000", taskRoleArn="arn:aws:iam::000000000000:role/app")
    keys = json.loads(wait_for(lambda: platform.logs(task["taskArn"] + "/c"), "the task to tell its secret"))
    key_file = pathlib.Path(platform.data, "server.key").read_bytes()
    secrets = {"the environment": marker, "root's key": platform.env()["AWS_SECRET_ACCESS_KEY"], "the role's key": keys["SecretAccessKey"]}
    data, short_id = platform.marks()
    open_files, holders = [], set()
    for root in (data, f"/run/boxship/{short_id}"):
        for path, directories, names in os.walk(root):
            directories[:] = [d for d in directories if d not in ("rootfs", "l", "layers", "blobs", "netns", "router")]
            for name in names:
                file = os.path.join(path, name)
                if not stat.S_ISREG(os.lstat(file).st_mode) or os.path.ismount(file):
                    continue
                content = pathlib.Path(file).read_bytes()
                held = [what for what, secret in secrets.items() if secret.encode() in content]
                if content == key_file:
                    held.append("the server's key")
                if held:
                    holders.add(name)
                    if readable_by_others(file):
                        open_files.append((file, held))
    assert open_files == []
    assert {"server.key", "config.json", "credentials.json"} <= holders, "the test finds what it looks for"
    end(platform, task)


def readable_by_others(file):
    """Readable, and every directory on the way can be passed through (the temporary directory of the tests itself does not count)."""
    if not os.stat(file).st_mode & 0o044:
        return False
    parts = pathlib.Path(file).parents
    return all(os.stat(p).st_mode & 0o011 for p in parts if "boxship" in str(p) or "data" in p.parts)
