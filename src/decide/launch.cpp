#include "decide/launch.h"

#include <algorithm>

#include "decide/addresses.h"
#include "decide/query/query.h"
#include "model/arns.h"

namespace boxship::decide {
namespace {

std::shared_ptr<const model::Subnet> subnet_with_address(const state::View& view, const Launch& launch, const model::Instance& instance, Ids& ids,
                                                         const std::map<Text, int>* crowds, std::uint32_t& address)
{
    const bool anywhere = launch.pattern.launch_type == model::LaunchType::fargate;
    const std::size_t start = launch.subnets.size() > 1 ? ids.number(launch.subnets.size()) : 0;
    std::vector<std::shared_ptr<const model::Subnet>> subnets = launch.subnets;
    std::rotate(subnets.begin(), subnets.begin() + static_cast<std::ptrdiff_t>(start), subnets.end());
    if (crowds && anywhere)
        std::ranges::stable_sort(subnets, {}, [&](const auto& subnet) {
            const auto found = crowds->find(Text(subnet->zone));
            return found == crowds->end() ? 0 : found->second;
        });
    for (const auto& subnet : subnets) {
        if (!anywhere && subnet->zone != instance.zone) continue;
        if (const auto free = pick_address(view, *subnet, ids)) {
            address = *free;
            return subnet;
        }
    }
    return nullptr;
}

}  // namespace

Need need_of(const model::Task& pattern, const model::TaskDefinition& definition,
             const std::vector<std::shared_ptr<const model::Subnet>>& subnets, double fargate_overcommit)
{
    Need need{.cpu = pattern.cpu, .memory = pattern.memory, .ports = pattern.reserved_ports};
    if (pattern.launch_type == model::LaunchType::fargate) {
        // The platform's own hosts can do all that the platform offers; only the architecture may differ.
        need.cpu_overcommit = fargate_overcommit;
        for (const auto& name : definition.requires_attributes)
            if (name == "ecs.cpu-architecture=arm64") need.attributes.push_back(name);
        return need;
    }
    need.attributes = definition.requires_attributes;
    for (const auto& text : definition.constraints) need.constraints.push_back(query::parse(text).expression);
    if (definition.network_mode == model::NetworkMode::awsvpc) {
        // Interfaces are made by the agent from the payload alone; one that waits for EC2's attachment would wait for ever.
        need.attributes.emplace_back("boxship.eni-inline");
        need.interface = true;
        for (const auto& subnet : subnets) need.zones.push_back(subnet->zone);
    }
    return need;
}

std::optional<NewTask> make_task(const state::View& view, const Launch& launch, const model::Instance& instance, Ids& ids, Time now,
                                 const std::map<Text, int>* crowds)
{
    NewTask made{.task = launch.pattern, .eni = {}};
    model::Task& task = made.task;
    task.id = ids.next<TaskId>(now);
    task.instance = instance.id;
    task.zone = instance.zone;
    task.created_at = now;
    task.status = model::TaskStatus::pending;
    for (auto& container : task.containers) container.id = ids.next<model::ContainerId>();
    if (launch.subnets.empty()) return made;
    std::uint32_t address = 0;
    const auto subnet = subnet_with_address(view, launch, instance, ids, crowds, address);
    if (!subnet) return std::nullopt;
    model::Eni& eni = made.eni.emplace();
    eni.id = ids.next<EniId>();
    eni.scope = launch.scope;
    eni.vpc = subnet->vpc;
    eni.subnet = subnet->id;
    eni.address = address;
    eni.mac = pick_mac(ids);
    eni.groups = launch.groups;
    eni.task = task.id;
    eni.attachment = ids.next<Id<struct model::AttachmentTag>>();
    eni.description = model::attachment_arn(launch.scope, eni.attachment);
    eni.created_at = now;
    task.eni = eni.id;
    task.attachment = {.id = eni.attachment, .eni = eni.id, .subnet = subnet->id, .address = address, .mac = eni.mac};
    task.zone = subnet->zone;
    task.status = model::TaskStatus::provisioning;
    return made;
}

}  // namespace boxship::decide
