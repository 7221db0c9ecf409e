// DescribeAvailabilityZones, DescribeRegions, DescribeAccountAttributes.
#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

struct Zone {
    std::string region, name, id;
};

bool is_named(const shape::List<shape::Str>& names, const std::string& name)
{
    return names.empty() || std::ranges::any_of(names, [&](const auto& wanted) { return wanted == name; });
}

// The zones are those that have a default subnet.
Result<std::vector<Zone>> describe_availability_zones(Txn& txn, const Call& call, const api::DescribeAvailabilityZonesRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"zone-name", "zone-id", "region-name", "state", "zone-type", "group-name", "opt-in-status", "message", "parent-zone-id", "parent-zone-name"}));
    std::map<std::string, Zone> all;
    for (const auto& [id, subnet] : txn.rows<model::Subnet>())
        if (subnet->scope == call.scope && subnet->default_for_zone) all[subnet->zone] = {call.scope.region, subnet->zone, subnet->zone_id};
    for (const auto& name : request.zone_names)
        if (!all.contains(name.str())) return invalid_value(fmt::format("Invalid availability zone: [{}]", name));
    std::vector<Zone> zones;
    for (const auto& [name, zone] : all) {
        const Properties properties = {{"zone-name", {zone.name}}, {"zone-id", {zone.id}}, {"region-name", {zone.region}}, {"state", {"available"}},
                                       {"zone-type", {"availability-zone"}}, {"group-name", {zone.region}}, {"opt-in-status", {"opt-in-not-required"}}};
        if (is_named(request.zone_names, zone.name) && is_named(request.zone_ids, zone.id) && passes(request.filters, properties)) zones.push_back(zone);
    }
    return zones;
}

api::DescribeAvailabilityZonesResult render_zones(const std::vector<Zone>& zones)
{
    api::DescribeAvailabilityZonesResult response;
    response.availability_zones.emplace();
    for (const auto& zone : zones) {
        auto& out = response.availability_zones.emplace_back();
        out.zone_name = zone.name;
        out.zone_id = zone.id;
        out.region_name = zone.region;
        out.group_name = zone.region;
        out.network_border_group = zone.region;
        out.zone_type = "availability-zone";
        out.opt_in_status = api::AvailabilityZoneOptInStatus::opt_in_not_required;
        out.state = api::AvailabilityZoneState::available;
        out.messages.emplace();
    }
    return response;
}

struct Regions {
    std::vector<std::string> names;
    std::string endpoint;
};

// The regions that are served are those that have been seeded.
Result<Regions> describe_regions(Txn& txn, const Call& call, const api::DescribeRegionsRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"region-name", "endpoint", "opt-in-status"}));
    std::map<std::string, bool> all;
    for (const auto& [id, vpc] : txn.rows<model::Vpc>())
        if (vpc->scope.account == call.scope.account) all[vpc->scope.region] = true;
    for (const auto& name : request.region_names)
        if (!all.contains(name.str())) return invalid_value(fmt::format("Invalid region: [{}]", name));
    Regions regions{.names = {}, .endpoint = call.installation.endpoint};
    for (const auto& [name, served] : all) {
        const Properties properties = {{"region-name", {name}}, {"endpoint", {regions.endpoint}}, {"opt-in-status", {"opt-in-not-required"}}};
        if (is_named(request.region_names, name) && passes(request.filters, properties)) regions.names.push_back(name);
    }
    return regions;
}

api::DescribeRegionsResult render_regions(const Regions& regions)
{
    api::DescribeRegionsResult response;
    response.regions.emplace();
    for (const auto& name : regions.names) {
        auto& out = response.regions.emplace_back();
        out.region_name = name;
        out.endpoint = regions.endpoint;
        out.opt_in_status = "opt-in-not-required";
    }
    return response;
}

struct AccountFacts {
    std::vector<std::pair<std::string, std::string>> values;
};

Result<AccountFacts> describe_account_attributes(Txn& txn, const Call& call, const api::DescribeAccountAttributesRequest& request)
{
    AccountFacts facts;
    const auto wanted = [&](api::AccountAttributeName name) {
        return request.attribute_names.empty() || std::ranges::find(request.attribute_names, name) != request.attribute_names.end();
    };
    if (wanted(api::AccountAttributeName::supported_platforms)) facts.values.emplace_back("supported-platforms", "VPC");
    for (const auto& [id, vpc] : txn.rows<model::Vpc>())
        if (vpc->scope == call.scope && vpc->is_default && wanted(api::AccountAttributeName::default_vpc))
            facts.values.emplace_back("default-vpc", to_short_text("vpc-", id));
    // Those whose names cannot be asked for one by one.
    if (request.attribute_names.empty()) {
        const std::string addresses = std::to_string(call.quota(model::Quota::addresses));
        facts.values.emplace_back("max-elastic-ips", addresses);
        facts.values.emplace_back("vpc-max-elastic-ips", addresses);
        facts.values.emplace_back("vpc-max-security-groups-per-interface", std::to_string(call.quota(model::Quota::groups_per_interface)));
    }
    return facts;
}

api::DescribeAccountAttributesResult render_account(const AccountFacts& facts)
{
    api::DescribeAccountAttributesResult response;
    response.account_attributes.emplace();
    for (const auto& [name, value] : facts.values) {
        auto& out = response.account_attributes.emplace_back();
        out.attribute_name = name;
        out.attribute_values.emplace_back().attribute_value = value;
    }
    return response;
}

}  // namespace

void serve_places(Served& served)
{
    served.add<api::ops::DescribeAvailabilityZones>(describe_availability_zones, render_zones)
        .ignores({"AllAvailabilityZones"});
    served.add<api::ops::DescribeRegions>(describe_regions, render_regions).ignores({"AllRegions"});
    served.add<api::ops::DescribeAccountAttributes>(describe_account_attributes, render_account);
}

}  // namespace boxship::services::ec2
