// IPv4 addresses, prefixes and MAC addresses as types of their own, so that an address is not a port. base/ipv4.h reads
// and writes them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/ipv4.h"

namespace boxship::runtime::net {

struct Ipv4 {
    std::uint32_t value = 0;  // host byte order; 0: "none"

    auto operator<=>(const Ipv4&) const = default;
    explicit operator bool() const { return value != 0; }
    static std::optional<Ipv4> parse(std::string_view text);
    friend std::string to_text(Ipv4 address);
    std::array<std::uint8_t, 4> network_order() const;
};

struct Ipv4Net {
    Ipv4 base;       // host bits are zero
    int bits = 0;    // prefix length

    auto operator<=>(const Ipv4Net&) const = default;
    static Ipv4Net of(const Ipv4Range& range) { return {{range.network}, range.prefix}; }
    static std::optional<Ipv4Net> parse(std::string_view text);  // "172.31.0.0/16"; host bits must be zero
    friend std::string to_text(const Ipv4Net& net);
    bool contains(Ipv4 address) const;
    bool overlaps(const Ipv4Net& other) const;
    Ipv4 at(std::uint32_t offset) const { return {base.value + offset}; }
    std::uint64_t size() const { return std::uint64_t(1) << (32 - bits); }
};

struct Mac {
    std::array<std::uint8_t, 6> bytes{};

    auto operator<=>(const Mac&) const = default;
    explicit operator bool() const { return bytes != std::array<std::uint8_t, 6>{}; }
    static std::optional<Mac> parse(std::string_view text);  // "02:42:ac:11:00:02"
    static Mac of(Ipv4 address);                             // 02:42 and the address: unique where addresses are
    friend std::string to_text(const Mac& mac);
};

// The first candidate that overlaps none of `taken`.
std::optional<Ipv4Net> first_free(std::span<const Ipv4Net> candidates, std::span<const Ipv4Net> taken);

}  // namespace boxship::runtime::net
