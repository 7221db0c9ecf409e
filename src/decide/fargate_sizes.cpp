#include "decide/fargate_sizes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/strings.h"

namespace boxship::decide {
namespace {

std::vector<std::int32_t> range_gib(int first, int last, int step)
{
    std::vector<std::int32_t> sizes;
    for (int gib = first; gib <= last; gib += step) sizes.push_back(gib * 1024);
    return sizes;
}

// A decimal number and what follows it, without the spaces between; nothing when there is no number.
std::optional<std::pair<double, std::string>> number_and_unit(std::string_view text)
{
    const std::string trimmed(trim(text));
    std::size_t digits = 0;
    bool point = false;
    while (digits < trimmed.size() && (std::isdigit(static_cast<unsigned char>(trimmed[digits])) || (trimmed[digits] == '.' && !point)))
        point |= trimmed[digits++] == '.';
    if (digits == 0 || digits > 12 || (digits == 1 && point)) return std::nullopt;
    return std::pair{std::strtod(trimmed.substr(0, digits).c_str(), nullptr), to_lower(trim(trimmed.substr(digits)))};
}

std::optional<std::int32_t> whole(double value)
{
    if (value != std::floor(value) || value > 1 << 30) return std::nullopt;
    return static_cast<std::int32_t>(value);
}

}  // namespace

const std::vector<FargateCpu>& fargate_sizes()
{
    static const std::vector<FargateCpu> sizes = {
        {256, {512, 1024, 2048}},
        {512, range_gib(1, 4, 1)},
        {1024, range_gib(2, 8, 1)},
        {2048, range_gib(4, 16, 1)},
        {4096, range_gib(8, 30, 1)},
        {8192, range_gib(16, 60, 4)},
        {16384, range_gib(32, 120, 8)},
    };
    return sizes;
}

bool fargate_size_exists(std::int32_t cpu, std::int32_t memory)
{
    for (const auto& size : fargate_sizes())
        if (size.cpu == cpu) return std::ranges::binary_search(size.memory, memory);
    return false;
}

std::optional<std::int32_t> parse_cpu(std::string_view text)
{
    const auto parsed = number_and_unit(text);
    if (!parsed) return std::nullopt;
    const auto& [number, unit] = *parsed;
    if (unit.empty()) return whole(number);
    if (unit == "vcpu") return whole(number * 1024);
    return std::nullopt;
}

std::optional<std::int32_t> parse_memory(std::string_view text)
{
    const auto parsed = number_and_unit(text);
    if (!parsed) return std::nullopt;
    const auto& [number, unit] = *parsed;
    if (unit.empty()) return whole(number);
    if (unit == "gb") return whole(number * 1024);
    return std::nullopt;
}

}  // namespace boxship::decide
