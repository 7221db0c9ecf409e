// IPv4 addresses and ranges as host-order numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxship {

std::string ipv4_text(std::uint32_t address);                         // 172.31.5.9
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

struct Ipv4Range {
    std::uint32_t network = 0;
    int prefix = 32;

    static std::optional<Ipv4Range> parse(std::string_view text);     // "172.31.0.0/16"; host bits must be zero
    std::uint32_t mask() const { return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix); }
    std::uint32_t last() const { return network | ~mask(); }
    bool contains(std::uint32_t address) const { return (address & mask()) == network; }
    friend std::string to_text(const Ipv4Range& range) { return ipv4_text(range.network) + "/" + std::to_string(range.prefix); }
};

}  // namespace boxship
