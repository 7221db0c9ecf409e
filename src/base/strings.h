// Small text helpers that the standard library lacks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace boxship {

std::vector<std::string> split(std::string_view text, char separator);  // "a,,b" → {"a","","b"}; "" → {""}
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);                          // spaces, tabs, CR, LF
std::string to_lower(std::string_view text);                           // ASCII
bool equals_ignoring_case(std::string_view a, std::string_view b);     // ASCII

}  // namespace boxship
