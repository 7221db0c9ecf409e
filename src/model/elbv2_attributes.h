// The attributes of load balancers, listeners and target groups: what exists, and what holds when nothing was set.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/common.h"

namespace boxship::model {

struct Attribute {
    const char* key;
    const char* value;      // when it was not set
};
std::span<const Attribute> load_balancer_attributes();
std::span<const Attribute> listener_attributes();
std::span<const Attribute> target_group_attributes();

constexpr std::chrono::seconds deregistration_delay_max{3600};    // that can be asked for

// The value of one of them: that of `set`, else its default.
std::string attribute_of(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key);
bool attribute_is_on(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key);    // "true"
int attribute_number(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key);

}  // namespace boxship::model
