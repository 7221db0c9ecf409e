// Bytes as text: hexadecimal and base64.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace boxship {

std::string to_hex(std::span<const std::byte> bytes);                       // lower case
bool from_hex(std::string_view text, std::span<std::byte> bytes);           // exact length; either case
std::string to_base64(std::string_view bytes);                              // standard alphabet, padded
std::optional<std::string> from_base64(std::string_view text);              // padding required, nothing else tolerated

inline std::span<const std::byte> as_bytes(std::string_view text)
{
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace boxship
