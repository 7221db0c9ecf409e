// A free private address for a network interface, and its hardware address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "state/view.h"

namespace boxship::decide {

// Of a subnet the first four addresses and the last are AWS's own (network, router, DNS, reserved, broadcast).
constexpr std::uint32_t subnet_reserved_first = 4;
std::uint32_t subnet_usable(const model::Subnet& subnet);                            // how many addresses can be given
std::uint32_t subnet_available(const state::View& view, const model::Subnet& subnet); // how many are free

// Random places first, because a dead neighbour's address should not come back at once; then the whole subnet in order.
std::optional<std::uint32_t> pick_address(const state::View& view, const model::Subnet& subnet, Ids& ids);

std::string pick_mac(Ids& ids);  // "0a:1b:…", locally administered

// ip-172-31-5-9.ec2.internal
std::string private_dns_name(std::uint32_t address, const std::string& region);

}  // namespace boxship::decide
