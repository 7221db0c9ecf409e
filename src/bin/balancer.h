// The load balancers' side of the machine: their addresses in routers, and the process that serves them.
#pragma once

#include <map>
#include <memory>

#include "bin/data_directory.h"
#include "drive/haproxy/balancers.h"
#include "runtime/net/group_book.h"
#include "runtime/net/router.h"
#include "shape/json_value.h"

namespace boxship::bin {

// Addresses of load balancers are on the loopback device of their VPC's router, where everything of the VPC passes; their security
// groups are enforced there as those of tasks are.
class RouterNetwork : public drive::haproxy::Network {
public:
    explicit RouterNetwork(const PlatformIdentity& identity);
    HostResult<std::string> prepare(const std::string& vpc, const model::Vpc& row, const std::vector<std::uint32_t>& addresses) override;
    void take_groups(const shape::Json& frame);      // drive/agents/group_feed.h; in order

private:
    runtime::net::Platform platform_;
    std::map<std::string, std::unique_ptr<runtime::net::Router>> routers_;
    runtime::net::GroupBook groups_;
};

std::string balancer_directory(const PlatformIdentity& identity);
drive::haproxy::BalancersOptions balancers_options(const DataDirectory& data, const PlatformIdentity& identity, const crypto::Key& server_key);

}  // namespace boxship::bin
