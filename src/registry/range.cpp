#include "registry/range.h"

#include <algorithm>

#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::registry {
WantedRange wanted_range(std::string_view header, std::uint64_t size)
{
    constexpr std::string_view unit = "bytes=";
    if (header.substr(0, unit.size()) != unit || header.find(',') != header.npos) return WholeFile{};
    const std::string_view range = trim(header.substr(unit.size()));
    const auto dash = range.find('-');
    if (dash == range.npos) return WholeFile{};
    const auto first = parse_number<std::uint64_t>(range.substr(0, dash)), last = parse_number<std::uint64_t>(range.substr(dash + 1));
    if (dash == 0) {
        if (!last) return WholeFile{};
        if (*last == 0 || size == 0) return NotSatisfiable{};
        return ByteRange{size - std::min(*last, size), size - 1};
    }
    if (!first || (!last && dash + 1 != range.size())) return WholeFile{};
    if (*first >= size || (last && *last < *first)) return NotSatisfiable{};
    return ByteRange{*first, last ? std::min(*last, size - 1) : size - 1};
}

std::optional<ByteRange> chunk_range(std::string_view header)
{
    header = trim(header);
    if (header.starts_with("bytes ")) header.remove_prefix(6);
    header = header.substr(0, header.find('/'));
    const auto dash = header.find('-');
    if (dash == header.npos) return std::nullopt;
    const auto first = parse_number<std::uint64_t>(header.substr(0, dash)), last = parse_number<std::uint64_t>(header.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return ByteRange{*first, *last};
}

}  // namespace boxship::registry
