#include "state/derived.h"

#include "base/mutant.h"

namespace boxship::state {

using model::TaskStatus;

void Derived::add(const model::Task& task, int sign)
{
    if (!task.live()) return;
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
        if (counts == ClusterCounts{}) counts_.erase(instance.cluster);
    };
    if (before) add_instance(*before, -1);
    if (after) add_instance(*after, +1);
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

}  // namespace boxship::state
