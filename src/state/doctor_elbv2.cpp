#include "state/doctor_elbv2.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace boxship::state {
namespace {

class Examination {
public:
    Examination(const View& view, std::vector<std::string>& complaints) : view_(view), complaints_(complaints) {}

    void run()
    {
        for (const auto& [id, balancer] : view_.rows<LoadBalancer>()) this->balancer(*balancer);
        for (const auto& [id, eni] : view_.rows<Eni>())
            if (eni->load_balancer && !view_.get<LoadBalancer>(eni->load_balancer))
                complain("{} belongs to a load balancer that is not there", to_short_text("eni-", id));
        for (const auto& [id, listener] : view_.rows<Listener>()) this->listener(*listener);
        for (const auto& [id, rule] : view_.rows<ListenerRule>()) this->rule(*rule);
        std::set<ScopedName> names;
        for (const auto& [id, group] : view_.rows<TargetGroup>())
            if (!names.insert({group->scope, group->name}).second) complain("two target groups are called {}", group->name);
        for (const auto& [key, target] : view_.rows<Target>()) {
            if (!view_.get<TargetGroup>(key.group)) complain("the target {} is in a target group that is not there", key.id);
            if (target->draining() != bool(target->draining_until)) complain("the target {} is draining without an end", key.id);
        }
    }

private:
    template <class... Args>
    void complain(fmt::format_string<Args...> format, Args&&... args)
    {
        complaints_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    void balancer(const LoadBalancer& balancer)
    {
        if (!balancers_.insert({balancer.scope, balancer.name}).second) complain("two load balancers are called {}", balancer.name);
        std::size_t found = 0;
        for (const auto& zone : balancer.zones) {
            const auto eni = view_.get<Eni>(zone.eni);
            if (!eni || eni->load_balancer != balancer.id || eni->subnet != zone.subnet)
                complain("the load balancer {} has no interface in one of its subnets", balancer.name);
            else
                ++found;
            if (eni && eni->groups != balancer.groups) complain("an interface of the load balancer {} has other security groups", balancer.name);
        }
        if (view_.count<EnisByLoadBalancer>(balancer.id) != found) complain("the load balancer {} has an interface too many", balancer.name);
        for (const auto& group : balancer.groups)
            if (!view_.get<SecurityGroup>(group)) complain("the load balancer {} has a security group that is not there", balancer.name);
    }

    void listener(const Listener& listener)
    {
        const std::string name = fmt::format("the listener on port {}", listener.port);
        if (!view_.get<LoadBalancer>(listener.load_balancer)) complain("{} is of a load balancer that is not there", name);
        if (view_.count<ListenerByPort>({listener.load_balancer, listener.port}) != 1) complain("{} is not the only one on it", name);
        actions(name, listener.actions);
        if (listener.protocol == ListenerProtocol::https && !listener.certificate) complain("{} has no certificate", name);
        if (listener.certificate && !view_.get<Certificate>(listener.certificate)) complain("{} has a certificate that is not there", name);
        for (const auto& certificate : listener.more_certificates)
            if (!view_.get<Certificate>(certificate)) complain("{} has a certificate that is not there", name);
    }

    void rule(const ListenerRule& rule)
    {
        const std::string name = fmt::format("the rule of priority {}", rule.priority);
        if (!view_.get<Listener>(rule.listener)) complain("{} is of a listener that is not there", name);
        if (view_.count<RuleByPriority>({rule.listener, rule.priority}) != 1) complain("{} is not the only one of it", name);
        actions(name, rule.actions);
    }

    void actions(const std::string& whose, const std::vector<RuleAction>& actions)
    {
        if (actions.empty()) complain("{} does nothing", whose);
        for (const auto& action : actions)
            for (const auto& target : action.targets)
                if (!view_.get<TargetGroup>(target.group)) complain("{} forwards to a target group that is not there", whose);
    }

    const View& view_;
    std::vector<std::string>& complaints_;
    std::set<ScopedName> balancers_;
};

}  // namespace

void examine_load_balancers(const View& view, std::vector<std::string>& complaints) { Examination(view, complaints).run(); }

}  // namespace boxship::state
