// The Range header of a download and the Content-Range header of an upload's chunk. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace boxship::registry {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  // inclusive
    std::uint64_t length() const { return last - first + 1; }
    bool operator==(const ByteRange&) const = default;
};
struct WholeFile {
    bool operator==(const WholeFile&) const = default;
};
struct NotSatisfiable {
    bool operator==(const NotSatisfiable&) const = default;
};
using WantedRange = std::variant<WholeFile, ByteRange, NotSatisfiable>;

// "bytes=a-b", "bytes=a-", "bytes=-n". An end past the last byte is cut; several ranges and other units: the whole.
WantedRange wanted_range(std::string_view header, std::uint64_t size);

// "first-last", with or without "bytes " before and "/size" behind; nothing for any other text.
std::optional<ByteRange> chunk_range(std::string_view header);

}  // namespace boxship::registry
