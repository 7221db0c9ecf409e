// The parts of serve_ec2().
#pragma once

#include "services/served.h"

namespace boxship::services::ec2 {

// Of an operation whose answer says no more than that it was done.
struct Done {};
template <class Response>
Response render_done(const Done&)
{
    Response response;
    if constexpr (requires { response.return_; }) response.return_ = true;
    return response;
}

void serve_networks(Served& served);
void serve_vpcs(Served& served);
void serve_subnets(Served& served);
void serve_security_groups(Served& served);
void serve_group_rules(Served& served);
void serve_rule_lists(Served& served);
void serve_route_tables(Served& served);
void serve_routes(Served& served);
void serve_nat_gateways(Served& served);
void serve_addresses(Served& served);
void serve_address_associations(Served& served);
void serve_interfaces(Served& served);
void serve_own_interfaces(Served& served);
void serve_places(Served& served);
void serve_acls(Served& served);
void serve_vpc_endpoints(Served& served);
void serve_tags(Served& served);

}  // namespace boxship::services::ec2
