"""Tasks and security groups of one test."""

import uuid

from harness.platform import wait_for


class Ground:
    """Groups and tasks of one test, gone at its end."""

    def __init__(self, platform, images):
        self.platform, self.ec2, self.images = platform, platform.client("ec2"), images
        self.groups, self.tasks = [], []

    def group(self, vpc, *ingress):
        made = self.ec2.create_security_group(GroupName="g" + uuid.uuid4().hex[:8], Description="of a test", VpcId=vpc["VpcId"])["GroupId"]
        self.groups.append(made)
        if ingress:
            self.allow(made, *ingress)
        return made

    def allow(self, group, *permissions):
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions))

    def forbid(self, group, *permissions):
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=list(permissions))

    def run(self, container, **more):
        arn = self.platform.run(self.platform.define([{"name": "c", "stopTimeout": 2, **container}]), **more)[0]
        self.tasks.append(arn)
        return arn

    def serve(self, **more):
        """A task that answers on port 80: ARN and address."""
        arn = self.run({"image": self.images["hello"]}, **more)
        return arn, self.platform.address(self.platform.wait_status(arn, "RUNNING"))

    def probe(self, urls, **more):
        """A task that tries named addresses again and again."""
        tries = "; ".join(f"if timeout 1 wget -q -O /dev/null {url}; then echo {name} yes; else echo {name} no; fi" for name, url in urls.items())
        arn = self.run({"image": self.images["busybox"], "command": ["sh", "-c", f"while :; do {tries}; sleep 0.1; done"]}, **more)
        self.platform.wait_status(arn, "RUNNING")
        return arn

    def finds(self, probe, name, word):
        """Waits until a probe has found the same twice, beginning now."""
        seen = []

        def twice():
            lines = [line for line in self.platform.logs(f"{probe}/c", "--tail", "60").splitlines() if line.startswith(name + " ")]
            seen[:] = lines[-2:]
            return seen == [f"{name} {word}"] * 2
        wait_for(twice, lambda: f"{name} to be {word}; it was {seen}", 20)

    def remove(self):
        for arn in self.tasks:
            self.platform.client("ecs").stop_task(cluster="default", task=arn)
        for arn in self.tasks:
            self.platform.wait_status(arn, "STOPPED")
        # Rules that name other groups hold those.
        for group in self.groups:
            rules = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
            for egress, revoke in ((False, self.ec2.revoke_security_group_ingress), (True, self.ec2.revoke_security_group_egress)):
                ids = [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] == egress]
                if ids:
                    revoke(GroupId=group, SecurityGroupRuleIds=ids)
        for group in self.groups:
            held = [{"Name": "group-id", "Values": [group]}]
            wait_for(lambda: not self.ec2.describe_network_interfaces(Filters=held)["NetworkInterfaces"], f"the interfaces of {group} to be gone")
            self.ec2.delete_security_group(GroupId=group)


def tcp(port, cidr=None, group=None):
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    if cidr:
        permission["IpRanges"] = [{"CidrIp": cidr}]
    if group:
        permission["UserIdGroupPairs"] = [{"GroupId": group}]
    return permission
