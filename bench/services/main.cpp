// boxship-services: what a service costs the brain, in memory: 0 → N tasks → 0 on simulated instances, each task reported
// RUNNING and STOPPED in a transaction of its own, as agents do.
//
//     boxship-services scale TASKS [balanced]     balanced: behind a target group, whose health checks are simulated too
//     boxship-services roll TASKS                 a rolling update of so many tasks that run, 100/200 %: every new task's RUNNING
//                                                 and every old one's STOPPED come one by one
//
// Prints one JSON object; the cost of a task is of processor time.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>

#include <fmt/format.h>

#include "base/check.h"
#include "decide/lifecycle.h"
#include "model/elbv2_arns.h"
#include "scenario/script.h"

namespace boxship::bench {
namespace {

using Clock = std::chrono::steady_clock;
using model::Task;
using model::TaskStatus;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

class Bench {
public:
    Bench(int tasks, bool balanced) : tasks_(tasks), balanced_(balanced)
    {
        std::string text = "quota ecs/tasks-per-service=1000000\n"
                           "call ecs CreateCluster {}\n"
                           "call ecs RegisterTaskDefinition {\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"web\",\"image\":\"nginx:1\","
                           "\"cpu\":1,\"memory\":16,\"portMappings\":[{\"containerPort\":80}]}]}\n";
        const int hosts = std::max(3, tasks / 100);
        for (int n = 0; n < hosts; ++n)
            text += fmt::format("instances 1 cpu=24576 memory=49152 zone=us-east-1{} address=172.31.{}.{}\n", "abc"[n % 3], 1 + n / 250, 1 + n % 250);
        if (balanced)
            text += "call elbv2 CreateLoadBalancer {\"Name\":\"front\",\"Subnets\":[\"$subnet_a\",\"$subnet_b\",\"$subnet_c\"]}\n"
                    "save balancer = LoadBalancers[0].LoadBalancerArn\n"
                    "call elbv2 CreateTargetGroup {\"Name\":\"web\",\"Protocol\":\"HTTP\",\"Port\":80,\"VpcId\":\"$vpc\"}\n"
                    "save group = TargetGroups[0].TargetGroupArn\n"
                    "call elbv2 CreateListener {\"LoadBalancerArn\":\"$balancer\",\"Protocol\":\"HTTP\",\"Port\":80,"
                    "\"DefaultActions\":[{\"Type\":\"forward\",\"TargetGroupArn\":\"$group\"}]}\n";
        text += "call ecs CreateService {\"serviceName\":\"web\",\"taskDefinition\":\"web:1\",\"desiredCount\":0";
        if (balanced) text += ",\"loadBalancers\":[{\"targetGroupArn\":\"$group\",\"containerName\":\"web\",\"containerPort\":80}]";
        text += "}\n";
        const std::string complaint = script_.run(text);
        if (!complaint.empty()) std::fprintf(stderr, "%s\n", complaint.c_str());
        CHECK(complaint.empty());
        CHECK(world().view().rows<model::Service>().size() == 1);
        service_ = world().view().rows<model::Service>().begin()->first;
    }

    void roll()
    {
        desire(tasks_);
        report(TaskStatus::running);
        CHECK(steady(tasks_));
        const std::uint64_t groups = world().groups_committed();
        const auto begun = Clock::now();
        const std::clock_t worked = std::clock();
        CHECK(world().call("ecs", "UpdateService", R"({"service":"web","forceNewDeployment":true})").ok());
        const double placed = seconds_since(begun);
        for (const auto& id : tasks([](const Task& task) { return task.status < TaskStatus::running; })) report(id, TaskStatus::running);
        const double up = seconds_since(begun);
        for (const auto& id : tasks([](const Task& task) { return !task.wanted; })) report(id, TaskStatus::stopped);
        const double all = seconds_since(begun);
        const double cpu = static_cast<double>(std::clock() - worked) / CLOCKS_PER_SEC;
        CHECK(steady(tasks_));
        std::printf("{\"tasks\":%d,\"seconds\":%.3f,\"placed\":%.3f,\"running\":%.3f,\"stopped\":%.3f,\"transactions\":%llu,\"usPerTask\":%.1f}\n", tasks_, all, placed,
                    up - placed, all - up, static_cast<unsigned long long>(world().groups_committed() - groups), cpu * 1e6 / tasks_);
    }

