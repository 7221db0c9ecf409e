#include "state/derived.h"

#include <algorithm>

#include "base/mutant.h"

namespace boxship::state {

using model::TaskStatus;

void Derived::add(const model::Task& task, int sign)
{
    if (!task.live()) return;
    if (task.service) add_to_revision(task, sign);
    const bool running = task.status >= TaskStatus::running;
    ClusterCounts& counts = counts_[task.cluster];
    (running ? counts.running : counts.pending) += sign;
    (running ? counts.running_by_type : counts.pending_by_type)[static_cast<std::size_t>(task.launch_type)] += sign;
    if (counts == ClusterCounts{}) counts_.erase(task.cluster);
    if (!task.instance) return;
    InstanceLoad& load = loads_[task.instance];
    load.cpu += sign * task.cpu;
    load.memory += sign * task.memory;
    (running ? load.running : load.pending) += sign;
    load.interfaces += task.eni ? sign : 0;
    if ((load.groups[task.group] += sign) == 0) load.groups.erase(task.group);
    if (mutant("load: ports are free once the end is asked for") && !task.wanted) return;
    for (const auto& port : task.reserved_ports) {
        const std::pair key{port.protocol, port.host_port};
        if ((load.ports[key] += sign) == 0) load.ports.erase(key);
    }
    if (load == InstanceLoad{}) loads_.erase(task.instance);
}

void Derived::add_to_revision(const model::Task& task, int sign)
{
    const model::RevisionKey key{task.service, task.revision};
    RevisionCounts& counts = revisions_[key];
    counts.live += sign;
    if (task.status < TaskStatus::running) counts.pending += sign;
    if (task.status == TaskStatus::running) counts.running += sign;
    if (std::ranges::any_of(task.containers, [](const auto& container) { return !container.image_digest.empty(); })) counts.digested += sign;
    if (task.wanted) {
        counts.wanted += sign;
        if ((counts.zones[task.zone] += sign) == 0) counts.zones.erase(task.zone);
        Stands& stands = stands_[key];
        const auto stand = stands.try_emplace(stand_of(task)).first;
        if ((stand->second += sign) == 0) stands.erase(stand);
        if (stands.empty()) stands_.erase(key);
        if (task.ready()) counts.ready += sign;
        if (task.unhealthy()) counts.unhealthy += sign;
        if (const std::string provider = task.capacity_provider.str(); !provider.empty() && (counts.providers[provider] += sign) == 0)
            counts.providers.erase(provider);
    }
    if (counts == RevisionCounts{}) revisions_.erase(key);
}

void Derived::change(const model::Task* before, const model::Task* after)
{
    if (before) add(*before, -1);
    if (after) add(*after, +1);
}

void Derived::change(const model::Instance* before, const model::Instance* after)
{
    const auto add_instance = [this](const model::Instance& instance, int sign) {
        if (instance.status == model::InstanceStatus::inactive) return;
        ClusterCounts& counts = counts_[instance.cluster];
        counts.instances += sign;
        if (!instance.fargate && (counts.zones[instance.zone] += sign) == 0) counts.zones.erase(instance.zone);
        if (counts == ClusterCounts{}) counts_.erase(instance.cluster);
    };
    if (before) add_instance(*before, -1);
    if (after) add_instance(*after, +1);
}

void Derived::change(const model::Service* before, const model::Service* after)
{
    const auto add_service = [this](const model::Service& service, int sign) {
        if (service.status == model::ServiceStatus::inactive) return;
        const bool active = service.status == model::ServiceStatus::active;
        ClusterCounts& counts = counts_[service.cluster];
        if (active) counts.services += sign;
        (active ? counts.active_services_by_type : counts.draining_services_by_type)[static_cast<std::size_t>(service.launch_type)] += sign;
        if (counts == ClusterCounts{}) counts_.erase(service.cluster);
    };
    if (before) add_service(*before, -1);
    if (after) add_service(*after, +1);
}

void Derived::add_row(std::uint8_t table, const model::Scope& scope, int sign)
{
    const std::pair key{table, scope};
    std::size_t& count = rows_[key];
    count = sign > 0 ? count + 1 : count - 1;
    if (count == 0) rows_.erase(key);
}

std::size_t Derived::rows_of(std::uint8_t table, const model::Scope& scope) const
{
    const auto found = rows_.find({table, scope});
    return found == rows_.end() ? 0 : found->second;
}

const InstanceLoad& Derived::load(const InstanceId& id) const
{
    static const InstanceLoad empty;
    const auto found = loads_.find(id);
    return found == loads_.end() ? empty : found->second;
}

const ClusterCounts& Derived::counts(const ClusterId& id) const
{
    static const ClusterCounts empty;
    const auto found = counts_.find(id);
    return found == counts_.end() ? empty : found->second;
}

const RevisionCounts& Derived::counts(const model::RevisionKey& id) const
{
    static const RevisionCounts empty;
    const auto found = revisions_.find(id);
    return found == revisions_.end() ? empty : found->second;
}

const Stands& Derived::stands(const model::RevisionKey& id) const
{
    static const Stands none;
    const auto found = stands_.find(id);
    return found == stands_.end() ? none : found->second;
}

std::vector<std::pair<std::int64_t, RevisionCounts>> Derived::revisions_in_use(const ServiceId& id) const
{
    std::vector<std::pair<std::int64_t, RevisionCounts>> found;
    for (auto at = revisions_.lower_bound({id, 0}); at != revisions_.end() && at->first.service == id; ++at)
        found.emplace_back(at->first.number, at->second);
    return found;
}

}  // namespace boxship::state
