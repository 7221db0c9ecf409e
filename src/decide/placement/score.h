// How good a host is for a task, as numbers that compare in the order of the strategies; and what keeps a task off a host.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

#include "decide/placement/placement.h"

namespace boxship::decide {

// One step of the comparison.
struct Step {
    enum class By : std::uint8_t {
        attribute_tasks,   // tasks of the group on all hosts with the same value of an attribute
        host_tasks,        // tasks of the group on the host
        cpu_left, memory_left,
        share_taken,       // the fuller of CPU and memory, in thousandths
        tasks,             // all tasks of the host
        random             // always the last
    };
    By by;
    std::string_view attribute;  // into the strategy
};

// The strategies, and behind a last spread (or none at all) the least loaded host: spreading says nothing of which of equals.
// Steps behind a random one never matter.
std::vector<Step> steps_of(const std::vector<Strategy>& strategies);

constexpr std::string_view zone_attribute = "ecs.availability-zone";
constexpr std::size_t steps_max = 8;
struct Score {
    std::array<std::int32_t, steps_max> parts{};  // the lowest wins, compared in order
    InstanceId host;                              // breaks ties, so that equal views give equal answers
    auto operator<=>(const Score&) const = default;
};

// What the host itself contributes; 0 for `attribute_tasks` and `random`.
std::int32_t own_part(const Step& step, const model::Instance& instance, const state::InstanceLoad& load, const Text& group);

// "ecs.availability-zone" is the instance's zone whether or not it lists it.
std::string_view spread_value(const model::Instance& instance, std::string_view attribute);
int group_tasks(const state::InstanceLoad& load, const Text& group);

// Does the host count at all: of the request's cluster and kind, and not INACTIVE?
bool is_candidate(const model::Instance& instance, const PlacementRequest& request);

// Why not, as `reason::…`, "" when nothing is in the way; the words for people go to `detail` unless that is nullptr. In two
// parts: what depends on the instance's row alone, and what depends on its tasks.
std::string_view fixed_obstacle(const model::Instance& instance, const PlacementRequest& request, std::string* detail);
std::string_view load_obstacle(const model::Instance& instance, const state::InstanceLoad& load, const PlacementRequest& request, std::string* detail);

}  // namespace boxship::decide
