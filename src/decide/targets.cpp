#include "decide/targets.h"

#include <algorithm>
#include <set>

#include "base/arn.h"
#include "base/ipv4.h"
#include "model/elbv2_arns.h"
#include "model/elbv2_attributes.h"

namespace boxship::decide {
namespace {

using namespace model;

constexpr std::size_t forgotten_at_once = 64;

std::string sentence(TargetReason reason)
{
    switch (reason) {
    case TargetReason::none: return {};
    case TargetReason::registration_in_progress: return "Target registration is in progress";
    case TargetReason::initial_health_checking: return "Initial health checks in progress";
    case TargetReason::response_code_mismatch: return "Health checks failed";
    case TargetReason::timeout: return "Request timed out";
    case TargetReason::failed_health_checks: return "Health checks failed";
    case TargetReason::not_registered: return "Target is not registered to the target group";
    case TargetReason::not_in_use: return "Target group is not configured to receive traffic from the load balancer";
    case TargetReason::deregistration_in_progress: return "Target deregistration is in progress";
    case TargetReason::invalid_state: return "Target is in the terminated state";
    case TargetReason::ip_unusable: return "Target IP address is reserved for use by a load balancer";
    case TargetReason::health_check_disabled: return "Health checks are disabled";
    }
    return {};
}

TargetHealth unused(TargetReason reason) { return {TargetState::unused, reason, sentence(reason)}; }

// Whether one of the load balancers that forward to the group is in the zone. Of an unknown zone: yes.
bool zone_is_enabled(const state::View& view, const TargetGroupId& group, const std::string& zone)
{
    if (zone.empty() || zone == "all") return true;
    return std::ranges::any_of(load_balancers_of(view, group), [&](const LoadBalancerId& id) {
        const auto balancer = view.get<LoadBalancer>(id);
        return std::ranges::any_of(balancer->zones, [&](const LoadBalancerZone& foot) {
            const auto subnet = view.get<Subnet>(foot.subnet);
            return subnet && subnet->zone == zone;
        });
    });
}

}  // namespace

std::shared_ptr<const TargetGroup> target_group_of(const state::View& view, const Scope& scope, std::string_view arn)
{
    constexpr std::string_view kind = "targetgroup/";    // …<name>/<id>
    const auto parsed = Arn::parse(arn);
    if (!parsed || parsed->service != "elasticloadbalancing" || !parsed->resource.starts_with(kind)) return nullptr;
    auto group = view.first<state::TargetGroupByName>({scope, parsed->resource.substr(kind.size(), parsed->resource.rfind('/') - kind.size())});
    return group && target_group_arn(*group) == arn ? group : nullptr;
}

std::optional<Target> register_target(const state::View& view, const TargetGroup& group, const std::string& id, std::int32_t port,
                                      const std::string& zone, Time now)
{
    const TargetKey key{group.id, id, port == 0 ? group.port : port};
    const auto standing = view.get<Target>(key);
    if (standing && !standing->draining()) return std::nullopt;
    return Target{.name = key, .zone = zone, .registered_at = now, .since = now};
}

std::optional<Target> deregister_target(const state::View& view, const TargetKey& key, Time now)
{
    const auto standing = view.get<Target>(key);
    if (!standing || standing->draining()) return std::nullopt;
    const auto group = view.get<TargetGroup>(key.group);
    const bool used = is_attached(view, key.group);
    const int delay = attribute_number(target_group_attributes(), group->attributes, "deregistration_delay.timeout_seconds");
    Target target = *standing;
    // Nothing goes to a target that is not well, and nothing to a group that nobody forwards to. Of one that was well only
    // the data plane knows.
    target.drained = !used;
    target.state = TargetState::draining;
    target.reason = TargetReason::deregistration_in_progress;
    target.description.clear();
    target.since = now;
    target.draining_until = used ? now + Milliseconds(1000LL * delay) : now;
    return target;
}

TargetHealth health_of(const state::View& view, const Target& target)
{
    if (target.draining()) return {target.state, target.reason, sentence(target.reason)};
    const auto group = view.get<TargetGroup>(target.name.group);
    if (!group || !is_attached(view, target.name.group)) return unused(TargetReason::not_in_use);
    if (!address_of(view, target)) return unused(TargetReason::invalid_state);
    if (!zone_is_enabled(view, group->id, zone_of(view, *group, target)))
        return {TargetState::unused, TargetReason::not_in_use, "Target is in an Availability Zone that is not enabled for the load balancer"};
    return {target.state, target.reason, target.description.empty() ? sentence(target.reason) : target.description};
}

bool is_drained(const state::View& view, const TargetKey& key)
{
    const auto target = view.get<Target>(key);
    return !target || target->drained;
}

bool is_attached(const state::View& view, const TargetGroupId& group)
{
    return view.any<state::ListenersByTargetGroup>(group) || view.any<state::RulesByTargetGroup>(group);
}

std::vector<LoadBalancerId> load_balancers_of(const state::View& view, const TargetGroupId& group)
{
    std::set<LoadBalancerId> ids;
    for (const auto& listener : view.all<state::ListenersByTargetGroup>(group)) ids.insert(listener->load_balancer);
    for (const auto& rule : view.all<state::RulesByTargetGroup>(group))
        if (const auto listener = view.get<Listener>(rule->listener)) ids.insert(listener->load_balancer);
    return {ids.begin(), ids.end()};
}

std::optional<TargetAddress> address_of(const state::View& view, const Target& target)
{
    const auto group = view.get<TargetGroup>(target.name.group);
    if (!group) return std::nullopt;
    std::string text = target.name.id;
    if (group->type == TargetType::instance) {
        const auto instance = view.first<state::InstancesByEc2Id>(target.name.id);
        if (!instance) return std::nullopt;
        text = instance->address;
    }
    const auto address = parse_ipv4(text);
    if (!address) return std::nullopt;
    return TargetAddress{*address, target.name.port};
}

std::string zone_of(const state::View& view, const TargetGroup& group, const Target& target)
{
    if (!target.zone.empty()) return target.zone;
    if (group.type == TargetType::instance) {
        const auto instance = view.first<state::InstancesByEc2Id>(target.name.id);
        return instance ? instance->zone : "";
    }
    const auto address = parse_ipv4(target.name.id);
    if (!address) return {};
    for (const auto& subnet : view.all<state::SubnetsByVpc>(group.vpc))
        if (Ipv4Range{subnet->network, subnet->prefix}.contains(*address)) return subnet->zone;
    return {};
}

DrainedTargets plan_drained_targets(const state::View& view, Time now)
{
    DrainedTargets plan;
    const auto& entries = view.entries<state::DrainingTargetsByTime>();
    // Later than any delay allows: the clock was set back meanwhile.
    for (auto at = entries.lower_bound({now + deregistration_delay_max + Milliseconds(1), TargetKey{}}); at != entries.end() && plan.gone.size() < forgotten_at_once; ++at)
        plan.gone.push_back(at->second);
    for (const auto& [until, key] : entries) {
        if (until > now + deregistration_delay_max) break;
        if (until > now) {
            plan.wake_at = until;
            break;
        }
        if (plan.gone.size() == forgotten_at_once) {
            plan.wake_at = now;
            break;
        }
        plan.gone.push_back(key);
    }
    return plan;
}

}  // namespace boxship::decide