    void run()
    {
        const std::uint64_t groups = world().groups_committed();
        const auto begun = Clock::now();
        const std::clock_t worked = std::clock();
        desire(tasks_);
        const double placed = seconds_since(begun);
        report(TaskStatus::running);
        if (balanced_) health(false);
        const double up = seconds_since(begun);
        CHECK(steady(tasks_));
        desire(0);
        if (balanced_) health(true);
        const double asked = seconds_since(begun);
        report(TaskStatus::stopped);
        const double all = seconds_since(begun);
        const double cpu = static_cast<double>(std::clock() - worked) / CLOCKS_PER_SEC;
        CHECK(steady(0));
        std::printf("{\"tasks\":%d,\"seconds\":%.3f,\"placed\":%.3f,\"running\":%.3f,\"asked\":%.3f,\"stopped\":%.3f,\"transactions\":%llu,\"usPerTask\":%.1f}\n", tasks_, all,
                    placed, up - placed, asked - up, all - asked, static_cast<unsigned long long>(world().groups_committed() - groups), cpu * 1e6 / tasks_);
    }

private:
    tests::World& world() { return script_.world(); }

    void desire(int count)
    {
        const auto answer = world().call("ecs", "UpdateService", fmt::format("{{\"service\":\"web\",\"desiredCount\":{}}}", count));
        CHECK(answer.ok());
    }
    bool steady(int count)
    {
        const auto service = world().view().get<model::Service>(service_);
        const auto& counts = world().view().counts(model::RevisionKey{service_, service->primary});
        return service->steady && counts.live == count && counts.ready == count;
    }
    std::vector<TaskId> tasks(const std::function<bool(const Task&)>& which)
    {
        std::vector<TaskId> ids;
        for (const auto& task : world().view().all<state::TasksByService>(service_))
            if (which(*task)) ids.push_back(task->id);
        return ids;
    }
    void report(TaskStatus status)
    {
        for (const auto& id : tasks([](const Task&) { return true; })) report(id, status);
    }
    void report(const TaskId& id, TaskStatus status)
    {
        world().change([&](state::Txn& txn) {
            Task task = *txn.get<Task>(id);
            decide::TaskReport report{.status = status};
            decide::ContainerReport& container = report.containers.emplace_back();
            container.name = "web";
            if (status == TaskStatus::running) container.bindings.push_back({.port = {.container_port = 80, .host_port = next_port_++, .protocol = model::Protocol::tcp}});
            CHECK(decide::apply_report(task, report, world().now()));
            txn.put(std::move(task));
        });
    }
    // What the data plane finds out, a target at a time.
    void health(bool drained)
    {
        std::vector<model::TargetKey> keys;
        for (const auto& [key, target] : world().view().rows<model::Target>()) keys.push_back(key);
        for (const auto& key : keys)
            world().change([&](state::Txn& txn) {
                model::Target target = *txn.get<model::Target>(key);
                if (drained) target.drained = true;
                else target.state = model::TargetState::healthy;
                target.reason = drained ? target.reason : model::TargetReason::none;
                txn.put(std::move(target));
            });
    }

    const int tasks_;
    const bool balanced_;
    tests::Script script_;
    ServiceId service_;
    std::int32_t next_port_ = 32768;
};

}  // namespace
}  // namespace boxship::bench

int main(int argc, char** argv)
{
    const bool roll = argc == 3 && std::strcmp(argv[1], "roll") == 0;
    if (argc < 3 || (!roll && std::strcmp(argv[1], "scale") != 0)) {
        std::fprintf(stderr, "boxship-services: see the head of bench/services/main.cpp\n");
        return 2;
    }
    boxship::bench::Bench bench(std::atoi(argv[2]), argc > 3 && std::strcmp(argv[3], "balanced") == 0);
    roll ? bench.roll() : bench.run();
    return 0;
}
