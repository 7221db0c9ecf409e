// Rules of security groups: read from requests, compared, and shown.
//
// EC2 shows them two ways: one by one, with an id each (DescribeSecurityGroupRules), and gathered into permissions of one
// protocol and port range with many peers (DescribeSecurityGroups).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ec2/types.h"
#include "services/call.h"
#include "state/txn.h"

namespace boxship::services::ec2 {

namespace api = ::boxship::ec2;

// By id, or in the default VPC by name.
Result<std::shared_ptr<const model::SecurityGroup>> required_group(const state::View& view, const Call& call, const shape::Str& id,
                                                                   const shape::Str& name);

// The rules that a permission stands for, one for each peer; without ids.
Result<std::vector<model::GroupRule>> read_permission(const state::View& view, const Call& call, const model::SecurityGroup& group,
                                                      const api::IpPermission& permission, bool egress);
Result<model::GroupRule> read_rule(const state::View& view, const Call& call, const model::SecurityGroup& group,
                                   const api::SecurityGroupRuleRequest& request, bool egress);

bool same_rule(const model::GroupRule& a, const model::GroupRule& b);   // whatever they are called and described as
std::string peer_text(const model::GroupRule& rule);                    // "0.0.0.0/0", "sg-…"

void write_permissions(const model::SecurityGroup& group, bool egress, shape::List<api::IpPermission>& list);
void write_rule(const model::SecurityGroup& group, const model::GroupRule& rule, api::SecurityGroupRule& out);

}  // namespace boxship::services::ec2
