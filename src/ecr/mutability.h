// May a tag move? Pure.
#pragma once

#include <string_view>

#include "model/registry.h"

namespace boxship::ecr {

bool matches_wildcard(std::string_view pattern, std::string_view text);  // '*' stands for any run of characters
bool tag_may_move(const model::Repository& repository, std::string_view tag);

}  // namespace boxship::ecr
