#include "services/ec2/serve.h"

namespace boxship::services {

void serve_ec2(Served& served)
{
    ec2::serve_networks(served);
    ec2::serve_vpcs(served);
    ec2::serve_subnets(served);
    ec2::serve_security_groups(served);
    ec2::serve_group_rules(served);
    ec2::serve_rule_lists(served);
    ec2::serve_route_tables(served);
    ec2::serve_routes(served);
    ec2::serve_nat_gateways(served);
    ec2::serve_addresses(served);
    ec2::serve_address_associations(served);
    ec2::serve_interfaces(served);
    ec2::serve_own_interfaces(served);
    ec2::serve_acls(served);
    ec2::serve_vpc_endpoints(served);
    ec2::serve_places(served);
    ec2::serve_tags(served);
}

}  // namespace boxship::services
