// RegisterTargets, DeregisterTargets, DescribeTargetHealth.
#include <array>

#include "base/ipv4.h"
#include "decide/targets.h"
#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"
#include "services/elbv2/sums.h"

namespace boxship::services::elbv2 {
namespace {

struct HealthRow {
    std::string id;
    std::int32_t port = 0;
    std::string zone;             // as it was registered
    std::string check_port;
    decide::TargetHealth health;
};

ApiError invalid_target(std::string message) { return {"InvalidTargetException", std::move(message)}; }

bool is_private(std::uint32_t address)
{
    static const std::array<Ipv4Range, 4> ranges = {Ipv4Range{0x0A000000, 8}, Ipv4Range{0x64400000, 10}, Ipv4Range{0xAC100000, 12}, Ipv4Range{0xC0A80000, 16}};
    return std::ranges::any_of(ranges, [&](const Ipv4Range& range) { return range.contains(address); });
}

Result<> check_ip_target(const View& view, const model::TargetGroup& group, const api::TargetDescription& target)
{
    const auto address = parse_ipv4(target.id);
    if (!address) return validation(fmt::format("The IP address '{}' is not valid", target.id));
    const auto vpc = view.get<model::Vpc>(group.vpc);
    const bool inside = vpc && Ipv4Range{vpc->network, vpc->prefix}.contains(*address);
    if (!inside && !is_private(*address)) return validation(fmt::format("The IP address '{}' is not within the VPC or a private range", target.id));
    if (!inside && !(target.availability_zone == "all"))
        return validation(fmt::format("The IP address '{}' is outside the VPC; its Availability Zone must be 'all'", target.id));
    const auto eni = view.first<state::EniByAddress>({group.vpc, *address});
    if (eni && eni->load_balancer) return invalid_target(fmt::format("The IP address '{}' is reserved for use by a load balancer", target.id));
    return {};
}

Result<Done> register_targets(Txn& txn, const Call& call, const api::RegisterTargetsInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr group, find_group(txn, call, request.target_group_arn));
    if (request.targets.empty()) return validation("At least one target must be specified");
    std::string missing;
    for (const auto& target : request.targets) {
        if (group->type == model::TargetType::ip) {
            RETURN_IF_ERROR(check_ip_target(txn, *group, target));
        } else if (!target.id.view().starts_with("i-")) {
            return validation(fmt::format("The instance ID '{}' is not valid", target.id));
        } else if (!txn.any<state::InstancesByEc2Id>(target.id.str())) {
            missing += (missing.empty() ? "'" : ", '") + target.id.str() + "'";
        }
    }
    if (!missing.empty()) return invalid_target(fmt::format("The following targets are not in a running state and cannot be registered: {}", missing));
    for (const auto& target : request.targets) {
        auto row = decide::register_target(txn, *group, target.id.str(), target.port.value_or(0), target.availability_zone.str(), call.now);
        if (row) txn.put(std::move(*row));
    }
    if (const auto most = call.quota(model::Quota::targets_per_group); txn.count<state::TargetsByGroup>(group->id) > most)
        return ApiError{"TooManyTargetsException", fmt::format("A target group can have no more than {} targets", most)};
    for (const auto& balancer : decide::load_balancers_of(txn, group->id)) RETURN_IF_ERROR(check_target_count(txn, call, balancer));
    return Done{};
}

Result<Done> deregister_targets(Txn& txn, const Call& call, const api::DeregisterTargetsInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr group, find_group(txn, call, request.target_group_arn));
    if (request.targets.empty()) return validation("At least one target must be specified");
    for (const auto& target : request.targets) {
        // Without a port: wherever the target is registered.
        std::vector<model::TargetKey> keys;
        for (const auto& row : txn.all<state::TargetsByGroup>(group->id))
            if (target.id == row->name.id && (!target.port || *target.port == row->name.port)) keys.push_back(row->name);
        // What is not registered is deregistered, as on AWS; an instance's id that can be none is refused.
        if (keys.empty() && group->type == model::TargetType::instance && !target.id.view().starts_with("i-"))
            return invalid_target(fmt::format("The instance ID '{}' is not valid", target.id));
        for (const auto& key : keys)
            if (auto row = decide::deregister_target(txn, key, call.now)) txn.put(std::move(*row));
    }
    return Done{};
}

HealthRow health_row(const View& view, const model::TargetGroup& group, const model::Target& target)
{
    HealthRow row{.id = target.name.id, .port = target.name.port, .zone = target.zone, .check_port = {}, .health = decide::health_of(view, target)};
    row.check_port = group.health_check.port == "traffic-port" ? std::to_string(target.name.port) : group.health_check.port;
    return row;
}

Result<std::vector<HealthRow>> describe_target_health(Txn& txn, const Call& call, const api::DescribeTargetHealthInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr group, find_group(txn, call, request.target_group_arn));
    std::vector<HealthRow> rows;
    if (request.targets.empty())
        for (const auto& target : txn.all<state::TargetsByGroup>(group->id)) rows.push_back(health_row(txn, *group, *target));
    for (const auto& asked : request.targets) {
        const std::size_t before = rows.size();
        for (const auto& target : txn.all<state::TargetsByGroup>(group->id))
            if (asked.id == target->name.id && (!asked.port || *asked.port == target->name.port)) rows.push_back(health_row(txn, *group, *target));
        if (rows.size() != before) continue;
        HealthRow& row = rows.emplace_back();
        row.id = asked.id.str();
        row.port = asked.port.value_or(group->port);
        row.health = {model::TargetState::unused, model::TargetReason::not_registered, "Target is not registered to the target group"};
    }
    return rows;
}

api::DescribeTargetHealthOutput render_health(const std::vector<HealthRow>& rows)
{
    api::DescribeTargetHealthOutput response;
    response.target_health_descriptions.emplace();
    for (const auto& row : rows) {
        auto& out = response.target_health_descriptions.emplace_back();
        out.target->id = row.id;
        out.target->port = row.port;
        if (!row.zone.empty()) out.target->availability_zone = row.zone;
        if (!row.check_port.empty()) out.health_check_port = row.check_port;
        out.target_health->state = shape::parse_enum<api::TargetHealthStateEnum>(model::to_text(row.health.state));
        if (row.health.reason != model::TargetReason::none)
            out.target_health->reason = shape::parse_enum<api::TargetHealthReasonEnum>(model::to_text(row.health.reason));
        if (!row.health.description.empty()) out.target_health->description = row.health.description;
    }
    return response;
}

}  // namespace

void serve_targets(Served& served)
{
    served.add<api::ops::RegisterTargets>(register_targets, render_nothing<api::RegisterTargetsOutput>).refuses({"Targets.QuicServerId"});
    served.add<api::ops::DeregisterTargets>(deregister_targets, render_nothing<api::DeregisterTargetsOutput>)
        .ignores({"Targets.AvailabilityZone", "Targets.QuicServerId"});
    served.add<api::ops::DescribeTargetHealth>(describe_target_health, render_health)
        .ignores({"Include", "Targets.AvailabilityZone", "Targets.QuicServerId"});
}

}  // namespace boxship::services::elbv2
