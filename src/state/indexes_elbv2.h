// Indexes of load balancers and certificates: a part of indexes.h.
#pragma once

#include <tuple>

#include "model/elbv2.h"

namespace boxship::state {

using namespace model;

struct LoadBalancerByName {
    using Row = LoadBalancer;
    using Value = ScopedName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.scope, row.name}); }
};

struct ListenerPort {
    LoadBalancerId load_balancer;
    std::int32_t port = 0;
    auto operator<=>(const ListenerPort&) const = default;
};
struct ListenersByLoadBalancer {
    using Row = Listener;
    using Value = LoadBalancerId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.load_balancer); }
};
struct ListenerByPort {
    using Row = Listener;
    using Value = ListenerPort;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.load_balancer, row.port}); }
};

// Every target group that the actions of a row name.
template <class Emit>
void emit_target_groups(const std::vector<RuleAction>& actions, Emit emit)
{
    for (const auto& action : actions)
        for (const auto& target : action.targets) emit(target.group);
}
struct ListenersByTargetGroup {
    using Row = Listener;
    using Value = TargetGroupId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit_target_groups(row.actions, emit); }
};
struct ListenersByCertificate {
    using Row = Listener;
    using Value = CertificateId;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (row.certificate) emit(row.certificate);
        for (const auto& certificate : row.more_certificates) emit(certificate);
    }
};

struct RulePriority {
    ListenerId listener;
    std::int32_t priority = 0;
    auto operator<=>(const RulePriority&) const = default;
};
struct RulesByListener {
    using Row = ListenerRule;
    using Value = ListenerId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.listener); }
};
struct RuleByPriority {
    using Row = ListenerRule;
    using Value = RulePriority;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.listener, row.priority}); }
};
struct RulesByTargetGroup {
    using Row = ListenerRule;
    using Value = TargetGroupId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit_target_groups(row.actions, emit); }
};

struct TargetGroupByName {
    using Row = TargetGroup;
    using Value = ScopedName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.scope, row.name}); }
};

struct TargetsByGroup {
    using Row = Target;
    using Value = TargetGroupId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.name.group); }
};
struct DrainingTargetsByTime {  // what is forgotten next
    using Row = Target;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.draining()) emit(row.draining_until); }
};

}  // namespace boxship::state
