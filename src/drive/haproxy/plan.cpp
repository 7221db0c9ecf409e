#include "drive/haproxy/plan.h"

#include <algorithm>

#include "base/strings.h"
#include "model/elbv2_arns.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

void add_group(const state::View& view, const TargetGroupId& id, std::size_t balancer, Plan& plan)
{
    const auto [at, is_new] = plan.groups.try_emplace(id);
    if (!is_new) return;
    GroupPlan& group = at->second;
    group.row = view.get<TargetGroup>(id);
    group.balancer = balancer;
    for (const auto& target : view.all<state::TargetsByGroup>(id)) {
        const auto health = decide::health_of(view, *target);
        if (health.state == TargetState::unused) continue;
        const auto address = decide::address_of(view, *target);
        if (address) group.targets.push_back({target->name, *address, target->state, target->reason, target->registered_at, target->drained});
    }
}

void add_certificate(const state::View& view, const CertificateId& id, Plan& plan)
{
    if (id) plan.certificates[id] = view.get<Certificate>(id);
}

void add_listener(const state::View& view, const std::shared_ptr<const Listener>& listener, BalancerPlan& balancer, Plan& plan)
{
    ListenerPlan& out = balancer.listeners.emplace_back();
    out.row = listener;
    out.rules = view.all<state::RulesByListener>(listener->id);
    std::ranges::sort(out.rules, {}, [](const auto& rule) { return rule->priority; });
    const auto add = [&](const std::vector<RuleAction>& actions) {
        for (const auto& action : actions)
            for (const auto& target : action.targets) add_group(view, target.group, plan.balancers.size(), plan);
    };
    for (const auto& rule : out.rules) add(rule->actions);
    add(listener->actions);
    add_certificate(view, listener->certificate, plan);
    for (const auto& id : listener->more_certificates) add_certificate(view, id, plan);
}

}  // namespace

Plan make_plan(const state::View& view)
{
    Plan plan;
    std::vector<std::shared_ptr<const LoadBalancer>> rows;
    for (const auto& [id, row] : view.rows<LoadBalancer>()) rows.push_back(row);
    std::ranges::stable_sort(rows, {}, [](const auto& row) { return row->created_at; });
    for (const auto& row : rows) {
        BalancerPlan balancer{.row = row, .name = load_balancer_suffix(*row), .dns_name = to_lower(dns_name(*row)), .vpc = to_short_text("vpc-", row->vpc)};
        for (const auto& zone : row->zones) balancer.addresses.push_back(view.get<Eni>(zone.eni)->address);
        VpcPlan& vpc = plan.vpcs[balancer.vpc];
        vpc.row = view.get<Vpc>(row->vpc);
        vpc.addresses.insert(vpc.addresses.end(), balancer.addresses.begin(), balancer.addresses.end());
        auto listeners = view.all<state::ListenersByLoadBalancer>(row->id);
        std::ranges::sort(listeners, {}, [](const auto& listener) { return listener->port; });
        for (const auto& listener : listeners) add_listener(view, listener, balancer, plan);
        plan.balancers.push_back(std::move(balancer));
    }
    for (auto& [name, vpc] : plan.vpcs) std::ranges::sort(vpc.addresses);
    return plan;
}

std::string listener_name(const ListenerId& id) { return "listener_" + elb_text(id); }
std::string group_name(const TargetGroupId& id) { return "targets_" + elb_text(id); }
std::string probe_name(const TargetGroupId& id) { return "probe_" + elb_text(id); }
std::string open_name(const TargetGroupId& id) { return "open_" + elb_text(id); }

}  // namespace boxship::drive::haproxy
