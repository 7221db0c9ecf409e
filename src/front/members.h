// Members of a request by their path, "networkConfiguration.awsvpcConfiguration.assignPublicIp". Lists and maps on the
// way are walked through.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shape/light.h"

namespace boxship::front {

// Whether the model has such a member.
bool member_exists(const shape::RecordInfo& record, std::string_view path);

// Whether some value at the path is present and not empty: "", [], {} and false ask for nothing.
bool member_is_set(shape::ConstRecordRef record, std::string_view path);

// The first of `refused` that the request sets.
std::optional<std::string> first_refused(shape::ConstRecordRef request, const std::vector<std::string>& refused);

}  // namespace boxship::front
