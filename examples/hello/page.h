// The answers' bodies.
#pragma once

#include <string>

#include "facts.h"

namespace hello {

std::string html_page(const Facts& facts);
std::string json_page(const Facts& facts);

}  // namespace hello
