// Shared by the signing and the checking half of SigV4.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "wire/http/message.h"

namespace boxship::sigv4 {

inline constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

// Path and query of a request target; the query comes without its question mark.
inline std::pair<std::string_view, std::string_view> split_target(std::string_view target)
{
    const auto mark = target.find('?');
    if (mark == std::string_view::npos) return {target, {}};
    return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string scope_text(std::string_view date, std::string_view region, std::string_view service);
std::string derive_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service);

}  // namespace boxship::sigv4
