#include "agent/reports.h"

#include <algorithm>

namespace boxship::agent {
namespace {

using shape::Json;

constexpr std::size_t reason_bytes_max = 1024;

std::string shortened(const std::string& reason)
{
    if (reason.size() <= reason_bytes_max) return reason;
    std::size_t end = reason_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;   // never half a character
    return reason.substr(0, end);
}

double seconds(Time time)
{
    return static_cast<double>(time.ms) / 1000.0;
}

ContainerChange change(const TaskRecord& task, std::size_t at, Life life)
{
    const ContainerRecord& container = task.containers[at];
    ContainerChange out{.container = at, .name = task.spec->containers[at].name, .life = life};
    out.image_digest = container.image_digest;
    if (life != Life::waiting && container.started_first) {
        out.runtime_id = container.runtime_id;
        out.ports = container.ports;
    }
    if (life == Life::stopped) {
        out.exit_code = container.exit_code;
        out.reason = shortened(container.reason);
    }
    return out;
}

void add_times(const TaskRecord& task, TaskReport& report)
{
    for (const ContainerRecord& container : task.containers) {
        if (container.pull_started && (!report.pull_started || container.pull_started < report.pull_started))
            report.pull_started = container.pull_started;
        report.pull_stopped = std::max(report.pull_stopped, container.pull_stopped);
    }
    if (report.life == Life::stopped) report.execution_stopped = task.execution_stopped;
}

// What each container would say when the task says `life`.
void add_containers(const TaskRecord& task, Life life, TaskReport& report)
{
    for (std::size_t at = 0; at < task.containers.size(); ++at) {
        const ContainerRecord& container = task.containers[at];
        // The report of RUNNING speaks of the moment when all had started, even if some have stopped since.
        if (life == Life::running && task.reported < Life::running && container.started_first && container.reported < Life::running) {
            report.containers.push_back(change(task, at, Life::running));
        } else if (life != Life::waiting && container.reported < container.life) {
            report.containers.push_back(change(task, at, container.life));
        } else if (container.life == Life::waiting && !container.image_digest.empty() && !container.digest_reported &&
                   container.reported == Life::waiting) {
            report.containers.push_back(change(task, at, Life::waiting));
        }
    }
}

Json bindings(const std::vector<PortBinding>& ports)
{
    Json list = Json::array();
    for (const PortBinding& port : ports) {
        list.push_back(Json::object({{"bindIP", port.bind_ip}, {"containerPort", port.container_port},
                                     {"hostPort", port.host_port}, {"protocol", port.protocol}}));
    }
    return list;
}

}  // namespace

std::optional<TaskReport> next_report(const TaskRecord& task)
{
    if (task.reported == Life::stopped) return std::nullopt;
    TaskReport report{.task = task.spec->arn};
    if (task.running && task.reported < Life::running)
        report.life = Life::running;
    else
        report.life = task.life();
    report.urgent = report.life > task.reported;
    if (task.attached && !task.attached_reported && task.spec->eni) report.attachment = task.spec->eni->attachment_arn;
    add_containers(task, report.life, report);
    if (!report.urgent && report.containers.empty()) return std::nullopt;
    if (report.life == Life::stopped) report.reason = shortened(task.reason);
    add_times(task, report);
    return report;
}

void on_accepted(TaskRecord& task, const TaskReport& report)
{
    task.reported = std::max(task.reported, report.life);
    if (!report.attachment.empty()) task.attached_reported = true;
    for (const ContainerChange& change : report.containers) {
        ContainerRecord& container = task.containers[change.container];
        container.reported = std::max(container.reported, change.life);
        if (!change.image_digest.empty()) container.digest_reported = true;
    }
}

TaskReport refusal(std::string task_arn, std::string reason)
{
    return {.task = std::move(task_arn), .life = Life::stopped, .reason = shortened(reason), .urgent = true};
}

Json to_json(const TaskReport& report, const std::string& cluster)
{
    Json json = Json::object({{"cluster", cluster}, {"task", report.task}, {"status", status_text(report.life)}, {"reason", report.reason}});
    if (report.pull_started) json.set("pullStartedAt", seconds(report.pull_started));
    if (report.pull_stopped) json.set("pullStoppedAt", seconds(report.pull_stopped));
    if (report.execution_stopped) json.set("executionStoppedAt", seconds(report.execution_stopped));
    Json containers = Json::array();
    for (const ContainerChange& change : report.containers) {
        Json container = Json::object({{"containerName", change.name}, {"status", status_text(change.life)}});
        if (!change.runtime_id.empty()) container.set("runtimeId", change.runtime_id);
        if (change.exit_code) container.set("exitCode", *change.exit_code);
        if (!change.reason.empty()) container.set("reason", change.reason);
        if (!change.image_digest.empty()) container.set("imageDigest", change.image_digest);
        if (!change.ports.empty()) container.set("networkBindings", bindings(change.ports));
        containers.push_back(std::move(container));
    }
    json.set("containers", std::move(containers));
    if (!report.attachment.empty()) {
        json.set("attachments", Json::array({Json::object({{"attachmentArn", report.attachment}, {"status", "ATTACHED"}})}));
    }
    return json;
}

}  // namespace boxship::agent
