#include "decide/addresses.h"

#include <algorithm>
#include <array>

#include "base/ipv4.h"

namespace boxship::decide {

std::uint32_t subnet_usable(const model::Subnet& subnet)
{
    const std::uint64_t size = std::uint64_t{1} << (32 - subnet.prefix);
    return size <= subnet_reserved_first + 1 ? 0 : static_cast<std::uint32_t>(size - subnet_reserved_first - 1);
}

std::uint32_t subnet_available(const state::View& view, const model::Subnet& subnet)
{
    const auto used = static_cast<std::uint32_t>(view.count<state::EnisBySubnet>(subnet.id));
    return subnet_usable(subnet) - std::min(used, subnet_usable(subnet));
}

std::optional<std::uint32_t> pick_address(const state::View& view, const model::Subnet& subnet, Ids& ids)
{
    const std::uint32_t usable = subnet_usable(subnet);
    if (usable == 0) return std::nullopt;
    const std::uint32_t first = subnet.network + subnet_reserved_first;
    const auto free = [&](std::uint32_t address) { return !view.any<state::EniByAddress>({subnet.vpc, address}); };
    constexpr int probes = 16;
    for (int i = 0; i < probes; ++i) {
        const auto address = first + static_cast<std::uint32_t>(ids.number(usable));
        if (free(address)) return address;
    }
    for (std::uint32_t i = 0; i < usable; ++i)
        if (free(first + i)) return first + i;
    return std::nullopt;
}

std::string pick_mac(Ids& ids)
{
    std::array<std::byte, 5> bytes;
    ids.fill(bytes);
    std::string mac = "0a";
    for (const std::byte byte : bytes) mac += ":" + to_hex(std::span(&byte, 1));
    return mac;
}

std::string private_dns_name(std::uint32_t address, const std::string& region)
{
    std::string host = ipv4_text(address);
    std::ranges::replace(host, '.', '-');
    return "ip-" + host + (region == "us-east-1" ? ".ec2.internal" : "." + region + ".compute.internal");
}

}  // namespace boxship::decide
