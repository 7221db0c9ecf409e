#include "services/ec2/lookup.h"

#include <string>

namespace boxship::services::ec2 {
namespace {

// Rows are in the order of their ids, and a short id is the beginning of the id: the first row from there on is the one.
template <class Row>
std::shared_ptr<const Row> find(const state::View& view, const model::Scope& scope, std::string_view prefix, std::string_view name)
{
    constexpr std::size_t digits = 17;
    if (!name.starts_with(prefix) || name.size() != prefix.size() + digits) return nullptr;
    const auto id = Row::Key::parse(std::string(name.substr(prefix.size())) + std::string(32 - digits, '0'));
    if (!id) return nullptr;
    const auto& rows = view.rows<Row>();
    const auto found = rows.lower_bound(*id);
    if (found == rows.end() || found->second->scope != scope || to_short_text(prefix, found->first) != name) return nullptr;
    return found->second;
}

}  // namespace

std::shared_ptr<const model::Vpc> find_vpc(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::Vpc>(view, scope, "vpc-", name);
}
std::shared_ptr<const model::Subnet> find_subnet(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::Subnet>(view, scope, "subnet-", name);
}
std::shared_ptr<const model::SecurityGroup> find_group(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::SecurityGroup>(view, scope, "sg-", name);
}
std::shared_ptr<const model::Eni> find_eni(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::Eni>(view, scope, "eni-", name);
}

std::shared_ptr<const model::RouteTable> find_route_table(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::RouteTable>(view, scope, "rtb-", name);
}
std::shared_ptr<const model::InternetGateway> find_gateway(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::InternetGateway>(view, scope, "igw-", name);
}

std::shared_ptr<const model::NatGateway> find_nat(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::NatGateway>(view, scope, "nat-", name);
}
std::shared_ptr<const model::ElasticAddress> find_address(const state::View& view, const model::Scope& scope, std::string_view name)
{
    return find<model::ElasticAddress>(view, scope, "eipalloc-", name);
}

std::shared_ptr<const model::SecurityGroup> find_group_of_rule(const state::View& view, const model::Scope& scope, std::string_view name)
{
    if (!name.starts_with("sgr-")) return nullptr;
    for (const auto& [id, group] : view.rows<model::SecurityGroup>())
        if (group->scope == scope)
            for (const auto& rule : group->rules)
                if (to_short_text("sgr-", rule.id) == name) return group;
    return nullptr;
}

std::shared_ptr<const model::Vpc> default_vpc(const state::View& view, const model::Scope& scope)
{
    for (const auto& [id, vpc] : view.rows<model::Vpc>())
        if (vpc->scope == scope && vpc->is_default) return vpc;
    return nullptr;
}

std::shared_ptr<const model::RouteTable> main_table(const state::View& view, const VpcId& vpc)
{
    for (auto& table : view.all<state::RouteTablesByVpc>(vpc))
        if (table->is_main()) return table;
    return nullptr;
}

}  // namespace boxship::services::ec2
