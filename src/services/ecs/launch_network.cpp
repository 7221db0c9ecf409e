#include <algorithm>

#include "services/ecs/launch.h"
#include "services/ecs/messages.h"
#include "services/ec2/lookup.h"

namespace boxship::services::ecs {

Result<Network> find_network(const View& view, const Call& call, const api::NetworkConfiguration* network)
{
    if (!network || !network->awsvpc_configuration) return invalid(messages::network_missing);
    const auto& asked = *network->awsvpc_configuration;
    if (asked.subnets.empty()) return invalid(messages::subnets_empty);
    if (const auto most = call.quota(model::Quota::subnets_per_network); asked.subnets.size() > most) return invalid(say(messages::subnets_max, most));
    if (const auto most = call.quota(model::Quota::groups_per_network); asked.security_groups.size() > most) return invalid(say(messages::groups_max, most));
    Network found;
    for (const auto& name : asked.subnets) {
        auto subnet = ec2::find_subnet(view, call.scope, name);
        if (!subnet) return invalid(say(messages::subnet_unknown, name));
        if (!found.subnets.empty() && found.subnets.front()->vpc != subnet->vpc) return invalid(messages::subnets_vpc);
        found.subnets.push_back(std::move(subnet));
    }
    const VpcId vpc = found.subnets.front()->vpc;
    for (const auto& name : asked.security_groups) {
        const auto group = ec2::find_group(view, call.scope, name);
        if (!group) return invalid(say(messages::group_unknown, name));
        if (group->vpc != vpc) return invalid(say(messages::group_vpc, name));
        if (std::ranges::find(found.groups, group->id) == found.groups.end()) found.groups.push_back(group->id);
    }
    if (found.groups.empty())
        for (const auto& group : view.all<state::GroupsByVpc>(vpc))
            if (group->name == "default") found.groups.push_back(group->id);
    return found;
}

}  // namespace boxship::services::ecs
