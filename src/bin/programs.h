// Where this program and its companion lie.
#pragma once

#include <string>

namespace boxship::bin {

std::string own_program();      // absolute
std::string monitor_program();  // boxship-monitor, beside it

}  // namespace boxship::bin
