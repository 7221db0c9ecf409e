#include "images/tar_fields.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::images {

HostError tar_error(std::string_view what)
{
    return {"tar archive: " + std::string(what), EBADMSG};
}

std::string quoted(std::string_view path)
{
    std::string text(path.substr(0, 300));
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

bool is_zero_block(const char* block)
{
    return std::all_of(block, block + block_bytes, [](char c) { return c == '\0'; });
}

bool has_right_checksum(const char* block)
{
    std::int64_t as_unsigned = 0;
    std::int64_t as_signed = 0;
    for (std::size_t i = 0; i < block_bytes; ++i) {
        const char c = i >= 148 && i < 156 ? ' ' : block[i];
        as_unsigned += static_cast<unsigned char>(c);
        as_signed += static_cast<signed char>(c);
    }
    const auto stated = parse_number(block + 148, 8);
    if (!stated.ok()) return false;
    const auto sum = static_cast<std::int64_t>(*stated);
    return sum == as_unsigned || sum == as_signed;
}

std::string field_text(const char* at, std::size_t size)
{
    return std::string(at, ::strnlen(at, size));
}

HostResult<std::int64_t> parse_signed_number(const char* at, std::size_t size)
{
    const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
    if ((byte(0) & 0x80) != 0) {  // base-256, two's complement, the top bit is the mark
        const bool negative = (byte(0) & 0x40) != 0;
        std::uint64_t value = negative ? ~0ull : 0;
        for (std::size_t i = 0; i < size; ++i) {
            const unsigned digit = i == 0 ? (byte(0) & 0x7fu) | (negative ? 0x80u : 0u) : byte(i);
            const std::uint64_t top = value >> 55;  // bits that a shift by 8 would push into or past the sign
            if (top != (negative ? 0x1ff : 0)) return tar_error("a number is too large");
            value = value << 8 | digit;
        }
        return static_cast<std::int64_t>(value);
    }
    std::string_view text(at, size);
    while (!text.empty() && (text.front() == ' ' || text.front() == '\0')) text.remove_prefix(1);
    const std::size_t end = std::min(text.find_first_of(std::string_view(" \0", 2)), text.size());
    text = text.substr(0, end);
    if (text.empty()) return 0;
    const auto value = boxship::parse_number<std::int64_t>(text, 8);
    if (!value) return tar_error("a number is not octal");
    return *value;
}

HostResult<std::uint64_t> parse_number(const char* at, std::size_t size)
{
    ASSIGN_OR_RETURN(const std::int64_t value, parse_signed_number(at, size));
    if (value < 0) return tar_error("a number is negative");
    return static_cast<std::uint64_t>(value);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text)
{
    return boxship::parse_number<std::uint64_t>(text);
}

HostResult<std::vector<std::uint64_t>> parse_decimals(std::string_view text)
{
    std::vector<std::uint64_t> numbers;
    if (text.empty()) return numbers;
    for (const std::string& part : split(text, ',')) {
        const auto number = parse_decimal(part);
        if (!number) return tar_error("a sparse file's map is wrong");
        numbers.push_back(*number);
    }
    if (numbers.size() % 2 != 0) return tar_error("a sparse file's map is wrong");
    return numbers;
}

std::optional<timespec> parse_pax_time(std::string_view text)
{
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const std::size_t dot = text.find('.');
    const auto seconds = parse_decimal(text.substr(0, dot));
    if (!seconds || *seconds > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - 1)) return std::nullopt;
    long nanoseconds = 0;
    if (dot != std::string_view::npos) {
        std::string digits(text.substr(dot + 1, 9));
        digits.resize(9, '0');
        const auto fraction = parse_decimal(digits);
        if (!fraction) return std::nullopt;
        nanoseconds = static_cast<long>(*fraction);
    }
    timespec time{static_cast<std::time_t>(*seconds), nanoseconds};
    if (negative) {
        time.tv_sec = -time.tv_sec - (nanoseconds > 0 ? 1 : 0);
        time.tv_nsec = nanoseconds > 0 ? 1'000'000'000 - nanoseconds : 0;
    }
    return time;
}

HostResult<PaxRecord> take_pax_record(std::string_view& records)
{
    const auto wrong = [] { return tar_error("a pax header is wrong"); };
    const std::size_t space = records.find(' ');
    if (space == std::string_view::npos) return wrong();
    const auto length = parse_decimal(records.substr(0, space));
    if (!length || *length < space + 3 || *length > records.size() || records[*length - 1] != '\n') return wrong();
    const std::string_view record = records.substr(space + 1, *length - space - 2);
    records.remove_prefix(*length);
    const std::size_t equals = record.find('=');
    if (equals == 0 || equals == std::string_view::npos) return wrong();
    const PaxRecord pair{record.substr(0, equals), record.substr(equals + 1)};
    const bool is_attribute = pair.key.starts_with("SCHILY.xattr.");
    if (!is_attribute && pair.value.find('\0') != std::string_view::npos) return wrong();
    return pair;
}

}  // namespace boxship::images
