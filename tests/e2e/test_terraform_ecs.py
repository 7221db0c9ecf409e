"""Terraform's clusters, task definitions, services and repositories."""

import json

import pytest

from harness.platform import free_port, wait_for
from harness.terraform import clients, code_of, name, network, only, security_group  # noqa: F401
from test_terraform_balancer import balancer, target_group  # noqa: F401


def test_clusters_and_task_definitions(clients):
    ecs = clients["ecs"]
    called = name()
    ecs.create_cluster(clusterName=called, settings=[{"name": "containerInsights", "value": "enabled"}], tags=[{"key": "env", "value": "test"}],
                       configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}})
    read = only(ecs.describe_clusters(clusters=[called], include=["CONFIGURATIONS", "SETTINGS", "TAGS"])["clusters"])
    assert read["status"] == "ACTIVE" and read["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert read["tags"] == [{"key": "env", "value": "test"}] and read["configuration"] == {"executeCommandConfiguration": {"logging": "DEFAULT"}}
    strategy = [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]
    ecs.put_cluster_capacity_providers(cluster=called, capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy)
    read = only(ecs.describe_clusters(clusters=[called], include=["CONFIGURATIONS", "SETTINGS", "TAGS"])["clusters"])
    assert sorted(read["capacityProviders"]) == ["FARGATE", "FARGATE_SPOT"] and read["defaultCapacityProviderStrategy"] == strategy
    # aws_ecs_cluster_capacity_providers is destroyed by empty lists.
    ecs.put_cluster_capacity_providers(cluster=called, capacityProviders=[], defaultCapacityProviderStrategy=[])
    logs = {"executeCommandConfiguration": {"logging": "OVERRIDE", "logConfiguration": {
        "cloudWatchLogGroupName": "g", "cloudWatchEncryptionEnabled": False, "s3EncryptionEnabled": False}}}
    ecs.update_cluster(cluster=called, settings=[{"name": "containerInsights", "value": "enhanced"}], configuration=logs)
    read = only(ecs.describe_clusters(clusters=[called], include=["CONFIGURATIONS", "SETTINGS", "TAGS"])["clusters"])
    assert (read["capacityProviders"], read["configuration"], read["settings"][0]["value"]) == ([], logs, "enhanced")
    ecs.delete_cluster(cluster=called)
    assert only(ecs.describe_clusters(clusters=[called])["clusters"])["status"] == "INACTIVE"

    containers = [{"name": "web", "image": "web:1", "cpu": 10, "memory": 128, "essential": True, "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                   "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "mountPoints": [{"sourceVolume": "v", "containerPath": "/v", "readOnly": True}],
                   "volumesFrom": [], "systemControls": [], "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}],
                   "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 30, "retries": 3, "timeout": 5}, "dependsOn": [], "command": ["a", "b"]}]
    family = name()
    made = ecs.register_task_definition(family=family, containerDefinitions=containers, cpu="256", memory="512", networkMode="awsvpc",
                                        requiresCompatibilities=["FARGATE"], volumes=[{"name": "v"}], tags=[{"key": "k", "value": "v"}],
                                        runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"})["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"], include=["TAGS"])
    assert found["tags"] == [{"key": "k", "value": "v"}] and found["taskDefinition"]["volumes"][0]["name"] == "v"
    assert found["taskDefinition"]["runtimePlatform"] == {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"}
    read = only(found["taskDefinition"]["containerDefinitions"])
    sent = containers[0]
    assert {k: read[k] for k in sent if k != "environment" and sent[k] != []} == {k: v for k, v in sent.items() if k != "environment" and v != []}
    assert sorted(json.dumps(e) for e in read["environment"]) == sorted(json.dumps(e) for e in sent["environment"])
    ecs.deregister_task_definition(taskDefinition=made["taskDefinitionArn"])
    assert ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"])["taskDefinition"]["status"] == "INACTIVE"


def test_a_service_behind_a_load_balancer(platform, clients, hello, network, balancer):
    ecs, elb, ec2 = clients["ecs"], clients["elbv2"], clients["ec2"]
    cluster, called = name(), name()
    arn = ecs.create_cluster(clusterName=cluster)["cluster"]["clusterArn"]
    group = target_group(elb, network["vpc"])
    definition = ecs.register_task_definition(family=name(), cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], containerDefinitions=[
        {"name": "web", "image": hello, "portMappings": [{"containerPort": 80}]}])["taskDefinition"]["taskDefinitionArn"]
    tasks_group = security_group(ec2, network["vpc"], [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    sent = dict(
        cluster=arn, serviceName=called, clientToken="terraform-" + name(), availabilityZoneRebalancing="ENABLED", taskDefinition=definition, desiredCount=1, schedulingStrategy="REPLICA", launchType="FARGATE", platformVersion="LATEST",
        enableECSManagedTags=True, enableExecuteCommand=False, healthCheckGracePeriodSeconds=10, propagateTags="SERVICE",
        deploymentController={"type": "ECS"}, tags=[{"key": "env", "value": "test"}],
        deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
        networkConfiguration={"awsvpcConfiguration": {"subnets": network["subnets"], "securityGroups": [tasks_group], "assignPublicIp": "DISABLED"}})
    # The group is no load balancer's yet: the provider waits for this very sentence to end.
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="does not have an associated load balancer"):
        ecs.create_service(**sent)
    elb.create_listener(LoadBalancerArn=balancer["arn"], Port=free_port(), Protocol="HTTP", DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    ecs.create_service(**sent)

    def read():
        return only(ecs.describe_services(cluster=arn, services=[called], include=["TAGS"])["services"])

    def live():
        """As the provider waits: the primary deployment is complete, and the only one."""
        now = read()
        primary = next(d for d in now["deployments"] if d["status"] == "PRIMARY")
        assert primary["id"].startswith("ecs-svc/") and primary["failedTasks"] == 0
        revision = primary["id"].split("/")[1]
        deployments = ecs.list_service_deployments(cluster=arn, service=called)["serviceDeployments"]
        assert any(revision in d["targetServiceRevisionArn"] for d in deployments)
        return len(now["deployments"]) == 1 and primary["rolloutState"] == "COMPLETED" and now["runningCount"] == now["desiredCount"]
    wait_for(live, "the service to be live", 60)
    service = read()
    for member in ("availabilityZoneRebalancing", "taskDefinition", "desiredCount", "schedulingStrategy", "launchType", "platformVersion", "enableECSManagedTags", "enableExecuteCommand",
                   "healthCheckGracePeriodSeconds", "propagateTags", "deploymentController", "tags", "loadBalancers", "networkConfiguration"):
        assert service[member] == sent[member], member
    for member, value in sent["deploymentConfiguration"].items():
        assert service["deploymentConfiguration"][member] == value, member
    assert service["placementConstraints"] == [] and service["placementStrategy"] == [] and service["serviceRegistries"] == []

    ecs.update_service(cluster=arn, service=called, desiredCount=2, forceNewDeployment=False)
    wait_for(live, "both tasks to be live", 60)
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="The service cannot be stopped while it is scaled above 0."):
        ecs.delete_service(cluster=arn, service=called, force=False)
    # Destroyed: scaled to zero first, then deleted; INACTIVE means gone.
    ecs.update_service(cluster=arn, service=called, desiredCount=0)
    ecs.delete_service(cluster=arn, service=called, force=False)
    wait_for(lambda: read()["status"] == "INACTIVE", "the service to be gone", 60)
    ecs.deregister_task_definition(taskDefinition=definition)
    wait_for(lambda: only(ecs.describe_clusters(clusters=[arn])["clusters"])["runningTasksCount"] == 0, "the tasks to be gone")
    ecs.delete_cluster(cluster=arn)
    for listener in elb.describe_listeners(LoadBalancerArn=balancer["arn"])["Listeners"]:
        elb.delete_listener(ListenerArn=listener["ListenerArn"])
    elb.delete_target_group(TargetGroupArn=group)
    wait_for(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [tasks_group]}])["NetworkInterfaces"], "the tasks' interfaces to be gone")
    ec2.delete_security_group(GroupId=tasks_group)


def reduced(definitions):
    """Container definitions as the provider compares them (of network mode awsvpc): in an order, with AWS's defaults, without what is empty."""
    made = []
    for definition in sorted(definitions, key=lambda d: d["name"]):
        one = {"essential": True, "cpu": 0, **{k: v for k, v in definition.items() if v != []}}
        if "environment" in one:
            one["environment"] = sorted(one["environment"], key=lambda e: e["name"])
        if "healthCheck" in one:
            one["healthCheck"] = {"interval": 30, "retries": 3, "timeout": 5, **one["healthCheck"]}
        if "portMappings" in one:
            one["portMappings"] = [{"hostPort": m["containerPort"], **{k: v for k, v in m.items() if (k, v) not in (("protocol", "tcp"), ("hostPort", 0))}}
                                   for m in one["portMappings"]]
        made.append(one)
    return made


@pytest.mark.parametrize("containers", [
    [{"name": "a", "image": "x:1"}],
    [{"name": "b", "image": "x:1", "essential": False, "environment": [], "mountPoints": [], "portMappings": [], "volumesFrom": [], "systemControls": []},
     {"name": "a", "image": "x:1", "cpu": 64, "memoryReservation": 64, "dependsOn": [{"containerName": "b", "condition": "START"}]}],
    [{"name": "a", "image": "x:1", "healthCheck": {"command": ["CMD-SHELL", "true"]}, "portMappings": [{"containerPort": 80}, {"containerPort": 81, "protocol": "udp"}]}],
    [{"name": "a", "image": "x:1", "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
      "environment": [{"name": "Z", "value": ""}, {"name": "A", "value": "1"}], "restartPolicy": {"enabled": True, "ignoredExitCodes": [1], "restartAttemptPeriod": 60},
      "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}},
      "linuxParameters": {"initProcessEnabled": True}, "readonlyRootFilesystem": True, "user": "1:1", "workingDirectory": "/w", "stopTimeout": 5,
      "entryPoint": ["/e"], "command": ["a"], "dockerLabels": {"a": "b"}, "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}],
      "versionConsistency": "disabled", "interactive": False, "pseudoTerminal": True, "privileged": False}],
], ids=["the least", "two", "defaults", "much"])
def test_container_definitions_come_back_equivalent(clients, containers):
    ecs = clients["ecs"]
    sent = dict(cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], ephemeralStorage={"sizeInGiB": 25},
                executionRoleArn="arn:aws:iam::000000000000:role/x", taskRoleArn="arn:aws:iam::000000000000:role/y")
    made = ecs.register_task_definition(family=name(), containerDefinitions=containers, enableFaultInjection=False, **sent)["taskDefinition"]
    read = ecs.describe_task_definition(taskDefinition=made["taskDefinitionArn"], include=["TAGS"])["taskDefinition"]
    assert reduced(read["containerDefinitions"]) == reduced(containers)
    assert {k: read[k] for k in sent} == sent
    assert read["volumes"] == [] and read["placementConstraints"] == [] and not read.get("enableFaultInjection") and "runtimePlatform" not in read
    ecs.deregister_task_definition(taskDefinition=made["taskDefinitionArn"])


def test_repositories(clients):
    """aws_ecr_repository, aws_ecr_lifecycle_policy, aws_ecr_repository_policy."""
    ecr, called = clients["ecr"], name()
    made = ecr.create_repository(repositoryName=called, imageTagMutability="MUTABLE", encryptionConfiguration={"encryptionType": "AES256"},
                                 imageScanningConfiguration={"scanOnPush": True}, tags=[{"Key": "env", "Value": "test"}])["repository"]
    read = only(ecr.describe_repositories(repositoryNames=[called])["repositories"])
    assert read == made and read["imageScanningConfiguration"] == {"scanOnPush": True} and read["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "env", "Value": "test"}]
    registry = made["registryId"]
    filters = [{"filterType": "WILDCARD", "filter": "latest*"}]
    ecr.put_image_tag_mutability(repositoryName=called, registryId=registry, imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=filters)
    ecr.put_image_scanning_configuration(repositoryName=called, registryId=registry, imageScanningConfiguration={"scanOnPush": False})
    read = only(ecr.describe_repositories(repositoryNames=[called])["repositories"])
    assert (read["imageTagMutability"], read["imageTagMutabilityExclusionFilters"], read["imageScanningConfiguration"]["scanOnPush"]) == (
        "IMMUTABLE_WITH_EXCLUSION", filters, False)

    assert code_of(lambda: ecr.get_lifecycle_policy(repositoryName=called)) == "LifecyclePolicyNotFoundException"
    rule = {"rulePriority": 1, "description": "old ones", "action": {"type": "expire"},
            "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}}
    ecr.put_lifecycle_policy(repositoryName=called, lifecyclePolicyText=json.dumps({"rules": [rule]}))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=called)["lifecyclePolicyText"]) == {"rules": [rule]}
    ecr.delete_lifecycle_policy(repositoryName=called)
    assert code_of(lambda: ecr.delete_lifecycle_policy(repositoryName=called)) == "LifecyclePolicyNotFoundException"

    assert code_of(lambda: ecr.get_repository_policy(repositoryName=called)) == "RepositoryPolicyNotFoundException"
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "pull", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                                                      "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}
    ecr.set_repository_policy(repositoryName=called, policyText=json.dumps(policy))
    assert json.loads(ecr.get_repository_policy(repositoryName=called)["policyText"]) == policy
    ecr.delete_repository_policy(repositoryName=called, registryId=registry)
    assert code_of(lambda: ecr.delete_repository_policy(repositoryName=called, registryId=registry)) == "RepositoryPolicyNotFoundException"
    ecr.delete_repository(repositoryName=called, registryId=registry, force=False)
    for gone in (lambda: ecr.describe_repositories(repositoryNames=[called]), lambda: ecr.get_lifecycle_policy(repositoryName=called)):
        assert code_of(gone) == "RepositoryNotFoundException"
