#include "decide/placement/placement.h"

#include <algorithm>

#include "base/check.h"
#include "decide/placement/ranking.h"

namespace boxship::decide {

using model::Instance;

std::string_view attribute_value(const Instance& instance, std::string_view name)
{
    const auto found = std::ranges::find(instance.attributes, name, &model::KeyValue::key);
    return found == instance.attributes.end() ? std::string_view() : found->value;
}

bool has_attribute(const Instance& instance, std::string_view wanted)
{
    const auto equals = wanted.find('=');
    if (equals != std::string_view::npos) return attribute_value(instance, wanted.substr(0, equals)) == wanted.substr(equals + 1);
    return std::ranges::find(instance.attributes, wanted, &model::KeyValue::key) != instance.attributes.end();
}

Obstacle obstacle(const state::View& view, const Instance& instance, const PlacementRequest& request)
{
    Obstacle found;
    found.reason = fixed_obstacle(instance, request, &found.detail);
    if (found.reason.empty()) found.reason = load_obstacle(instance, view.load(instance.id), request, &found.detail);
    return found;
}

Placement place(const state::View& view, const PlacementRequest& request, Ids& ids)
{
    Placement placement;
    if (const auto best = view.memo<Rankings>().of(request).best(view, ids)) {
        placement.instance = view.get<Instance>(*best);
        // A ranking that is behind its rows must never double-book a host.
        CHECK(placement.instance && obstacle(view, *placement.instance, request).reason.empty());
        return placement;
    }
    view.visit<state::InstancesByCluster>(request.cluster, [&](const InstanceId& id) {
        const auto instance = view.get<Instance>(id);
        if (!is_candidate(*instance, request)) return true;
        Obstacle found = obstacle(view, *instance, request);
        CHECK(!found.reason.empty());
        placement.refusals.push_back({id, found.reason, std::move(found.detail)});
        return placement.refusals.size() < refusals_max;
    });
    return placement;
}

}  // namespace boxship::decide
