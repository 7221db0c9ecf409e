"""Services with real clients and real containers: the promise is kept, updates roll, failures roll back, a killed server goes on."""

import time

import pytest

from harness import own
from harness.platform import wait_for


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with own.with_instances(tmp_path_factory.mktemp("services")) as platform:
        yield platform


@pytest.fixture
def ecs(platform):
    return platform.client("ecs")


def define(platform, family, **container):
    """On EC2, in bridge mode."""
    answer = platform.client("ecs").register_task_definition(family=family, containerDefinitions=[
        {"name": "c", "image": platform.image, "memory": 32, "stopTimeout": 1, "command": ["sh", "-c", "trap exit TERM; sleep 600 & wait"], **container}])
    return answer["taskDefinition"]["taskDefinitionArn"]


def service(ecs, name):
    return ecs.describe_services(services=[name])["services"][0]


def stable(ecs, name):
    ecs.get_waiter("services_stable").wait(services=[name], WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    return service(ecs, name)


def tasks(ecs, name, status="RUNNING"):
    arns = ecs.list_tasks(serviceName=name, desiredStatus=status)["taskArns"]
    return ecs.describe_tasks(cluster="default", tasks=arns)["tasks"] if arns else []


def clean_up(ecs, name):
    """S22: to zero, deleted, INACTIVE and still described."""
    ecs.update_service(service=name, desiredCount=0)
    stable(ecs, name)
    ecs.delete_service(service=name)
    ecs.get_waiter("services_inactive").wait(services=[name], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert service(ecs, name)["status"] == "INACTIVE"
    assert ecs.list_tasks(serviceName=name)["taskArns"] == []


def test_a_fixed_port_and_one_host_too_few(platform, ecs):
    """S3 and S4: a service on host port 8080; scaled beyond the hosts, the event says why; the real CLI waits and describes."""
    definition = define(platform, "httpd", image=platform.hello, command=[], portMappings=[{"containerPort": 80, "hostPort": 8080}])
    created = platform.aws("ecs", "create-service", "--service-name", "httpd", "--task-definition", definition, "--desired-count", "1")["service"]
    assert created["deployments"][0]["id"].startswith("ecs-svc/") and created["status"] == "ACTIVE"
    platform.aws("ecs", "wait", "services-stable", "--services", "httpd", check=False)
    now = stable(ecs, "httpd")
    assert now["runningCount"] == 1 and now["deployments"][0]["rolloutState"] == "COMPLETED"
    assert now["events"][0]["message"] == "(service httpd) has reached a steady state."
    ecs.update_service(service="httpd", desiredCount=3)
    wait_for(lambda: service(ecs, "httpd")["runningCount"] == 2, "two tasks on two hosts")
    wait_for(lambda: "is already using a port required by your task" in service(ecs, "httpd")["events"][0]["message"] or
             any("is already using a port" in e["message"] for e in service(ecs, "httpd")["events"]), "the event that says why")
    ecs.update_service(service="httpd", desiredCount=2)
    stable(ecs, "httpd")
    clean_up(ecs, "httpd")


def test_what_ends_is_replaced(platform, ecs):
    ecs.create_service(serviceName="kept", taskDefinition=define(platform, "kept"), desiredCount=2)
    stable(ecs, "kept")
    first = {t["taskArn"] for t in tasks(ecs, "kept")}
    ecs.stop_task(task=sorted(first)[0])
    wait_for(lambda: len({t["taskArn"] for t in tasks(ecs, "kept")} - first) == 1, "a task in the place of the stopped one")
    assert stable(ecs, "kept")["runningCount"] == 2
    clean_up(ecs, "kept")


@pytest.mark.parametrize("least,most", [(50, 100), (100, 150)])
def test_a_rolling_update_keeps_its_percentages(platform, ecs, least, most):
    """S8: watched from outside, at no instant fewer than the least serve, nor are there more than the most."""
    name = f"roll-{least}-{most}"
    one = define(platform, name)
    two = define(platform, name, environment=[{"name": "VERSION", "value": "2"}])
    ecs.create_service(serviceName=name, taskDefinition=one, desiredCount=4,
                       deploymentConfiguration={"minimumHealthyPercent": least, "maximumPercent": most})
    stable(ecs, name)
    ecs.update_service(service=name, taskDefinition=two)
    seen = set()
    for _ in range(600):
        now = service(ecs, name)
        running, pending = now["runningCount"], now["pendingCount"]
        seen.add((running, pending))
        assert running + pending <= 4 * most // 100, now["events"][:5]
        assert running >= 4 * least // 100, now["events"][:5]
        if len(now["deployments"]) == 1 and running == 4 and now["deployments"][0]["rolloutState"] == "COMPLETED":
            break
        time.sleep(0.02)
    assert {t["taskDefinitionArn"] for t in tasks(ecs, name)} == {two}, seen
    clean_up(ecs, name)


def test_the_circuit_breaker_rolls_back(platform, ecs):
    good = define(platform, "safe")
    bad = define(platform, "safe", image="localhost:1/not/there:1")
    ecs.create_service(serviceName="safe", taskDefinition=good, desiredCount=1, deploymentConfiguration={
        "deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    before = stable(ecs, "safe")["deployments"][0]["id"]
    ecs.update_service(service="safe", taskDefinition=bad)
    deployment = wait_for(lambda: next((d for d in ecs.list_service_deployments(service="safe")["serviceDeployments"]
                                        if d["status"] == "ROLLBACK_SUCCESSFUL"), None), "the rollback", timeout=90) \
        if hasattr(ecs, "list_service_deployments") else None
    wait_for(lambda: any("rolling back" in e["message"] for e in service(ecs, "safe")["events"]), "the rollback", timeout=90)
    now = stable(ecs, "safe")
    assert now["deployments"][0]["id"] == before and now["taskDefinition"] == good and now["runningCount"] == 1
    if deployment:
        assert before.split("/")[1] in ecs.describe_service_deployments(
            serviceDeploymentArns=[deployment["serviceDeploymentArn"]])["serviceDeployments"][0]["rollback"]["serviceRevisionArn"]
    clean_up(ecs, "safe")


def test_health_checks_gate_the_update(platform, ecs):
    """A new version that runs but is not healthy takes nobody's place."""
    check = {"command": ["CMD-SHELL", "test -e /tmp/ready"], "interval": 5, "timeout": 2, "retries": 2}
    good = define(platform, "gated", command=["sh", "-c", "touch /tmp/ready; trap exit TERM; sleep 600 & wait"], healthCheck=check)
    sick = define(platform, "gated", healthCheck=check)
    ecs.create_service(serviceName="gated", taskDefinition=good, desiredCount=1)
    stable(ecs, "gated")
    wait_for(lambda: tasks(ecs, "gated")[0]["healthStatus"] == "HEALTHY", "the task to be healthy", timeout=30)
    ecs.update_service(service="gated", taskDefinition=sick)
    wait_for(lambda: any("failed container health checks" in e["message"] for e in service(ecs, "gated")["events"]), "the sick task to be ended", timeout=60)
    healthy = [t for t in tasks(ecs, "gated") if t["taskDefinitionArn"] == good]
    assert [t["lastStatus"] for t in healthy] == ["RUNNING"] and healthy[0]["healthStatus"] == "HEALTHY"
    ecs.update_service(service="gated", taskDefinition=good)
    wait_for(lambda: service(ecs, "gated")["deployments"][0]["rolloutState"] == "COMPLETED", "the good one again", timeout=60)
    clean_up(ecs, "gated")


def test_a_daemon_follows_the_instances(platform, ecs):
    """S24: one task on every instance; what is drained loses its own."""
    ecs.create_service(serviceName="agentd", taskDefinition=define(platform, "agentd"), schedulingStrategy="DAEMON")
    assert stable(ecs, "agentd")["runningCount"] == 2
    hosts = ecs.list_container_instances()["containerInstanceArns"]
    assert {t["containerInstanceArn"] for t in tasks(ecs, "agentd")} == set(hosts)
    ecs.update_container_instances_state(containerInstances=[hosts[0]], status="DRAINING")
    wait_for(lambda: [t["containerInstanceArn"] for t in tasks(ecs, "agentd")] == [hosts[1]], "the drained instance to be left alone")
    ecs.update_container_instances_state(containerInstances=[hosts[0]], status="ACTIVE")
    wait_for(lambda: service(ecs, "agentd")["runningCount"] == 2, "it to be back")
    ecs.delete_service(service="agentd", force=True)
    ecs.get_waiter("services_inactive").wait(services=["agentd"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_draining_moves_a_service_within_its_percentages(platform, ecs):
    ecs.create_service(serviceName="moved", taskDefinition=define(platform, "moved"), desiredCount=4)
    stable(ecs, "moved")
    host = ecs.list_container_instances()["containerInstanceArns"][0]
    ecs.update_container_instances_state(containerInstances=[host], status="DRAINING")

    def moved():
        now = service(ecs, "moved")
        assert now["runningCount"] >= 4, "the minimum of 100 % was not kept"
        return all(t["containerInstanceArn"] != host for t in tasks(ecs, "moved")) and len(tasks(ecs, "moved")) == 4
    wait_for(moved, "all tasks to be on the other host")
    ecs.update_container_instances_state(containerInstances=[host], status="ACTIVE")
    clean_up(ecs, "moved")


def test_the_server_is_killed_during_a_rollout(platform, ecs):
    one, two = define(platform, "killed"), define(platform, "killed", environment=[{"name": "V", "value": "2"}])
    ecs.create_service(serviceName="killed", taskDefinition=one, desiredCount=3, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 100})
    stable(ecs, "killed")
    before = service(ecs, "killed")["events"]
    ecs.update_service(service="killed", taskDefinition=two)
    for _ in range(3):
        time.sleep(0.4)
        platform.kill("server")
        platform.wait_ready(agents=3)
    now = stable(ecs, "killed")
    assert now["runningCount"] == 3 and {t["taskDefinitionArn"] for t in tasks(ecs, "killed")} == {two}
    assert {e["id"] for e in before} <= {e["id"] for e in now["events"]}
    clean_up(ecs, "killed")


def test_down_and_up_bring_a_service_back(platform, ecs):
    ecs.create_service(serviceName="back", taskDefinition=define(platform, "back"), desiredCount=1)
    stable(ecs, "back")
    platform.boxship("down")
    platform.up("--instances", "2:t3.medium")
    platform.wait_ready(agents=3)
    now = stable(ecs, "back")
    assert now["runningCount"] == 1 and now["deployments"][0]["failedTasks"] == 0
    clean_up(ecs, "back")


def test_explain_and_status_tell_of_a_service(platform, ecs):
    ecs.create_service(serviceName="told", taskDefinition=define(platform, "told"), desiredCount=1)
    stable(ecs, "told")
    assert next(s for s in platform.status()["services"] if s["name"] == "told")["running"] == 1
    story = platform.boxship("explain", "told").stdout
    assert "steady state" in story and "deployment" in story
    clean_up(ecs, "told")
