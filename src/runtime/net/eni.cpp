#include "runtime/net/eni.h"

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

constexpr Mac router_mac{{0x02, 0x62, 0x6f, 0x78, 0x00, 0x01}};  // every router's end of a veth: tasks know it beforehand

HostResult<> check(const EniSpec& spec, const Ipv4Net& cidr)
{
    RETURN_IF_ERROR(check_name("namespace", spec.netns));
    RETURN_IF_ERROR(check_name("network interface", spec.eni));
    if (!cidr.contains(spec.address)) return HostError{fmt::format("{} is not in {}", to_text(spec.address), to_text(cidr)), EINVAL};
    if (!spec.mac || spec.mac.bytes[0] & 1) return HostError{"not an interface's MAC: " + to_text(spec.mac), EINVAL};
    return {};
}

struct Veth {
    int router_index;
    int task_index;
};

// The veth as it should be, or nothing: then whatever half of it exists has been removed.
HostResult<std::optional<Veth>> adopt(const Router& router, const OpenNamespace& inside, const EniSpec& spec, const std::string& name)
{
    ASSIGN_OR_RETURN(const auto outer, find_link(router.routes(), name));
    ASSIGN_OR_RETURN(const auto inner, find_link(*inside.routes, eth0));
    const bool whole = outer && inner && outer->peer_index == inner->index && inner->peer_index == outer->index &&
                       inner->mac == spec.mac && outer->alias == eni_alias(router.platform(), spec);
    if (whole) return std::optional<Veth>(Veth{outer->index, inner->index});
    RETURN_IF_ERROR(router.routes().request(delete_link(name)));
    RETURN_IF_ERROR(inside.routes->request(delete_link(eth0)));
    return std::optional<Veth>();
}

HostResult<Veth> ensure_veth(const Router& router, const OpenNamespace& inside, const EniSpec& spec)
{
    const std::string name = eni_link_name(spec.eni);
    const VethEnd near{.name = name, .mac = router_mac, .alias = eni_alias(router.platform(), spec)};
    const VethEnd far{.name = eth0, .mac = spec.mac, .namespace_fd = inside.fd.get()};
    auto messages = make_veth(near, far, router.mtu());
    auto made = router.routes().request(messages);
    if (!made.ok() && made.error().code == EEXIST) {
        ASSIGN_OR_RETURN(const auto adopted, adopt(router, inside, spec, name));
        if (adopted) return *adopted;
        made = router.routes().request(messages);
    }
    if (!made.ok()) return made.error();
    ASSIGN_OR_RETURN(const auto link, find_link(router.routes(), name));
    if (!link) return HostError{name + " went away while it was attached", ENODEV};
    return Veth{link->index, link->peer_index};
}

Element source_of(const std::string& link, Ipv4 address)
{
    return {part_of_link(link) + part_of(address), {}};
}

}  // namespace

std::string eni_link_name(const std::string& eni)
{
    return hashed_name('e', eni);
}

std::string eni_alias(const Platform& platform, const EniSpec& spec)
{
    return fmt::format("{}/{}/{}/{}", platform.agent, spec.netns, spec.eni, to_text(spec.address));
}

EniOwner parse_eni_alias(const std::string& alias)
{
    const auto parts = split(alias, '/');
    if (parts.size() != 4) return {};
    return {parts[0], parts[1], parts[2], Ipv4::parse(parts[3]).value_or(Ipv4{})};
}

HostResult<std::string> attach_eni(const Router& router, const EniSpec& spec, NamespaceUse use)
{
    RETURN_IF_ERROR(check(spec, router.spec().cidr));
    const std::string path = router.platform().netns_path(spec.netns);
    ASSIGN_OR_RETURN(const OpenNamespace inside, make_namespace(path, use));
    ASSIGN_OR_RETURN(const Veth veth, ensure_veth(router, inside, spec));

    std::array within{set_link_up(veth.task_index),
                      add_address(veth.task_index, spec.address, 32),
                      add_neighbour(veth.task_index, gateway_address, router_mac),
                      add_route({.to = {gateway_address, 32}, .index = veth.task_index}),
                      add_route({.to = {}, .via = gateway_address, .index = veth.task_index, .source = spec.address})};
    RETURN_IF_ERROR(inside.routes->request(within));
    std::array outside{add_neighbour(veth.router_index, spec.address, spec.mac),
                       add_route({.to = {spec.address, 32}, .index = veth.router_index})};
    RETURN_IF_ERROR(router.routes().request(outside));
    RETURN_IF_ERROR(wait_until_active(router.routes(), veth.router_index));

    // Last, and so the veth carries nothing until all of it is right.
    const std::string link = eni_link_name(spec.eni);
    const Element agent{part_of(spec.address), part_of(router.agent_address())};
    std::array elements{add_element(router_table, sources_set, source_of(link, spec.address)),
                        add_element(router_table, agents_map, agent)};
    auto added = router.filter().transaction(elements);
    if (!added.ok() && (added.error().code == EBUSY || added.error().code == EEXIST)) {  // the address was another agent's
        RETURN_IF_ERROR(put_element(router.filter(), router_table, agents_map, agent));
        added = router.filter().transaction(elements);
    }
    if (!added.ok()) return added.error();
    return path;
}

HostResult<> disconnect_link(const Router& router, const std::string& name, Ipv4 address)
{
    // Both elements were added together; when the first is gone, the second may be the address's next owner's.
    std::array elements{delete_element(router_table, sources_set, source_of(name, address)),
                        delete_element(router_table, agents_map, {part_of(address), {}})};
    elements[0].tolerate(ENOENT);
    elements[1].tolerate(ENOENT);
    RETURN_IF_ERROR(router.filter().transaction(elements));
    ASSIGN_OR_RETURN(const auto link, find_link(router.routes(), name));
    if (!link) return {};
    return router.routes().request(delete_route({.to = {address, 32}, .index = link->index}));
}

HostResult<> detach_eni(const Router& router, const EniSpec& spec)
{
    RETURN_IF_ERROR(check(spec, router.spec().cidr));
    RETURN_IF_ERROR(disconnect_link(router, eni_link_name(spec.eni), spec.address));
    return remove_namespace(router.platform().netns_path(spec.netns));
}

HostResult<LinkCounters> read_counters(const Router& router, const std::string& eni)
{
    ASSIGN_OR_RETURN(const auto link, find_link(router.routes(), eni_link_name(eni)));
    if (!link) return host_error("read the counters of " + eni, ENODEV);
    return seen_from_far_end(link->counters);
}

}  // namespace boxship::runtime::net
