// DescribeNetworkAcls: they cannot be made or changed here, so each VPC has the one that it is born with, which lets everything pass.
#include <fmt/format.h>

#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

struct AclRow {
    std::shared_ptr<const model::Vpc> vpc;
    std::vector<SubnetId> subnets;
};

std::string acl_text(const VpcId& vpc) { return to_short_text("acl-", vpc); }

Result<std::vector<AclRow>> describe_acls(Txn& txn, const Call& call, const api::DescribeNetworkAclsRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"vpc-id", "network-acl-id", "default", "owner-id", "association.subnet-id", "association.network-acl-id",
                                                    "association.association-id", "entry.cidr", "entry.egress", "entry.protocol", "entry.rule-action", "entry.rule-number",
                                                    "entry.icmp.code", "entry.icmp.type", "entry.ipv6-cidr", "entry.port-range.from", "entry.port-range.to"}));
    for (const auto& name : request.network_acl_ids)
        if (!name.view().starts_with("acl-") || !find_vpc(txn, call.scope, "vpc-" + name.str().substr(4)))
            return ApiError{"InvalidNetworkAclID.NotFound", fmt::format("The networkAcl ID '{}' does not exist", name)};
    std::vector<AclRow> rows;
    for (const auto& [id, vpc] : txn.rows<model::Vpc>()) {
        if (vpc->scope != call.scope) continue;
        AclRow row{vpc, {}};
        Properties properties = {{"vpc-id", {to_short_text("vpc-", id)}}, {"network-acl-id", {acl_text(id)}}, {"default", {"true"}},
                                 {"owner-id", {vpc->scope.account}}, {"association.network-acl-id", {acl_text(id)}},
                                 {"entry.cidr", {"0.0.0.0/0"}}, {"entry.egress", {"true", "false"}}, {"entry.protocol", {"-1"}},
                                 {"entry.rule-action", {"allow", "deny"}}, {"entry.rule-number", {"100", "32767"}}};
        for (const auto& subnet : txn.all<state::SubnetsByVpc>(id)) {
            row.subnets.push_back(subnet->id);
            properties["association.subnet-id"].push_back(to_short_text("subnet-", subnet->id));
            properties["association.association-id"].push_back(to_short_text("aclassoc-", subnet->id));
        }
        const bool named = request.network_acl_ids.empty() || std::ranges::any_of(request.network_acl_ids, [&acl = id](const auto& name) { return name == acl_text(acl); });
        if (named && passes(request.filters, properties)) rows.push_back(std::move(row));
    }
    return rows;
}

api::DescribeNetworkAclsResult render_acls(const std::vector<AclRow>& rows)
{
    constexpr int last_rule = 32767;  // "*": what no other rule decided
    api::DescribeNetworkAclsResult response;
    response.network_acls.emplace();
    for (const auto& row : rows) {
        auto& out = response.network_acls.emplace_back();
        out.network_acl_id = acl_text(row.vpc->id);
        out.vpc_id = to_short_text("vpc-", row.vpc->id);
        out.owner_id = row.vpc->scope.account;
        out.is_default = true;
        out.associations.emplace();
        for (const auto& subnet : row.subnets) {
            auto& association = out.associations.emplace_back();
            association.network_acl_association_id = to_short_text("aclassoc-", subnet);
            association.network_acl_id = acl_text(row.vpc->id);
            association.subnet_id = to_short_text("subnet-", subnet);
        }
        for (const bool egress : {true, false})
            for (const int number : {100, last_rule}) {
                auto& entry = out.entries.emplace_back();
                entry.cidr_block = "0.0.0.0/0";
                entry.egress = egress;
                entry.protocol = "-1";
                entry.rule_number = number;
                entry.rule_action = number == last_rule ? api::RuleAction::deny : api::RuleAction::allow;
            }
        out.tags.emplace();
    }
    return response;
}

}  // namespace

void serve_acls(Served& served)
{
    served.add<api::ops::DescribeNetworkAcls>(describe_acls, render_acls).ignores({"MaxResults", "NextToken"});
}

}  // namespace boxship::services::ec2
