// DescribeNetworkInterfaces.
#include "base/ipv4.h"
#include "decide/addresses.h"
#include "ec2/ops.h"
#include "model/arns.h"
#include "services/ec2/addresses.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"
#include "services/ec2/tags.h"

namespace boxship::services::ec2 {
namespace {

struct InterfaceRows {
    std::vector<InterfaceRow> interfaces;
    std::string next_token;
};

const char* status_text(model::EniStatus status) { return status == model::EniStatus::in_use ? "in-use" : "available"; }

// Interfaces that AWS's services make are attached to instances of those services.
const char* requester_of(const model::Eni& eni) { return eni.load_balancer ? "amazon-elb" : eni.nat ? "amazon-nat" : nullptr; }
std::string owner_of_attachment(const model::Eni& eni)
{
    const char* requester = requester_of(eni);
    return requester ? requester : eni.scope.account;
}
api::NetworkInterfaceType type_of(const model::Eni& eni) { return eni.nat ? api::NetworkInterfaceType::nat_gateway : api::NetworkInterfaceType::interface; }
bool is_requesters(const model::Eni& eni) { return eni.task || eni.load_balancer || eni.nat; }

Properties eni_properties(const state::View& view, const model::Eni& eni)
{
    const auto subnet = view.get<model::Subnet>(eni.subnet);
    Properties properties = {{"network-interface-id", {to_short_text("eni-", eni.id)}}, {"subnet-id", {to_short_text("subnet-", eni.subnet)}},
                             {"vpc-id", {to_short_text("vpc-", eni.vpc)}}, {"private-ip-address", {ipv4_text(eni.address)}},
                             {"addresses.private-ip-address", {ipv4_text(eni.address)}}, {"mac-address", {eni.mac}},
                             {"status", {status_text(eni.status)}}, {"description", {eni.description}}, {"owner-id", {eni.scope.account}},
                             {"availability-zone", {subnet->zone}}, {"availability-zone-id", {subnet->zone_id}}, {"operator.managed", {"false"}}, {"interface-type", {std::string(api::to_text(type_of(eni)))}},
                             {"private-dns-name", {decide::private_dns_name(eni.address, eni.scope.region)}},
                             {"addresses.primary", {"true"}}, {"source-dest-check", {"true"}}, {"requester-managed", {is_requesters(eni) ? "true" : "false"}}};
    if (eni.status == model::EniStatus::in_use) {
        properties["attachment.attachment-id"] = {to_short_text("eni-attach-", eni.id)};
        properties["attachment.instance-owner-id"] = {owner_of_attachment(eni)};
        properties["attachment.device-index"] = {"1"};
        properties["attachment.status"] = {"attached"};
        properties["attachment.delete-on-termination"] = {"true"};
    }
    if (const char* requester = requester_of(eni)) properties["requester-id"] = {requester};
    if (const auto elastic = address_of(view, eni)) {
        properties["association.allocation-id"] = {allocation_text(elastic->id)};
        properties["association.association-id"] = {association_text(*elastic)};
        properties["association.ip-owner-id"] = properties["addresses.association.owner-id"] = {elastic->scope.account};
        properties["association.public-ip"] = properties["addresses.association.public-ip"] = {ipv4_text(elastic->address)};
    }
    for (const auto& group : eni.groups) {
        properties["group-id"].push_back(to_short_text("sg-", group));
        properties["group-name"].push_back(view.get<model::SecurityGroup>(group)->name);
    }
    add_tag_properties(eni.tags, properties);
    return properties;
}

Result<InterfaceRows> describe_network_interfaces(Txn& txn, const Call& call, const api::DescribeNetworkInterfacesRequest& request)
{
    static const KindOfRow<model::Eni> kind{"eni-", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID", find_eni,
        {"network-interface-id", "subnet-id", "vpc-id", "private-ip-address", "addresses.private-ip-address", "mac-address", "status", "description",
         "owner-id", "availability-zone", "interface-type", "private-dns-name", "requester-managed", "requester-id", "group-id", "group-name", "addresses.primary",
         "attachment.attachment-id", "attachment.instance-owner-id", "attachment.device-index", "attachment.status", "attachment.delete-on-termination",
         "attachment.instance-id", "attachment.attach-time", "attachment.nat-gateway-id", "association.allocation-id", "association.association-id",
         "association.ip-owner-id", "association.public-ip", "association.public-dns-name", "addresses.association.public-ip", "ipv6-addresses.ipv6-address",
         "source-dest-check", "availability-zone-id", "addresses.association.owner-id", "operator.managed", "operator.principal"}, eni_properties};
    ASSIGN_OR_RETURN(auto found, describe(txn, call, request, request.network_interface_ids, kind));
    InterfaceRows rows{.next_token = found.next_token};
    for (auto& eni : found.rows) rows.interfaces.push_back(interface_row(txn, std::move(eni)));
    return rows;
}

api::DescribeNetworkInterfacesResult render_interfaces(const InterfaceRows& rows)
{
    api::DescribeNetworkInterfacesResult response;
    response.network_interfaces.emplace();
    for (const auto& row : rows.interfaces) write_interface(row, response.network_interfaces.emplace_back());
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

InterfaceRow interface_row(const state::View& view, std::shared_ptr<const model::Eni> eni)
{
    InterfaceRow row{.eni = std::move(eni), .subnet = {}, .groups = {}, .elastic = {}};
    row.subnet = view.get<model::Subnet>(row.eni->subnet);
    for (const auto& group : row.eni->groups) row.groups.push_back(view.get<model::SecurityGroup>(group));
    row.elastic = address_of(view, *row.eni);
    return row;
}

void write_interface(const InterfaceRow& row, api::NetworkInterface& out)
{
    const auto& [eni, subnet, groups, elastic] = row;
    out.network_interface_id = to_short_text("eni-", eni->id);
    out.subnet_id = to_short_text("subnet-", eni->subnet);
    out.vpc_id = to_short_text("vpc-", eni->vpc);
    out.availability_zone = subnet->zone;
    out.availability_zone_id = subnet->zone_id;
    out.description = eni->description;
    out.mac_address = eni->mac;
    out.owner_id = eni->scope.account;
    out.private_ip_address = ipv4_text(eni->address);
    out.private_dns_name = decide::private_dns_name(eni->address, eni->scope.region);
    out.interface_type = type_of(*eni);
    out.requester_managed = is_requesters(*eni);
    if (const char* requester = requester_of(*eni)) out.requester_id = requester;
    out.source_dest_check = true;
    out.status = eni->status == model::EniStatus::in_use ? api::NetworkInterfaceStatus::in_use : api::NetworkInterfaceStatus::available;
    for (const auto& group : groups) {
        auto& entry = out.groups.emplace_back();
        entry.group_id = to_short_text("sg-", group->id);
        entry.group_name = group->name;
    }
    auto& address = out.private_ip_addresses.emplace_back();
    address.primary = true;
    address.private_ip_address = out.private_ip_address;
    address.private_dns_name = out.private_dns_name;
    if (elastic)
        for (auto* association : {&out.association.emplace(), &address.association.emplace()}) {
            association->allocation_id = allocation_text(elastic->id);
            association->association_id = association_text(*elastic);
            association->ip_owner_id = elastic->scope.account;
            association->public_ip = ipv4_text(elastic->address);
        }
    write_tags(eni->tags, out.tag_set);
    if (eni->status == model::EniStatus::in_use) {
        out.attachment->attachment_id = to_short_text("eni-attach-", eni->id);
        out.attachment->attach_time = eni->created_at;
        out.attachment->device_index = 1;
        out.attachment->status = api::AttachmentStatus::attached;
        out.attachment->delete_on_termination = true;
        out.attachment->instance_owner_id = owner_of_attachment(*eni);
    }
}

void serve_interfaces(Served& served)
{
    served.add<api::ops::DescribeNetworkInterfaces>(describe_network_interfaces, render_interfaces)
        .ignores({"IncludeManagedResources"});
}

}  // namespace boxship::services::ec2
