// The fields of tar headers, one function each. Private to the reader.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxship::images {

constexpr std::size_t block_bytes = 512;      // an archive is made of blocks

HostError tar_error(std::string_view what);   // "tar archive: …", EBADMSG
std::string quoted(std::string_view path);    // for messages: control characters replaced, length bounded

bool is_zero_block(const char* block);
bool has_right_checksum(const char* block);   // summed as unsigned or, as old tars did, signed characters
std::string field_text(const char* at, std::size_t size);                          // up to the first NUL
HostResult<std::uint64_t> parse_number(const char* at, std::size_t size);          // octal, or base-256
HostResult<std::int64_t> parse_signed_number(const char* at, std::size_t size);
std::optional<std::uint64_t> parse_decimal(std::string_view text);
HostResult<std::vector<std::uint64_t>> parse_decimals(std::string_view text);      // "1,2,3"
std::optional<timespec> parse_pax_time(std::string_view text);                     // "-12.345"

struct PaxRecord {
    std::string_view key;
    std::string_view value;
};
HostResult<PaxRecord> take_pax_record(std::string_view& records);                  // "<length> <key>=<value>\n"

}  // namespace boxship::images
