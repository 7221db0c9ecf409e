#include "decide/placement/choices.h"

#include "base/strings.h"
#include "decide/query/query.h"

namespace boxship::decide {

void apply_choices(const std::vector<model::PlacementChoice>& strategies, const std::vector<model::PlacementChoice>& constraints,
                   PlacementRequest& request)
{
    for (const auto& [type, expression] : constraints) {
        if (type == "distinctInstance") request.distinct_instance = true;
        else request.constraints.push_back(query::parse(expression).expression);
    }
    for (const auto& [type, field] : strategies) {
        if (type == "random") request.strategies.push_back({StrategyType::random, ""});
        else if (type == "binpack") request.strategies.push_back({StrategyType::binpack, to_lower(field)});
        else request.strategies.push_back({StrategyType::spread, field});
    }
}

}  // namespace boxship::decide
