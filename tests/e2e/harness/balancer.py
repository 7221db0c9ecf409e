"""A load balancer under test, and plain requests to it."""

import http.client
import pathlib
import re
import subprocess
import uuid

from harness.platform import wait_for


class Front:
    """A load balancer with what a test hangs on it; deleted with everything at the end."""

    def __init__(self, elb, network, **more):
        self.elb, self.network = elb, network
        self.name = "t" + uuid.uuid4().hex[:8]
        made = elb.create_load_balancer(Name=self.name, Subnets=network["subnets"], **more)["LoadBalancers"][0]
        self.arn, self.dns = made["LoadBalancerArn"], made["DNSName"]
        self.groups = []

    def group(self, targets=(), **more):
        settings = {"Protocol": "HTTP", "Port": 80, "TargetType": "ip", "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
                    "HealthyThresholdCount": 2, **more}
        arn = self.elb.create_target_group(Name="g" + uuid.uuid4().hex[:8], VpcId=self.network["vpc"], **settings)["TargetGroups"][0]["TargetGroupArn"]
        self.groups.append(arn)
        self.register(arn, *targets)
        return arn

    def register(self, group, *targets):
        if targets:
            self.elb.register_targets(TargetGroupArn=group, Targets=[t if isinstance(t, dict) else {"Id": t} for t in targets])

    def deregister(self, group, *targets):
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[t if isinstance(t, dict) else {"Id": t} for t in targets])

    def listen(self, port, *actions, **more):
        actions = [{"Type": "forward", "TargetGroupArn": a} if isinstance(a, str) else a for a in actions]
        listener = self.elb.create_listener(LoadBalancerArn=self.arn, Port=port, DefaultActions=actions, **{"Protocol": "HTTP", **more})
        return listener["Listeners"][0]["ListenerArn"]

    def rule(self, listener, priority, action, **condition):
        action = {"Type": "forward", "TargetGroupArn": action} if isinstance(action, str) else action
        return self.elb.create_rule(ListenerArn=listener, Priority=priority, Conditions=[condition], Actions=[action])["Rules"][0]["RuleArn"]

    def health(self, group):
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {d["Target"]["Id"]: d["TargetHealth"]["State"] for d in found}

    def wait_healthy(self, group, count, timeout=30):
        wait_for(lambda: list(self.health(group).values()).count("healthy") >= count, f"{count} healthy targets, of {self.health(group)}", timeout)

    def describe(self):
        return self.elb.describe_load_balancers(LoadBalancerArns=[self.arn])["LoadBalancers"][0]

    def wait_active(self):
        self.elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[self.arn], WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def delete(self):
        self.elb.delete_load_balancer(LoadBalancerArn=self.arn)
        self.elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[self.arn], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        for group in self.groups:
            self.elb.delete_target_group(TargetGroupArn=group)


def ask(port, path="/json", host=None, method="GET", headers=(), address="127.0.0.1"):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request(method, path, headers={**({"Host": host} if host else {}), **dict(headers)})
    answer = connection.getresponse()
    answer.text = answer.read().decode(errors="replace")
    connection.close()
    return answer


def wait_answer(port, wanted=200, **more):
    def answered():
        try:
            answer = ask(port, **more)
        except OSError:
            return None
        return answer if answer.status == wanted else None
    return wait_for(answered, f"port {port} to answer {wanted}")


def haproxies(platform):
    """The pids of the platform's HAProxy processes that live, oldest generation first."""
    found = {}
    for file in pathlib.Path("/run/boxship", platform.marks()[1], "balancer").glob("generation-*.pid"):
        try:
            pid, start = file.read_text().split()
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, ValueError):
            continue
        if fields[0] != "Z" and fields[19] == start:
            found[int(re.search(r"generation-(\d+)", file.name)[1])] = int(pid)
    return [found[number] for number in sorted(found)]


def fixed(status, body):
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": str(status), "MessageBody": body, "ContentType": "text/plain"}}


class Authority:
    """Makes certificates; `path` is its own."""

    def __init__(self, directory):
        self.directory, self.path = directory, str(directory / "ca.pem")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.directory)

    def issue(self, name):
        """A new certificate for a name, as ACM takes it."""
        file = uuid.uuid4().hex
        (self.directory / "ext").write_text(f"subjectAltName=DNS:{name}\n")
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{file}.key", "-out", f"{file}.csr", "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", f"{file}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{file}.pem", "-days", "2",
                      "-extfile", "ext")
        return {"Certificate": (self.directory / f"{file}.pem").read_bytes(), "PrivateKey": (self.directory / f"{file}.key").read_bytes()}
