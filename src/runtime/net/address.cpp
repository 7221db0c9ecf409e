#include "runtime/net/address.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::runtime::net {
std::optional<Ipv4> Ipv4::parse(std::string_view text)
{
    const auto value = parse_ipv4(text);
    return value ? std::optional(Ipv4{*value}) : std::nullopt;
}

std::string to_text(Ipv4 address)
{
    return ipv4_text(address.value);
}

std::array<std::uint8_t, 4> Ipv4::network_order() const
{
    return {std::uint8_t(value >> 24), std::uint8_t(value >> 16), std::uint8_t(value >> 8), std::uint8_t(value)};
}

std::optional<Ipv4Net> Ipv4Net::parse(std::string_view text)
{
    const auto range = Ipv4Range::parse(text);
    return range ? std::optional(Ipv4Net::of(*range)) : std::nullopt;
}

std::string to_text(const Ipv4Net& net)
{
    return to_text(Ipv4Range{net.base.value, net.bits});
}

bool Ipv4Net::contains(Ipv4 address) const
{
    return Ipv4Range{base.value, bits}.contains(address.value);
}

bool Ipv4Net::overlaps(const Ipv4Net& other) const
{
    return contains(other.base) || other.contains(base);
}

std::optional<Mac> Mac::parse(std::string_view text)
{
    const auto parts = split(text, ':');
    if (parts.size() != 6) return std::nullopt;
    Mac mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const auto value = parse_number<std::uint8_t>(parts[i], 16);
        if (parts[i].size() != 2 || !value) return std::nullopt;
        mac.bytes[i] = *value;
    }
    return mac;
}

Mac Mac::of(Ipv4 address)
{
    const auto b = address.network_order();
    return Mac{{0x02, 0x42, b[0], b[1], b[2], b[3]}};
}

std::string to_text(const Mac& mac)
{
    const auto& b = mac.bytes;
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

std::optional<Ipv4Net> first_free(std::span<const Ipv4Net> candidates, std::span<const Ipv4Net> taken)
{
    for (const Ipv4Net& candidate : candidates) {
        const bool free = std::none_of(taken.begin(), taken.end(), [&](const Ipv4Net& net) { return net.overlaps(candidate); });
        if (free) return candidate;
    }
    return std::nullopt;
}

}  // namespace boxship::runtime::net
