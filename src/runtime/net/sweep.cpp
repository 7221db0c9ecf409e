#include "runtime/net/sweep.h"

#include "env/real/files.h"
#include "runtime/net/eni.h"
#include "runtime/net/host.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

void note(HostResult<>& first, HostResult<> outcome)
{
    if (first.ok() && !outcome.ok()) first = std::move(outcome);
}

// Elements whose link is gone, whoever put them there: an element is made after its link and deleted before it, so one
// that was listed before the links were and has none is nobody's.
HostResult<> sweep_elements(const Router& router, const std::vector<Element>& sources, const std::vector<Element>& agents,
                            const std::vector<Link>& links)
{
    std::set<std::string> names;
    std::set<std::string> alive;
    for (const Link& link : links) {
        names.insert(part_of_link(link.name));
        if (const EniOwner owner = parse_eni_alias(link.alias); owner.address) alive.insert(part_of(owner.address));
    }
    for (const Element& element : sources)
        if (!names.count(element.key.substr(0, 16))) RETURN_IF_ERROR(drop_element(router.filter(), router_table, sources_set, element));
    for (const Element& element : agents)
        if (!alive.count(element.key)) RETURN_IF_ERROR(drop_element(router.filter(), router_table, agents_map, element));
    return {};
}

HostResult<> purge_agent(const std::string& dir)
{
    HostResult<> first;
    ASSIGN_OR_RETURN(const auto names, list_namespaces(dir));
    for (const std::string& name : names) note(first, remove_namespace(dir + "/" + name));
    return first;
}

}  // namespace

HostResult<> sweep(const Router& router, const std::set<std::string>& known)
{
    const Platform& platform = router.platform();
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform));
    ASSIGN_OR_RETURN(const auto sources, list_elements(router.filter(), router_table, sources_set));
    ASSIGN_OR_RETURN(const auto agents, list_elements(router.filter(), router_table, agents_map));
    ASSIGN_OR_RETURN(const auto links, list_links(router.routes()));
    std::vector<Message> removals;
    for (const Link& link : links) {
        const EniOwner owner = parse_eni_alias(link.alias);
        if (owner.agent != platform.agent || known.count(owner.netns)) continue;
        RETURN_IF_ERROR(disconnect_link(router, link.name, owner.address));
        removals.push_back(delete_link(link.name));
    }
    RETURN_IF_ERROR(router.routes().request(removals));
    RETURN_IF_ERROR(sweep_elements(router, sources, agents, links));
    ASSIGN_OR_RETURN(const auto names, list_namespaces(platform.netns_dir()));
    for (const std::string& name : names)
        if (!known.count(name)) RETURN_IF_ERROR(remove_namespace(platform.netns_path(name)));
    return {};
}

HostResult<> purge(const Platform& platform)
{
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform));
    HostResult<> first;
    const std::string netns = platform.run_dir + "/netns";
    ASSIGN_OR_RETURN(const auto agents, env::list_directory(netns));
    for (const std::string& agent : agents) note(first, purge_agent(netns + "/" + agent));
    ASSIGN_OR_RETURN(const auto vpcs, list_routers(platform));
    for (const std::string& vpc : vpcs) note(first, remove_router(platform, vpc));
    // Uplinks whose records were lost.
    ASSIGN_OR_RETURN(const auto host, Netlink::open(NETLINK_ROUTE));
    ASSIGN_OR_RETURN(const auto links, list_links(*host));
    for (const Link& link : links)
        if (link.name.starts_with(platform.uplink_prefix())) note(first, host->request(delete_link(link.name)));
    note(first, remove_docker_accept(platform));
    note(first, remove_host_table(platform));
    if (!first.ok()) return first;
    for (const char* part : {"/netns", "/router", "/agents", "/net.lock"}) RETURN_IF_ERROR(env::remove_tree(platform.run_dir + part));
    return {};
}

}  // namespace boxship::runtime::net
