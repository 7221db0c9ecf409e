// Numbers in texts.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace boxship {

// All of the text, as a number that its type can hold; nothing when it is anything else. A sign is a minus, a base of 16
// has no prefix.
template <class Number, class... Base>
std::optional<Number> parse_number(std::string_view text, Base... base)
{
    static_assert(sizeof...(Base) == 0 || std::is_integral_v<Number>);
    Number value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base...);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

}  // namespace boxship
