#include "agent/record.h"

#include <algorithm>

#include "base/mutant.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr int version = 1;

Json save(const ContainerRecord& container)
{
    Json ports = Json::array();
    for (const PortBinding& port : container.ports) {
        ports.push_back(Json::object({{"container", port.container_port}, {"host", port.host_port},
                                      {"protocol", port.protocol}, {"ip", port.bind_ip}}));
    }
    Json saved = Json::object({
        {"runtime_id", container.runtime_id},
        {"endpoint", container.endpoint_id},
        {"life", static_cast<int>(container.life)},
        {"digest", container.image_digest},
        {"image", container.image_id},
        {"stop_signal", container.stop_signal},
        {"pull_started", container.pull_started.ms},
        {"pull_stopped", container.pull_stopped.ms},
        {"created", container.created.ms},
        {"started", container.started.ms},
        {"started_first", container.started_first.ms},
        {"finished", container.finished.ms},
        {"reason", container.reason},
        {"ports", std::move(ports)},
        {"stop_sent", container.stop_sent.ms},
        {"restarts", container.restarts},
        {"oom_kills", container.oom_kills},
        {"digest_reported", container.digest_reported},
        {"reported", static_cast<int>(container.reported)},
    });
    if (container.exit_code && !mutant("record: exit codes are not kept")) saved.set("exit_code", *container.exit_code);
    return saved;
}

Life life_of(const Json& number)
{
    return static_cast<Life>(std::clamp<std::int64_t>(number.as_int64(), 0, 2));
}

ContainerRecord load(const Json& saved)
{
    const auto time = [&](const char* key) { return Time{saved.get_int64(key)}; };
    ContainerRecord container;
    container.runtime_id = saved.get_string("runtime_id");
    container.endpoint_id = saved.get_string("endpoint");
    container.life = life_of(saved["life"]);
    container.image_digest = saved.get_string("digest");
    container.image_id = saved.get_string("image");
    container.stop_signal = saved.get_string("stop_signal", container.stop_signal);
    container.pull_started = time("pull_started");
    container.pull_stopped = time("pull_stopped");
    container.created = time("created");
    container.started = time("started");
    container.started_first = time("started_first");
    container.finished = time("finished");
    if (saved.has("exit_code")) container.exit_code = static_cast<int>(saved.get_int64("exit_code"));
    container.reason = saved.get_string("reason");
    for (const Json& port : saved["ports"].as_array()) {
        container.ports.push_back({static_cast<std::uint16_t>(port.get_int64("container")),
                                   static_cast<std::uint16_t>(port.get_int64("host")), port.get_string("protocol"),
                                   port.get_string("ip")});
    }
    container.stop_sent = time("stop_sent");
    container.restarts = static_cast<int>(saved.get_int64("restarts"));
    container.oom_kills = static_cast<int>(saved.get_int64("oom_kills"));
    container.digest_reported = saved.get_bool("digest_reported");
    container.reported = life_of(saved["reported"]);
    return container;
}

}  // namespace

bool TaskRecord::all_stopped() const
{
    return std::all_of(containers.begin(), containers.end(), [](const ContainerRecord& c) { return c.life == Life::stopped; });
}

Life TaskRecord::life() const
{
    if (stopped) return Life::stopped;
    return running ? Life::running : Life::waiting;
}

std::string_view status_text(Life life)
{
    switch (life) {
        case Life::waiting: return "PENDING";
        case Life::running: return "RUNNING";
        case Life::stopped: return "STOPPED";
    }
    return "PENDING";
}

std::string save(const TaskRecord& task)
{
    Json containers = Json::array();
    for (const ContainerRecord& container : task.containers) containers.push_back(save(container));
    return Json::object({
        {"version", version},
        {"desired", task.desired == Desired::stopped ? "STOPPED" : "RUNNING"},
        {"reason", task.reason},
        {"accepted", task.accepted.ms},
        {"running", task.running.ms},
        {"execution_stopped", task.execution_stopped.ms},
        {"stopped", task.stopped.ms},
        {"attached", task.attached},
        {"attached_reported", task.attached_reported},
        {"reported", static_cast<int>(task.reported)},
        {"containers", std::move(containers)},
    }).dump();
}

HostResult<> load(const std::string& text, TaskRecord& task)
{
    const auto saved = Json::parse(text);
    if (!saved) return HostError{"read the record of task " + task.spec->id + ": " + saved.error()};
    if (saved->get_int64("version") > version)
        return HostError{"the record of task " + task.spec->id + " was written by a newer agent"};
    if ((*saved)["containers"].as_array().size() != task.spec->containers.size())
        return HostError{"the record of task " + task.spec->id + " does not match its payload"};
    task.desired = saved->get_string("desired") == "STOPPED" ? Desired::stopped : Desired::running;
    task.reason = saved->get_string("reason");
    task.accepted = {saved->get_int64("accepted")};
    task.running = {saved->get_int64("running")};
    task.execution_stopped = {saved->get_int64("execution_stopped")};
    task.stopped = {saved->get_int64("stopped")};
    task.attached = saved->get_bool("attached");
    task.attached_reported = saved->get_bool("attached_reported");
    task.reported = life_of((*saved)["reported"]);
    task.containers.clear();
    for (const Json& container : (*saved)["containers"].as_array()) task.containers.push_back(load(container));
    return {};
}

}  // namespace boxship::agent
