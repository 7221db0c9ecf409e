#include "decide/placement/story.h"

#include <fmt/format.h>

namespace boxship::decide {
namespace {

constexpr int hosts_told_max = 20;

// The name people gave the host, where it has one, before its id.
std::string name_of(const model::Instance& instance)
{
    return instance.host_principal.empty() ? "container instance " + to_text(instance.id) : instance.host_principal;
}

}  // namespace

std::string tell_placement(const state::View& view, const PlacementRequest& request, const model::Instance& chosen)
{
    std::string text = "placed on " + name_of(chosen);
    const int hosts = view.counts(request.cluster).instances;
    if (hosts > hosts_told_max) return text += ", one of " + std::to_string(hosts) + " hosts";
    for (const auto& instance : view.all<state::InstancesByCluster>(request.cluster)) {
        if (instance->id == chosen.id || instance->status == model::InstanceStatus::inactive) continue;
        if (instance->fargate != chosen.fargate || instance->external != chosen.external) continue;
        const Obstacle found = obstacle(view, *instance, request);
        if (found.reason.empty())
            text += fmt::format("; {} had room too and ranked behind it", name_of(*instance));
        else
            text += fmt::format("; {} was refused: {} ({})", name_of(*instance), found.reason, found.detail);
    }
    return text;
}

}  // namespace boxship::decide
