"""Load balancing: requests a second and p99 through our load balancer, beside the same HAProxy configured by hand and nginx, before
the same two tasks. wrk with 32 keep-alive connections; all take turns, so that the machine's noise falls on all. And how long a
task that is RUNNING waits for its first request.
"""

import contextlib
import http.client
import pathlib
import re
import subprocess
import time

import peers
from harness import images
from harness.platform import Platform, free_port, wait_for
from measure import limit, median, progress, row

ROUNDS = 7
SECONDS = 4
CONNECTIONS = 32

HAPROXY = """global
    stats socket {directory}/hand.sock
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    option forwardfor
    http-reuse safe
frontend web
    bind 127.0.0.1:{port}
    default_backend tasks
backend tasks
    balance roundrobin
    option httpchk GET /health
{servers}
"""

NGINX = """
    upstream tasks {{ {servers} keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://tasks;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
"""


def answers(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


@contextlib.contextmanager
def running(argv, port):
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port), f"{argv[0]} to answer", 20)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def wrk(port):
    """Requests a second, p99 in milliseconds."""
    text = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", f"http://127.0.0.1:{port}/health"],
                          check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"failed requests: {text}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def first_request(platform, elb, group, definition, port, times=15):
    """Milliseconds from RUNNING, as DescribeTasks tells it, to the first request that the new task answers, one task at a time."""
    waits = []
    for _ in range(times):
        task = platform.run(definition)[0]
        address = platform.address(platform.wait_status(task, "RUNNING"))
        begun = time.perf_counter()
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": address}])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        while True:
            connection.request("GET", "/json")
            if task in connection.getresponse().read().decode():
                break
            time.sleep(0.001)
        waits.append((time.perf_counter() - begun) * 1000)
        elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": address}])
        platform.stop(task)
    return waits


def run(directory):
    platform = Platform(directory)
    platform.up()
    try:
        platform.cluster()
        hello = images.push_hello(platform, directory)
        definition = platform.define([{"name": "hello", "image": hello, "portMappings": [{"containerPort": 80}]}])
        tasks = platform.run(definition, count=2)
        addresses = [platform.address(platform.wait_status(task, "RUNNING")) for task in tasks]
        elb, subnets = platform.client("elbv2"), platform.client("ec2").describe_subnets()["Subnets"]
        balancer = elb.create_load_balancer(Name="bench", Subnets=[s["SubnetId"] for s in subnets])["LoadBalancers"][0]["LoadBalancerArn"]
        group = elb.create_target_group(Name="bench", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"], TargetType="ip",
                                        HealthCheckPath="/health")["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": address} for address in addresses])
        ours, hand, nginx = free_port(), free_port(), free_port()
        elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=ours, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        wait_for(lambda: all(t["TargetHealth"]["State"] == "healthy"
                             for t in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]), "healthy targets")
        servers = "\n".join(f"    server s{i} {address}:80 check" for i, address in enumerate(addresses))
        pathlib.Path(directory, "hand.cfg").write_text(HAPROXY.format(directory=directory, port=hand, servers=servers))
        nginx_command = peers.nginx_command(directory, NGINX.format(port=nginx, servers=" ".join(f"server {address}:80;" for address in addresses)))
        figures = {"ours": [], "hand": [], "nginx": []}
        with running(["haproxy", "-db", "-f", f"{directory}/hand.cfg"], hand), \
                running(nginx_command, nginx):
            for port in (ours, hand, nginx):
                wrk(port)
            for i in range(ROUNDS):
                progress(f"round {i + 1} of {ROUNDS}")
                for name, port in (("ours", ours), ("hand", hand), ("nginx", nginx)):
                    figures[name].append(wrk(port))
        rates = {name: median([rate for rate, _ in values]) for name, values in figures.items()}
        p99 = {name: median([p for _, p in values]) for name, values in figures.items()}
        # Neighbours in time are compared with each other: the machine's mood changes slower than a round.
        ratio = median([mine[0] / theirs[0] for mine, theirs in zip(figures["ours"], figures["hand"])])
        waits = first_request(platform, elb, group, definition, ours)
        elb.delete_load_balancer(LoadBalancerArn=balancer)
        for task in tasks:
            platform.stop(task)
        what = f"{CONNECTIONS} keep-alive connections, two tasks"
        return [
            row("ALB requests/s", "1/s", rates["ours"], rates["hand"], 0.98, f"{what}; peer: the same HAProxy by hand", True, ratio),
            row("ALB requests/s", "1/s", rates["ours"], rates["nginx"], None, f"{what}; peer: nginx", True),
            row("ALB p99", "ms", p99["ours"], p99["hand"], None, f"{what}; peer: the same HAProxy by hand"),
            row("ALB p99", "ms", p99["ours"], p99["nginx"], None, f"{what}; peer: nginx"),
            limit("RUNNING to first request", "ms", median(waits), 100, f"registered when RUNNING, p50 of {len(waits)}"),
        ]
    finally:
        platform.purge()
