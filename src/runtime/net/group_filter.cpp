#include "runtime/net/group_filter.h"

#include <cerrno>

#include "runtime/net/eni.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* mine_set = "mine";

Element address_element(Ipv4 address) { return {part_of(address), {}}; }

Ipv4 address_of(const Element& element)
{
    Ipv4 address;
    for (const char c : element.key) address.value = address.value << 8 | std::uint8_t(c);
    return address;
}

// Absent sets, and elements that are gone: fine.
HostResult<> try_all(Netlink& filter, std::span<Message> messages)
{
    for (Message& message : messages) message.tolerate(ENOENT);
    return filter.transaction(messages);
}

}  // namespace

std::string group_table(const Platform& platform) { return group_table_prefix + platform.agent; }

GroupFilter::GroupFilter(const Router& router, std::vector<Ipv4> resolvers)
    : router_(router), resolvers_(std::move(resolvers)), table_(group_table(router.platform()))
{
}

HostResult<std::unique_ptr<GroupFilter>> GroupFilter::open(const Router& router, std::vector<Ipv4> resolvers)
{
    std::unique_ptr<GroupFilter> filter(new GroupFilter(router, std::move(resolvers)));
    ASSIGN_OR_RETURN(filter->mine_, filter->attached());
    const auto standing = list_elements(router.filter(), filter->table_, mine_set);
    if (!standing.ok() && standing.error().code != ENOENT) return standing.error();
    if (!standing.ok()) {
        RETURN_IF_ERROR(filter->replace({}));
        return filter;
    }
    std::vector<Message> unfiltered;
    for (const Ipv4 address : filter->mine_) unfiltered.push_back(add_element(filter->table_, mine_set, address_element(address)));
    if (!unfiltered.empty()) RETURN_IF_ERROR(router.filter().transaction(unfiltered));
    for (const Element& element : *standing) filter->mine_.insert(address_of(element));
    return filter;
}

HostResult<> GroupFilter::replace(const RouterRules& rules)
{
    for (const auto& [id, group] : rules.groups) RETURN_IF_ERROR(check_name("security group", id));
    const std::string text = group_table_text(table_, rules, mine_, resolvers_);
    return run_in(router_.namespace_path(), [&] { return run_nft(text); });
}

HostResult<> GroupFilter::admit(Ipv4 address, std::span<const std::string> groups)
{
    std::vector<Message> messages{add_element(table_, mine_set, address_element(address))};
    for (const std::string& group : groups) messages.push_back(add_element(table_, group, address_element(address)));
    auto added = router_.filter().transaction(messages);
    if (!added.ok() && added.error().code == ENOENT) {   // a group that is too new for this table: closed until replace() brings it
        added = router_.filter().transaction(std::span(messages).first(1));
        for (const std::string& group : groups)
            if (added.ok()) added = join(group, address);
    }
    if (added.ok()) mine_.insert(address);
    return added;
}

HostResult<> GroupFilter::dismiss(Ipv4 address)
{
    std::vector<Message> messages{delete_element(table_, mine_set, address_element(address))};
    mine_.erase(address);
    return try_all(router_.filter(), messages);
}

HostResult<> GroupFilter::join(const std::string& group, Ipv4 address)
{
    std::vector<Message> messages{add_element(table_, group, address_element(address))};
    return try_all(router_.filter(), messages);
}

HostResult<> GroupFilter::leave(const std::string& group, Ipv4 address)
{
    std::vector<Message> messages{delete_element(table_, group, address_element(address))};
    return try_all(router_.filter(), messages);
}

HostResult<std::set<Ipv4>> GroupFilter::attached() const
{
    std::set<Ipv4> addresses;
    ASSIGN_OR_RETURN(const auto links, list_links(router_.routes()));
    for (const Link& link : links)
        if (const EniOwner owner = parse_eni_alias(link.alias); owner.address && owner.agent == router_.platform().agent) addresses.insert(owner.address);
    return addresses;
}

HostResult<> GroupFilter::sweep()
{
    ASSIGN_OR_RETURN(const auto alive, attached());
    const auto standing = mine_;
    for (const Ipv4 address : standing)
        if (!alive.contains(address)) RETURN_IF_ERROR(dismiss(address));
    return {};
}

HostResult<> GroupFilter::remove()
{
    return run_in(router_.namespace_path(), [&] { return run_nft("add table inet " + table_ + "\ndelete table inet " + table_ + "\n"); });
}

}  // namespace boxship::runtime::net
