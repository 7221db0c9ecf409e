#include "drive/agents/group_feed.h"

#include <algorithm>

#include "base/ipv4.h"
#include "decide/ways_out.h"
#include "model/network.h"

namespace boxship::drive {

using shape::Json;

namespace {

using Members = std::set<std::uint32_t>;

std::string group_id(const SecurityGroupId& id) { return to_short_text("sg-", id); }

Json rules_json(const model::SecurityGroup& group)
{
    Json rules = Json::array();
    for (const auto& rule : group.rules) {
        if (!rule.group && rule.prefix < 0) continue;   // an IPv6 range: nothing here has such an address
        Json json = Json::object({{"egress", rule.egress}, {"protocol", rule.protocol}, {"from", rule.from_port}, {"to", rule.to_port}});
        if (rule.group) json.set("group", group_id(rule.group));
        else json.set("range", to_text(Ipv4Range{rule.network, rule.prefix}));
        rules.push_back(std::move(json));
    }
    return rules;
}

// A host's own interface has the default group, as an EC2 instance that was launched without naming one.
std::shared_ptr<const model::SecurityGroup> group_of_hosts(const state::View& view)
{
    for (const auto& [id, vpc] : view.rows<model::Vpc>())
        if (vpc->is_default)
            for (const auto& group : view.all<state::GroupsByVpc>(id))
                if (group->is_default()) return group;
    return nullptr;
}

Members host_addresses(const state::View& view)
{
    Members found;
    for (const auto& [id, instance] : view.rows<model::Instance>()) {
        const auto address = parse_ipv4(instance->address);
        if (address && !instance->external && instance->status != model::InstanceStatus::inactive) found.insert(*address);
    }
    return found;
}

bool changes_hosts(const state::Change& change)
{
    if (!change.is<model::Instance>()) return false;
    const auto* before = change.before_as<model::Instance>();
    const auto* after = change.after_as<model::Instance>();
    return !before || !after || before->address != after->address || before->status != after->status;
}

// The VPC whose routes a change may concern.
template <class Row>
void note_vpc(const state::Change& change, std::set<VpcId>& vpcs)
{
    if (!change.is<Row>()) return;
    for (const auto* row : {change.before_as<Row>(), change.after_as<Row>()})
        if (row && row->vpc) vpcs.insert(row->vpc);
}

}  // namespace

std::string router_name(const model::Vpc& vpc) { return vpc.is_default ? "default" : to_short_text("vpc-", vpc.id); }

void GroupFeed::follow()
{
    store_.watch([this](const state::Changes& changes) {
        if (!sinks_.empty()) tell(changes);
    });
}

std::string GroupFeed::router_of(const VpcId& vpc)
{
    auto& name = routers_[vpc];
    if (name.empty())
        if (const auto row = store_.view().get<model::Vpc>(vpc)) name = router_name(*row);
    return name;
}

Json GroupFeed::group_json(const model::SecurityGroup& group, bool with_members)
{
    Json json = Json::object({{"router", router_of(group.vpc)}, {"id", group_id(group.id)}, {"rules", rules_json(group)}});
    if (!with_members) return json;
    const state::View view = store_.view();
    Members members;
    for (const auto& eni : view.all<state::EnisByGroup>(group.id)) members.insert(eni->address);
    if (const auto hosts = group_of_hosts(view); hosts && hosts->id == group.id) members.merge(host_addresses(view));
    Json list = Json::array();
    for (const auto address : members) list.push_back(ipv4_text(address));
    json.set("members", std::move(list));
    return json;
}

Json GroupFeed::ways_json(const VpcId& vpc)
{
    const state::View view = store_.view();
    Json subnets = Json::array();
    for (const auto& subnet : view.all<state::SubnetsByVpc>(vpc)) {
        Json to = Json::array();
        for (const auto& span : decide::ways_out(view, *subnet)) to.push_back(Json::object({{"first", ipv4_text(span.first)}, {"last", ipv4_text(span.last)}}));
        subnets.push_back(Json::object({{"subnet", to_text(Ipv4Range{subnet->network, subnet->prefix})}, {"to", std::move(to)}}));
    }
    return Json::object({{"router", router_of(vpc)}, {"subnets", std::move(subnets)}});
}

void GroupFeed::add(const void* who, Sink sink)
{
    Json groups = Json::array();
    for (const auto& [id, group] : store_.view().rows<model::SecurityGroup>()) groups.push_back(group_json(*group, true));
    Json ways = Json::array();
    for (const auto& [id, vpc] : store_.view().rows<model::Vpc>()) ways.push_back(ways_json(id));
    sink(Json::object({{"kind", "groups"}, {"all", true}, {"groups", std::move(groups)}, {"ways", std::move(ways)}}));
    sinks_[who] = std::move(sink);
}

void GroupFeed::remove(const void* who) { sinks_.erase(who); }

void GroupFeed::tell(const state::Changes& changes)
{
    Json groups = Json::array(), left = Json::array(), joined = Json::array(), gone = Json::array(), ways = Json::array();
    std::set<VpcId> rerouted;
    const auto member = [&](const VpcId& vpc, const SecurityGroupId& group, std::uint32_t address) {
        return Json::object({{"router", router_of(vpc)}, {"id", group_id(group)}, {"address", ipv4_text(address)}});
    };
    const auto has = [](const model::Eni* eni, const SecurityGroupId& group, std::uint32_t address) {
        return eni && eni->address == address && std::ranges::find(eni->groups, group) != eni->groups.end();
    };
    for (const auto& change : changes) {
        if (change.is<model::SecurityGroup>()) {
            const auto* before = change.before_as<model::SecurityGroup>();
            const auto* after = change.after_as<model::SecurityGroup>();
            if (!after) gone.push_back(Json::object({{"router", router_of(before->vpc)}, {"id", group_id(before->id)}}));
            else if (!before || rules_json(*before) != rules_json(*after)) groups.push_back(group_json(*after, !before));
        }
        if (change.is<model::Eni>()) {
            const auto* before = change.before_as<model::Eni>();
            const auto* after = change.after_as<model::Eni>();
            if (before)
                for (const auto& group : before->groups)
                    if (!has(after, group, before->address)) left.push_back(member(before->vpc, group, before->address));
            if (after)
                for (const auto& group : after->groups)
                    if (!has(before, group, after->address)) joined.push_back(member(after->vpc, group, after->address));
        }
        note_vpc<model::RouteTable>(change, rerouted);
        note_vpc<model::Subnet>(change, rerouted);
        note_vpc<model::InternetGateway>(change, rerouted);
        note_vpc<model::NatGateway>(change, rerouted);
        if (changes_hosts(change)) {
            const auto group = group_of_hosts(store_.view());
            if (group) groups.push_back(group_json(*group, true));
        }
    }
    for (const auto& vpc : rerouted)
        if (store_.view().get<model::Vpc>(vpc)) ways.push_back(ways_json(vpc));
    Json frame = Json::object({{"kind", "groups"}});
    bool any = false;
    for (auto& [name, list] : {std::pair{"groups", &groups}, {"left", &left}, {"joined", &joined}, {"gone", &gone}, {"ways", &ways}}) {
        if (list->as_array().empty()) continue;
        frame.set(name, std::move(*list));
        any = true;
    }
    if (!any) return;
    for (const auto& [who, sink] : sinks_) sink(frame);
}

}  // namespace boxship::drive
