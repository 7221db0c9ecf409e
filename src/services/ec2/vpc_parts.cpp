#include <algorithm>

#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"

namespace boxship::services::ec2 {
namespace {

// What leaves the machine's own stack over the uplink to a VPC (runtime/net/router.h).
constexpr std::uint32_t link_local = 169u << 24 | 254u << 16;

model::GroupRule allow_all(bool egress)
{
    model::GroupRule rule;
    rule.egress = egress;
    rule.protocol = "-1";
    return rule;
}

}  // namespace

model::GroupRule allow_all_out()
{
    model::GroupRule rule = allow_all(true);
    rule.prefix = 0;
    return rule;
}

std::vector<model::GroupRule> default_group_rules(const model::SecurityGroup& group)
{
    model::GroupRule members = allow_all(false);
    members.group = group.id;
    return {members, allow_all_out()};
}

void make_vpc_parts(state::Txn& txn, const model::Vpc& vpc, Ids& ids)
{
    if (!main_table(txn, vpc.id)) {
        model::RouteTable table{.id = ids.next<RouteTableId>(), .scope = vpc.scope, .vpc = vpc.id};
        table.associations.push_back({ids.next<RouteAssociationId>(), {}});
        // A default VPC leads to the world, as on AWS: by a gateway of its own.
        if (vpc.is_default) {
            const model::InternetGateway gateway{.id = ids.next<InternetGatewayId>(), .scope = vpc.scope, .vpc = vpc.id};
            table.routes.push_back({.network = 0, .prefix = 0, .ipv6 = {}, .gateway = gateway.id});
            txn.put(gateway);
        }
        txn.put(std::move(table));
    }
    const auto groups = txn.all<state::GroupsByVpc>(vpc.id);
    const auto standing = std::ranges::find_if(groups, [](const auto& group) { return group->is_default(); });
    if (standing != groups.end() && (*standing)->has_rules) return;
    model::SecurityGroup group;
    if (standing != groups.end()) {
        group = **standing;
    } else {
        group.id = ids.next<SecurityGroupId>();
        group.scope = vpc.scope;
        group.vpc = vpc.id;
        group.name = "default";
        group.description = "default VPC security group";
    }
    group.rules = default_group_rules(group);
    if (vpc.is_default) {
        // Whoever sits at the machine reaches the default VPC's tasks.
        model::GroupRule machine = allow_all(false);
        machine.network = link_local;
        machine.prefix = 16;
        machine.description = "this machine";
        group.rules.insert(group.rules.begin() + 1, machine);
    }
    for (auto& rule : group.rules) rule.id = ids.next<GroupRuleId>();
    group.has_rules = true;
    txn.put(std::move(group));
}

}  // namespace boxship::services::ec2
