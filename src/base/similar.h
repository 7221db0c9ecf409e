// What somebody may have meant who wrote a name that is not there.
#pragma once

#include <cstddef>
#include <string_view>

namespace boxship {

// How many letters must be put in, left out or changed to make one of the other.
std::size_t edits_between(std::string_view a, std::string_view b);

}  // namespace boxship
