// EC2's filters: each names a property and the values it may have, wildcards included. All filters must hold.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ec2/types.h"
#include "model/common.h"

namespace boxship::services::ec2 {

namespace api = ::boxship::ec2;
using Filters = shape::List<api::Filter>;

// "*" any characters, "?" any one, "\" takes the next as it is.
bool matches_wildcard(std::string_view pattern, std::string_view text);

// The properties of a row that filters can ask for, by name.
using Properties = std::map<std::string, std::vector<std::string>>;
void add_tag_properties(const std::vector<model::KeyValue>& tags, Properties& properties);  // tag-key, tag:<key>

// Fails on a filter that nobody knows: silently returning everything would be worse. `names` are the known ones.
Result<> check_filters(const Filters& filters, const std::vector<std::string_view>& names);
bool passes(const Filters& filters, const Properties& properties);

// Errors in EC2's words.
inline ApiError invalid_value(std::string message) { return {"InvalidParameterValue", std::move(message)}; }

}  // namespace boxship::services::ec2
