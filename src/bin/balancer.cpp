// boxship balancer: keeps the HAProxy that serves the load balancers. The server starts it.
#include "bin/balancer.h"

#include <algorithm>

#include "agent/group_news.h"
#include "base/log.h"
#include "bin/commands.h"
#include "bin/programs.h"
#include "bin/supervisor.h"
#include "drive/haproxy/keeper.h"
#include "env/real/process.h"
#include "runtime/net/namespace.h"

namespace boxship::bin {

namespace net = runtime::net;

RouterNetwork::RouterNetwork(const PlatformIdentity& identity)
    : platform_{.id = identity.short_id, .run_dir = identity.run_directory(), .agent = "balancer"}, groups_(net::host_resolvers())
{
}

void RouterNetwork::take_groups(const shape::Json& frame)
{
    if (const auto taken = groups_.take(agent::read_group_news(frame)); !taken.ok()) log_error("security groups of load balancers: {}", taken.error().message);
}

HostResult<std::string> RouterNetwork::prepare(const std::string& vpc, const model::Vpc& row, const std::vector<std::uint32_t>& addresses)
{
    constexpr int loopback = 1;   // lo is always link 1
    // Agents call the router of the default VPC so, whatever its id.
    const std::string name = row.is_default ? "default" : vpc;
    const net::Ipv4Net range{{row.network}, row.prefix};
    auto& router = routers_[name];
    if (!router || !net::is_namespace(router->namespace_path())) {
        if (router) groups_.forget(*router);
        ASSIGN_OR_RETURN(router, net::Router::ensure(platform_, {name, range, row.is_default}));
        RETURN_IF_ERROR(groups_.enforce(*router));
    }
    RETURN_IF_ERROR(groups_.settle());
    ASSIGN_OR_RETURN(const auto standing, net::addresses_of(router->routes(), loopback));
    for (const auto& address : standing) {
        const bool ours = range.contains(address.base);
        if (!ours || std::ranges::find(addresses, address.base.value) != addresses.end()) continue;
        RETURN_IF_ERROR(router->routes().request(net::delete_address(loopback, address.base, 32)));
        RETURN_IF_ERROR(groups_.dismiss(*router, address.base));
    }
    for (const std::uint32_t address : addresses) {
        RETURN_IF_ERROR(groups_.admit(*router, {address}, {}));
        RETURN_IF_ERROR(router->routes().request(net::add_address(loopback, {address}, 32)));
    }
    std::string path = router->namespace_path();
    if (addresses.empty() && !row.is_default) {   // nobody needs it any more, as far as load balancers go
        RETURN_IF_ERROR(groups_.remove(*router));
        routers_.erase(name);
        RETURN_IF_ERROR(net::remove_unused_router(platform_, name));
    }
    return path;
}

std::string balancer_directory(const PlatformIdentity& identity) { return identity.run_directory() + "/balancer"; }

drive::haproxy::BalancersOptions balancers_options(const DataDirectory& data, const PlatformIdentity& identity, const crypto::Key& server_key)
{
    drive::haproxy::BalancersOptions options;
    options.directory = balancer_directory(identity);
    options.process.command = {own_program(), "balancer", "--data", data.path(), options.directory + "/haproxy.cfg"};
    options.process.pid_file = data.file(std::string("run/") + balancer_name + ".pid");
    options.process.directory = options.directory;
    options.process.log_file = data.file(std::string("log/") + balancer_name + ".log");
    options.open_key = [server_key](const model::Certificate& certificate) {
        return crypto::open(server_key, certificate.sealed_key, "certificate " + to_text(certificate.id));
    };
    return options;
}

namespace {

int run_balancer(const Options& options)
{
    if (options.words().size() != 1) return fail("name the configuration: boxship balancer FILE");
    drive::haproxy::Keeper keeper(options.words().front(), net::run_in);   // first of all: from here on a signal waits for it
    env::raise_open_files_limit();
    const DataDirectory data(options.data_directory());
    const auto name = claim_name(data.file("run"), balancer_name);
    if (!name.ok()) return fail(name.error());
    return keeper.run();
}

}  // namespace

Command balancer_command()
{
    return {"balancer",
            {"boxship balancer CONFIGURATION", "Serve the load balancers (the server starts this)", {}, {}},
            run_balancer,
            false};
}

}  // namespace boxship::bin
