// EC2's rows by the ids that callers write: "subnet-0123456789abcdef0".
#pragma once

#include <memory>
#include <string_view>

#include "state/view.h"

namespace boxship::services::ec2 {

std::shared_ptr<const model::Vpc> find_vpc(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::Subnet> find_subnet(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::SecurityGroup> find_group(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::Eni> find_eni(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::RouteTable> find_route_table(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::InternetGateway> find_gateway(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::NatGateway> find_nat(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::ElasticAddress> find_address(const state::View& view, const model::Scope& scope, std::string_view name);
// The group that has the rule "sgr-…".
std::shared_ptr<const model::SecurityGroup> find_group_of_rule(const state::View& view, const model::Scope& scope, std::string_view name);
std::shared_ptr<const model::Vpc> default_vpc(const state::View& view, const model::Scope& scope);
// The VPC's main table; nothing in a VPC that is being made.
std::shared_ptr<const model::RouteTable> main_table(const state::View& view, const VpcId& vpc);

}  // namespace boxship::services::ec2
