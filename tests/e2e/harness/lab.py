"""A kill laboratory: a mixed workload on one platform, a killer beside it, and the books that say what must be true afterwards.

Every request that was answered promises something; a request without an answer promises nothing, but must not have happened
twice. Clients repeat what was not answered, with the same clientToken."""

import collections
import os
import random
import signal
import threading
import time
import traceback
import uuid

import botocore.exceptions

from .platform import AGENT, wait_for
from .registry import Gone, Push, Registry

NO_ANSWER = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, Gone)


class Task:
    def __init__(self, arn, code):
        self.arn, self.code = arn, code     # the exit code that it will end with by itself, or None: it runs until it is stopped
        self.stop_asked = False


class Lab:
    def __init__(self, platform, image, seed):
        self.platform, self.seed = platform, seed
        self.chance = random.Random(seed)
        self.subnet = platform.subnet()
        self.definition = platform.define([{"name": "c", "image": image, "stopTimeout": 2, "memory": 32, "command": [
            "sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"]}], cpu="256", memory="512")
        self.image = image
        self.registry = Registry(platform)
        platform.client("ecr").create_repository(repositoryName="lab/pushed")
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.tasks, self.tokens, self.registered, self.pushed = {}, [], [], []
        self.pulls = self.answers = self.unanswered = 0
        self.resumed = self.restarted = 0
        self.monitors_killed = 0
        self.in_flight = {}             # worker → what it is doing
        self.kills = []                 # (time, what was killed, what was in flight)
        self.errors = []
        self.last_up = ""
        self.threads = []

    # --- the workload

    def start(self, workers=10):
        kinds = [self.run_tasks, self.run_tasks, self.stop_tasks, self.register, self.push, self.push_and_pull]
        for number in range(workers):
            self.threads.append(threading.Thread(target=self._worker, args=(number, kinds[number % len(kinds)])))
        self.threads.append(threading.Thread(target=self._keep_up))
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()
        if not self.platform.find("up"):
            self.platform.up()
        self.platform.wait_ready()
        assert not self.errors, self.errors[0]

    def _worker(self, number, work):
        mine = random.Random(self.seed * 100 + number)
        ecs = self.platform.client("ecs", attempts=1, connect_timeout=2, read_timeout=20)
        try:
            while not self.done.is_set():
                work(number, mine, ecs)
                self.in_flight.pop(number, None)
                time.sleep(mine.random() * 0.2)
        except Exception as error:  # noqa: BLE001 - the test reports it
            self.errors.append(f"{work.__name__}: {error}\n" + "".join(traceback.format_exception(error, chain=False)))

    def _insist(self, number, what, request):
        """Until it is answered."""
        while True:
            self.in_flight[number] = what
            try:
                answer = request()
                self.answers += 1
                return answer
            except NO_ANSWER as error:
                code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")
                if code and code not in ("ServerException", "500", "503"):
                    raise
                self.unanswered += 1
                time.sleep(0.05)

    def run_tasks(self, number, mine, ecs):
        if sum(not t.stop_asked and t.code is None for t in list(self.tasks.values())) > 8:
            return
        token, code, override = uuid.uuid4().hex[:30], None, {}
        if mine.random() < 0.5:
            code = mine.randrange(1, 120)
            override = {"overrides": {"containerOverrides": [{"name": "c", "command": ["sh", "-c", f"sleep {mine.random():.2f}; exit {code}"]}]}}
        answer = self._insist(number, "RunTask", lambda: ecs.run_task(
            cluster="default", taskDefinition=self.definition, launchType="FARGATE", startedBy=token, clientToken=token,
            networkConfiguration={"awsvpcConfiguration": {"subnets": [self.subnet]}}, **override))
        if answer["failures"]:      # while no agent is connected
            assert not answer["tasks"] and "Capacity is unavailable" in answer["failures"][0]["reason"], answer
            self.tokens.append((token, None))
            return
        assert len(answer["tasks"]) == 1, answer
        arn = answer["tasks"][0]["taskArn"]
        with self.lock:
            assert arn not in self.tasks
            self.tasks[arn] = Task(arn, code)
            self.tokens.append((token, arn))

    def stop_tasks(self, number, mine, ecs):
        with self.lock:
            candidates = sorted(arn for arn, task in self.tasks.items() if task.code is None and not task.stop_asked)
        if len(candidates) < 3:
            return
        task = self.tasks[mine.choice(candidates)]
        task.stop_asked = True
        self._insist(number, "StopTask", lambda: ecs.stop_task(cluster="default", task=task.arn, reason="the lab asked"))

    def register(self, number, mine, ecs):
        family = f"lab-{number}"
        answer = self._insist(number, "RegisterTaskDefinition", lambda: ecs.register_task_definition(family=family, containerDefinitions=[
            {"name": "c", "image": self.image, "memory": 16}]))["taskDefinition"]
        self.registered.append((answer["taskDefinitionArn"], answer["revision"]))

    def push(self, number, mine, _):
        layers = [mine.randbytes(mine.randrange(50_000, 500_000)) for _ in range(mine.randrange(1, 3))]
        push = Push(self.registry, "lab/pushed", f"t{number}-{mine.randrange(1 << 40)}", layers, chunk=120_000)
        while not self._insist(number, "push", lambda: self._step(number, push)):
            pass
        self.resumed += push.resumed
        self.restarted += push.restarted
        with self.lock:
            self.pushed.append(push)
        self.done.wait(0.3)     # the disk is other tests' too

    def _step(self, number, push):
        self.in_flight[number] = push.phase
        try:
            return push.step()
        finally:
            self.in_flight[number] = push.phase

    def push_and_pull(self, number, mine, ecs):
        with self.lock:
            pushed = mine.choice(self.pushed) if self.pushed else None
        if not pushed or mine.random() < 0.3:
            return self.push(number, mine, ecs)
        self._insist(number, "pull", pushed.check)
        self.pulls += 1
        return None

    def _keep_up(self):
        """Who would start the supervisor again: a user, or systemd."""
        while not self.done.is_set():
            if not self.platform.find("up"):
                done = self.platform.boxship("up", "--detach", "--listen", f"127.0.0.1:{self.platform.port}", check=False)
                self.last_up = done.stdout + done.stderr
            time.sleep(0.05)

    # --- the killer

    def victims(self):
        """Names and pids of one to all processes of the platform that live just now."""
        monitors = self.platform.monitors()
        living = {name: pid for name in ("up", "server", AGENT) if (pid := self.platform.find(name))}
        kind = self.chance.choices(["server", AGENT, "up", "monitor", "both", "all"], weights=[30, 30, 10, 10, 10, 10])[0]
        some = self.chance.sample(sorted(monitors), min(len(monitors), 1 if kind == "monitor" else 2))
        names = {"both": ["server", AGENT], "all": ["up", "server", AGENT]}.get(kind, [kind])
        chosen = [(name, living[name]) for name in names if name in living]
        if kind == "monitor" or (kind == "all" and self.chance.random() < 0.5):
            chosen += [("monitor", monitors[name]) for name in some]
        self.chance.shuffle(chosen)
        return chosen

    def kill(self):
        """One kill -9 of one or several processes; False when there was nobody."""
        flight = collections.Counter(self.in_flight.values())
        chosen = self.victims()
        killed = []
        for name, pid in chosen:
            try:
                os.kill(pid, signal.SIGKILL)
                killed.append(name)
            except ProcessLookupError:
                pass
        if killed:
            self.monitors_killed += killed.count("monitor")
            self.kills.append((time.time(), "+".join(sorted(killed)), flight))
        return bool(killed)

    def kill_many(self, count, pause_max):
        fruitless_since = time.monotonic()
        while len(self.kills) < count:
            time.sleep(self.chance.random() * pause_max)
            assert not self.errors, self.errors[0]
            if self.kill():
                fruitless_since = time.monotonic()
            assert time.monotonic() - fruitless_since < 60, f"nothing comes back: {self.last_up}"

    def die_at(self, step, directory, patience=60):
        """Lets whoever comes by that named step next die there."""
        file = directory / step
        file.write_text("")
        try:
            if step.startswith("supervisor."):  # it starts a child when one has ended
                wait_for(lambda: self.platform.find("up") and self.platform.find("server"), "a supervisor and a child", patience)
                self.platform.kill("server")
            wait_for(lambda: self.errors or not file.exists(), f"somebody to come by {step}", patience)
        finally:
            file.unlink(missing_ok=True)
        assert not self.errors, self.errors[0]
        self.monitors_killed += step.startswith("monitor.")
        self.kills.append((time.time(), f"at {step}", collections.Counter(self.in_flight.values())))

    # --- the books

    def check(self):
        """Every answer is true; every end is told, with its code; nothing happened twice. Then everything is stopped."""
        platform, ecs = self.platform, self.platform.client("ecs")
        for arn, _ in self.registered:
            assert ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["status"] == "ACTIVE"
        assert len({arn for arn, _ in self.registered}) == len(self.registered), "two answers named one revision"
        for push in self.pushed:
            push.check()

        unknown, unfinished, early, ended = [], [], [], []
        for task in self.tasks.values():
            wanted = "STOPPED" if task.stop_asked or task.code is not None else "RUNNING"
            now = wait_for(lambda: self._at_rest(task.arn, wanted), f"{task.arn} to be {wanted}", 90)
            if now["lastStatus"] == "RUNNING":
                assert wanted == "RUNNING" and now["desiredStatus"] == "RUNNING", f"a stopped or ended task runs: {now}"
                continue
            container = now["containers"][0]
            code = container.get("exitCode")
            why = f"{now.get('stopCode')}: {now.get('stoppedReason')}; {container.get('reason')}; exit code {code}"
            assert now.get("stopCode") and now.get("stoppedReason"), f"{task.arn} stopped without a reason: {why}"
            if code is None and "exit status unknown" in container.get("reason", ""):
                unknown.append(why)
            elif code is None and task.stop_asked and not now.get("startedAt"):
                early.append(why)       # stopped before it had begun
            elif code is None or (task.code is None and not task.stop_asked):
                unfinished.append(why)
            else:
                expected = {task.code} if task.code is not None else {0, 137, 143}
                assert code in expected, f"{task.arn} should have ended with {expected}: {why}"
                ended.append(why)
        for token, arn in self.tokens:
            twice = [a for status in ("RUNNING", "STOPPED")
                     for a in ecs.list_tasks(cluster="default", startedBy=token, desiredStatus=status)["taskArns"]]
            assert twice == ([arn] if arn else []), f"one clientToken, answered with {arn}: {twice}"
        # A container whose own monitor was killed is the only one whose end may be unknown. One that was being started when
        # its monitor or its agent died never ran, and says so.
        unknown += [why for why in unfinished if not why.startswith("TaskFailedToStart: ")]
        assert len(unknown) <= self.monitors_killed, "\n".join(unknown)
        running = {arn.rsplit("/", 1)[1] for page in ecs.get_paginator("list_tasks").paginate(cluster="default") for arn in page["taskArns"]}
        wait_for(lambda: {name.rsplit("-", 1)[0] for name in platform.monitors()} == running, "containers to be those of the running tasks")
        for why in unknown + unfinished:
            print("  " + why)
        return {"ended as asked": len(ended), "stopped before they began": len(early), "end unknown, monitor killed": len(unknown), "start failed, monitor killed": len(unfinished),
                "still running": len(running)}

    def _at_rest(self, arn, wanted):
        task = self.platform.describe(arn)
        return task if task["lastStatus"] in (wanted, "STOPPED") else None

    def stop_everything(self):
        ecs = self.platform.client("ecs")
        for page in ecs.get_paginator("list_tasks").paginate(cluster="default"):
            for arn in page["taskArns"]:
                ecs.stop_task(cluster="default", task=arn)
        wait_for(lambda: not self.platform.status()["tasks"], "every task to be gone")

    # --- where the kills fell

    def histogram(self):
        victims = collections.Counter(what for _, what, _ in self.kills)
        requests = sum((flight for _, _, flight in self.kills), collections.Counter())
        phases = collections.Counter()
        described = []
        arns = list(self.tasks)
        for at in range(0, len(arns), 100):
            described += self.platform.client("ecs").describe_tasks(cluster="default", tasks=arns[at:at + 100])["tasks"]
        steps = [("createdAt", "created, not yet pulling"), ("pullStartedAt", "pulling"), ("pullStoppedAt", "pulled, starting"),
                 ("startedAt", "running"), ("stoppingAt", "stopping"), ("executionStoppedAt", "ended, not yet released")]
        for moment, _, _ in self.kills:
            for task in described:
                if task.get("stoppedAt") and task["stoppedAt"].timestamp() <= moment:
                    continue
                passed = [name for key, name in steps if task.get(key) and task[key].timestamp() <= moment]
                if passed:
                    phases["task " + passed[-1]] += 1
        flights = [sum(flight.values()) for _, _, flight in self.kills]
        lines = [f"{len(self.kills)} kills; {sum(flights) / max(len(flights), 1):.1f} requests in flight at a kill; {self.answers} answered, "
                 f"{self.unanswered} not; {len(self.tasks)} tasks, {len(self.pushed)} pushes ({self.resumed} times resumed, "
                 f"{self.restarted} uploads begun again), {self.pulls} pulls, {len(self.registered)} revisions"]
        for title, counter in (("killed", victims), ("requests in flight", requests), ("tasks at the time", phases)):
            lines.append(f"  {title}:")
            lines += [f"    {count:5} {name}" for name, count in counter.most_common()]
        return "\n".join(lines)
