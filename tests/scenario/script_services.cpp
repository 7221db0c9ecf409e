// The steps of scripts that concern all tasks of a service at once.
#include <map>

#include "base/strings.h"
#include "model/arns.h"
#include "scenario/script.h"

namespace boxship::tests {
namespace {

using TaskPtr = std::shared_ptr<const model::Task>;

bool is_pending(const model::Task& task) { return task.wanted && task.status < model::TaskStatus::running; }
bool is_ending(const model::Task& task) { return !task.wanted && task.live(); }

ServiceId service_called(const state::View& view, const std::string& name)
{
    for (const auto& [id, service] : view.rows<model::Service>())
        if (service->name == name && service->status != model::ServiceStatus::inactive) return id;
    return {};
}

}  // namespace

std::string Script::report_all(const std::string& name, const std::string& status, bool ending)
{
    const ServiceId service = service_called(world_.view(), name);
    if (!service) return "there is no service " + name;
    for (const TaskPtr& task : world_.view().all<state::TasksByService>(service)) {
        if (ending ? !is_ending(*task) : !is_pending(*task)) continue;
        const std::string arn = model::task_arn(*world_.view().get<model::Cluster>(task->cluster), task->id);
        if (std::string complaint = acknowledge(arn); !complaint.empty()) return complaint;
        if (std::string complaint = report(arn + " " + status); !complaint.empty()) return complaint;
    }
    return "";
}

std::string Script::count_tasks(const std::string& text)
{
    const auto words = split(text, ' ');
    const ServiceId service = service_called(world_.view(), words[0]);
    if (!service) return "there is no service " + words[0];
    std::map<std::string, int> wanted{{"running", 0}, {"pending", 0}, {"stopping", 0}}, there = wanted;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto equals = words[i].find('=');
        wanted[words[i].substr(0, equals)] = std::stoi(words[i].substr(equals + 1));
    }
    for (const TaskPtr& task : world_.view().all<state::TasksByService>(service))
        ++there[is_ending(*task) ? "stopping" : is_pending(*task) ? "pending" : "running"];
    if (wanted == there) return "";
    return "there are running=" + std::to_string(there["running"]) + " pending=" + std::to_string(there["pending"]) + " stopping=" + std::to_string(there["stopping"]);
}

std::string Script::told(const std::string& text)
{
    const auto words = split(text, ' ');
    const auto task = task_of(words[0]);
    if (!task) return "there is no such task";
    const std::string is = task->runs_on() ? "RUNNING" : "STOPPED";
    return is == words[1] ? "" : "it is told " + is;
}

std::string Script::set_alarm(const std::string& text)
{
    const auto words = split(text, ' ');
    world_.change([&](state::Txn& txn) {
        model::Alarm alarm{.name = {{"000000000000", "us-east-1"}, words[0]}, .alarm = words.at(1) == "ALARM", .reason = {}, .since = world_.now()};
        txn.put(std::move(alarm));
    });
    return "";
}

std::string Script::set_quota(const std::string& text)
{
    const auto wish = model::parse_quota(text);
    if (!wish.ok()) return wish.error().message;
    world_.installation().quotas.set(wish->facts->quota, wish->value);
    return "";
}

void Script::suspend(bool suspended)
{
    world_.change([&](state::Txn& txn) {
        model::Platform platform = *txn.get<model::Platform>(0);
        platform.suspended = suspended;
        txn.put(std::move(platform));
    });
}

}  // namespace boxship::tests
