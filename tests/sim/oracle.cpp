#include "sim/oracle.h"

#include "base/ipv4.h"
#include "model/fields.h"
#include "sim/host.h"
#include "state/doctor.h"
#include "state/journal.h"

namespace boxship::sim {

using model::Task;
using model::TaskStatus;

namespace {

template <class Row, class Map>
void keep(Map& map, bool erased, std::string_view key, std::string_view bytes)
{
    const auto id = model::decode<typename Row::Key>(key);
    CHECK(id.has_value());
    if (erased) {
        map.erase(*id);
        return;
    }
    auto row = model::decode<Row>(bytes);
    CHECK(row.has_value());
    map.insert_or_assign(*id, std::move(*row));
}

}  // namespace

const Oracle::Committed* Oracle::find(const std::string& task_id) const
{
    const auto id = TaskId::parse(task_id);
    const auto at = id ? tasks_.find(*id) : tasks_.end();
    return at == tasks_.end() ? nullptr : &at->second;
}

// That its agent came or went.
bool Oracle::only_connects(const InstanceId& id, std::string_view row) const
{
    const auto at = instances_.find(id);
    if (at == instances_.end()) return false;
    const auto silent = [](model::Instance instance) {
        instance.agent_connected = false;
        instance.disconnected_at = {};
        instance.sequence = instance.version = 0;
        return model::encode(instance);
    };
    const auto after = model::decode<model::Instance>(row);
    return after && silent(at->second) == silent(*after);
}

void Oracle::durable(const std::string& blob)
{
    ++groups;
    last_group.clear();
    came_.clear();
    bool connects = true;
    stage_.mix(blob);
    std::vector<model::Eni> freed;
    const auto visited = state::visit_operations(blob, [&](std::uint8_t table, bool erased, std::string_view key, std::string_view row) -> HostResult<> {
        last_group += fmt::format("{}a row of table {}{}", last_group.empty() ? "" : ", ", table, erased ? " erased" : "");
        connects = connects && table == model::Instance::table && !erased && only_connects(*model::decode<InstanceId>(key), row);
        if (table == model::Instance::table) {
            const auto before = instances_.find(*model::decode<InstanceId>(key));
            if (before != instances_.end() && !before->second.agent_connected) came_.insert(before->first);
            keep<model::Instance>(instances_, erased, key, row);
        }
        if (table == model::Target::table) keep<model::Target>(targets_, erased, key, row);
        if (table == model::Eni::table) {
            const auto id = model::decode<EniId>(key);
            const auto before = enis_.find(*id);
            if (erased && before != enis_.end()) freed.push_back(before->second);
            keep<model::Eni>(enis_, erased, key, row);
        }
        if (table == Task::table) task(*model::decode<TaskId>(key), erased, row);
        services_.row(table, erased, key, row);
        return {};
    });
    CHECK(visited.ok());
    connections += connects;
    // The rows of a group come in any order; only together do they say why a task ended.
    for (const TaskId& id : std::exchange(ended_, {})) ended(id);
    for (const auto& eni : freed) eni_freed(eni);
    services_.group_over();
}

void Oracle::task(const TaskId& id, bool erased, std::string_view bytes)
{
    const auto before = tasks_.find(id);
    if (erased) {
        if (before == tasks_.end()) return stage_.fail(10, "task {} is forgotten and was never there", to_text(id));
        if (before->second.task.live()) stage_.fail(2, "task {} is forgotten while it lives", to_text(id));
        tasks_.erase(before);
        return;
    }
    auto row = model::decode<Task>(bytes);
    CHECK(row.has_value());
    if (before == tasks_.end()) {
        if (!ever_.insert(to_text(id)).second) stage_.fail(2, "task {} was forgotten and is there again", to_text(id));
        if (!row->started_by.empty()) started_by_[row->started_by.str()].insert(id);
        stage_.note("commit: task {} {} on {}", to_text(id).substr(0, 6), to_text(row->status), to_text(row->instance).substr(0, 6));
        const auto at = tasks_.emplace(id, Committed{std::move(*row), std::string(bytes), false}).first;
        services_.task(nullptr, at->second.task);
        return;
    }
    Committed& known = before->second;
    forward(known.task, *row);
    if (known.task.status != row->status || known.task.wanted != row->wanted)
        stage_.note("commit: task {} {}{} {}", to_text(id).substr(0, 6), to_text(row->status), row->wanted ? "" : ", to stop", row->stopped_reason);
    if (known.task.live() && !row->live()) ended_.push_back(id);
    if (row->acknowledged && !known.task.acknowledged && row->live() && row->wanted && !hosts_->recorded(row->instance, to_text(id)))
        stage_.fail(7, "task {} is acknowledged and its agent has no record of it", to_text(id));
    const Task earlier = std::exchange(known.task, std::move(*row));
    known.bytes = bytes;
    services_.task(&earlier, known.task);
}

// Invariant 7, second half: once STOPPED is accepted nothing of the task remains. A host that was deregistered by force is
// given up with all that is on it.
void Oracle::ended(const TaskId& id)
{
    const auto at = tasks_.find(id);
    if (at == tasks_.end()) return;
    const auto instance = instances_.find(at->second.task.instance);
    const bool away = instance == instances_.end() || !instance->second.agent_connected || came_.contains(instance->first);
    at->second.given_up = (instance != instances_.end() && instance->second.status == model::InstanceStatus::inactive) || (hosts_may_be_lost && away);
    if (at->second.task.stopped_reason.view().find("counts as lost") != std::string::npos) {
        ++stage_.taken["task: lost with its agent"];
        if (!away) stage_.fail(7, "task {} counts as lost and its agent is connected", to_text(id));
    }
    if (!at->second.given_up && hosts_->anything_of(to_text(id))) stage_.fail(7, "task {} is STOPPED, and something of it is left on its host", to_text(id));
    // What a container ended with is told, if its host knew it.
    const auto& containers = at->second.task.containers;
    for (std::size_t n = 0; n < containers.size(); ++n) {
        const auto code = hosts_->exit_code(agent::container_id(to_text(id), n));
        if (code && !at->second.given_up && containers[n].exit_code != code && containers[n].reason.view().find("exit status unknown") == std::string::npos)
            stage_.fail(2, "container {} of task {} ended with {}, and the task says {}", containers[n].name, to_text(id), *code,
                        containers[n].exit_code.value_or(-1));
    }
}

// Invariant 2, and that what was written once stays.
void Oracle::forward(const Task& before, const Task& after)
{
    const std::string name = to_text(before.id);
    if (after.status < before.status) stage_.fail(2, "task {} went back from {} to {}", name, to_text(before.status), to_text(after.status));
    if (after.instance != before.instance) stage_.fail(2, "task {} moved", name);
    if (after.wanted && !before.wanted) stage_.fail(2, "task {} is wanted again", name);
    if (!before.live() && after.settled && !before.settled) {    // no news of the task: its service has counted its end
        Task same = before;
        same.settled = true;
        if (model::encode(same) != model::encode(after)) stage_.fail(2, "task {} is STOPPED and changed", name);
        return;
    }
    if (after.version <= before.version) stage_.fail(10, "task {} changed and its version is {} after {}", name, after.version, before.version);
    if (!before.live()) stage_.fail(2, "task {} is STOPPED and changed", name);
    if (before.started_at && after.started_at != before.started_at) stage_.fail(2, "task {} started at another time than it did", name);
    if (before.stop_code != model::StopCode::none && (after.stop_code != before.stop_code || after.stopped_reason != before.stopped_reason))
        stage_.fail(2, "task {} has another cause of its end", name);
    if (after.cluster != before.cluster || after.definition != before.definition || after.containers.size() != before.containers.size())
        return stage_.fail(2, "task {} became another", name);
    for (std::size_t at = 0; at < after.containers.size(); ++at) {
        const auto& was = before.containers[at];
        const auto& is = after.containers[at];
        if (is.status < was.status) stage_.fail(2, "container {} of task {} went back", is.name, name);
        if (was.exit_code && is.exit_code != was.exit_code) stage_.fail(2, "container {} of task {} has another exit code", is.name, name);
    }
}

void Oracle::eni_freed(const model::Eni& eni)
{
    const auto task = tasks_.find(eni.task);
    if (task == tasks_.end() || task->second.given_up) return;
    if (hosts_->has_interface(to_text(eni.task))) stage_.fail(1, "the address of task {} is free and still in use on its host", to_text(eni.task));
}

// A service's task that load balancers send requests to ends when these are answered: unless it ends by itself, or its
// instance is given up.
void Oracle::check_drained(const std::string& task) const
{
    const auto* committed = find(task);
    if (!committed || !committed->task.balanced || committed->task.wanted || !committed->task.started_at || committed->given_up) return;
    if (committed->task.stop_code != model::StopCode::service_scheduler_initiated && committed->task.stop_code != model::StopCode::user_initiated) return;
    const std::string address = ipv4_text(committed->task.attachment.address);
    for (const auto& [key, target] : targets_)
        if (key.id == address && !target.drained) stage_.fail(12, "task {} is stopped while requests to {} may be under way", task, address);
}

void Oracle::told(int server, const state::Changes& changes)
{
    for (const auto& change : changes) {
        if (!change.is<Task>()) continue;
        const Task* before = change.before_as<Task>();
        const Task* after = change.after_as<Task>();
        const TaskId id = after ? after->id : before->id;
        Told& known = told_[{server, id}];
        if (before && known.version != 0 && before->version != known.version)
            stage_.fail(10, "a watcher hears of task {} from version {} on and was at {}", to_text(id), before->version, known.version);
        if (!after) continue;
        known.version = after->version;
        if (!ever_.contains(to_text(id))) stage_.fail(10, "a watcher hears of task {}, which is not on the disk", to_text(id));
        const auto committed = tasks_.find(id);
        if (committed != tasks_.end() && committed->second.task.version < after->version)
            stage_.fail(10, "a watcher hears of version {} of task {}; the disk has {}", after->version, to_text(id), committed->second.task.version);
    }
}

void Oracle::loaded(const state::View& view)
{
    const auto compare = [&](const auto& rows, const auto& ours, const char* what, auto bytes_of) {
        if (rows.size() != ours.size()) stage_.fail(8, "a server loaded {} {}s and {} were committed", rows.size(), what, ours.size());
        for (const auto& [id, row] : rows) {
            const auto at = ours.find(id);
            if (at == ours.end()) stage_.fail(8, "a server loaded a {} that was never committed", what);
            else if (bytes_of(at->second) != model::encode(*row)) stage_.fail(8, "a server loaded another {} than was committed", what);
        }
    };
    compare(view.rows<Task>(), tasks_, "task", [](const Committed& c) { return c.bytes; });
    compare(view.rows<model::Instance>(), instances_, "instance", [](const model::Instance& i) { return model::encode(i); });
    const auto encoded = [](const auto& row) { return model::encode(row); };
    compare(view.rows<model::Eni>(), enis_, "interface", encoded);
    compare(view.rows<model::Target>(), targets_, "target", encoded);
    compare(view.rows<model::Service>(), services_.services(), "service", encoded);
    compare(view.rows<model::ServiceRevision>(), services_.revisions(), "revision", encoded);
    compare(view.rows<model::ServiceDeployment>(), services_.deployments(), "deployment", encoded);
}

}  // namespace boxship::sim
