// The part of EC2 that ECS stands on: VPCs, subnets, routes, security groups, network interfaces. Addresses are host-order
// numbers; text is made at the edge (base/ipv4.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ipv4.h"
#include "model/common.h"

namespace boxship::model {

struct Vpc {
    static constexpr std::uint8_t table = 20;
    using Key = VpcId;
    Key key() const { return id; }

    VpcId id;
    Scope scope;
    std::uint32_t network = 0;      // 172.31.0.0
    std::int32_t prefix = 16;
    bool is_default = false;
    std::vector<KeyValue> tags;
    bool dns_support = true;
    std::optional<bool> dns_hostnames;   // none: as EC2 makes them, on in a default VPC only
    bool usage_metrics = false;
    bool shows_hostnames() const { return dns_hostnames.value_or(is_default); }
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, network); a(4, prefix); a(5, is_default); a(6, tags); a(7, dns_support); a(8, dns_hostnames);
        a(9, usage_metrics);
    }
};

struct Subnet {
    static constexpr std::uint8_t table = 21;
    using Key = SubnetId;
    Key key() const { return id; }

    SubnetId id;
    Scope scope;
    VpcId vpc;
    std::uint32_t network = 0;
    std::int32_t prefix = 20;
    std::string zone;               // us-east-1a
    std::string zone_id;            // use1-az1
    bool default_for_zone = false;
    std::vector<KeyValue> tags;
    std::optional<bool> map_public_ip;   // none: as EC2 makes them, on in default subnets only
    bool maps_public_ip() const { return map_public_ip.value_or(default_for_zone); }
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, network); a(5, prefix); a(6, zone); a(7, zone_id); a(8, default_for_zone);
        a(9, tags); a(10, map_public_ip);
    }
};

// One permission: traffic of a kind, from (ingress) or to (egress) one peer. Nothing is forbidden by a rule; what no rule
// of any group of an interface allows does not pass.
struct GroupRule {
    GroupRuleId id;
    bool egress = false;
    std::string protocol;            // "tcp", "udp", "icmp", "-1" (all), or a number
    std::int32_t from_port = -1;     // icmp: the type; -1: all
    std::int32_t to_port = -1;       // icmp: the code
    std::uint32_t network = 0;       // the peer: an IPv4 range,
    std::int32_t prefix = -1;        // -1: it is not one
    std::string ipv6;                // an IPv6 range (kept and shown; our VPCs carry no IPv6, so nothing matches it),
    SecurityGroupId group;           // or the members of a group
    std::string description;
    std::vector<KeyValue> tags;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, egress); a(3, protocol); a(4, from_port); a(5, to_port); a(6, network); a(7, prefix); a(8, ipv6); a(9, group);
        a(10, description); a(11, tags);
    }
};

struct SecurityGroup {
    static constexpr std::uint8_t table = 22;
    using Key = SecurityGroupId;
    Key key() const { return id; }

    SecurityGroupId id;
    Scope scope;
    VpcId vpc;
    std::string name;
    std::string description;
    std::vector<KeyValue> tags;
    std::vector<GroupRule> rules;
    bool has_rules = false;          // false: written before there were rules, seed_platform() gives it those of a default group
    bool is_default() const { return name == "default"; }
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, name); a(5, description); a(6, tags); a(7, rules); a(8, has_rules);
    }
};

struct RouteAssociation {
    RouteAssociationId id;
    SubnetId subnet;                 // none: the VPC's main table
    template <class A>
    void fields(A& a) { a(1, id); a(2, subnet); }
};

// Besides the route to the VPC itself, which every table has.
struct VpcRoute {
    std::uint32_t network = 0;
    std::int32_t prefix = 0;
    std::string ipv6;                // instead of the range above; kept and shown
    InternetGatewayId gateway;       // where it leads: to this, which may be gone or attached elsewhere by now,
    NatGatewayId nat;                // or to this: likewise
    template <class A>
    void fields(A& a) { a(1, network); a(2, prefix); a(3, ipv6); a(4, gateway); a(5, nat); }
};

struct RouteTable {
    static constexpr std::uint8_t table = 24;
    using Key = RouteTableId;
    Key key() const { return id; }

    RouteTableId id;
    Scope scope;
    VpcId vpc;
    std::vector<RouteAssociation> associations;
    std::vector<VpcRoute> routes;
    std::vector<KeyValue> tags;
    bool is_main() const
    {
        for (const auto& association : associations)
            if (!association.subnet) return true;
        return false;
    }
    template <class A>
    void fields(A& a) { a(1, id); a(2, scope); a(3, vpc); a(4, associations); a(5, routes); a(6, tags); }
};

struct InternetGateway {
    static constexpr std::uint8_t table = 25;
    using Key = InternetGatewayId;
    Key key() const { return id; }

    InternetGatewayId id;
    Scope scope;
    VpcId vpc;                       // none: attached to nothing
    std::vector<KeyValue> tags;
    template <class A>
    void fields(A& a) { a(1, id); a(2, scope); a(3, vpc); a(4, tags); }
};

struct NatGateway {
    static constexpr std::uint8_t table = 26;
    using Key = NatGatewayId;
    Key key() const { return id; }

    NatGatewayId id;
    Scope scope;
    VpcId vpc;
    SubnetId subnet;
    std::string zone;
    bool is_public = true;
    ElasticAddressId address;        // of a public one
    EniId eni;                       // none: it was deleted
    std::uint32_t private_address = 0;
    Time created_at;
    Time deleted_at;                 // still shown for an hour
    std::vector<KeyValue> tags;
    bool deleted() const { return static_cast<bool>(deleted_at); }
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, subnet); a(5, zone); a(6, is_public); a(7, address); a(8, eni); a(9, private_address);
        a(10, created_at); a(11, deleted_at); a(12, tags);
    }
};

// An Elastic IP address: a name for clients to hand around. Nothing answers there; what leaves does so by the machine's address.
// Associating it with an interface changes no packet.
struct ElasticAddress {
    static constexpr std::uint8_t table = 27;
    using Key = ElasticAddressId;
    Key key() const { return id; }

    ElasticAddressId id;
    Scope scope;
    std::uint32_t address = 0;
    NatGatewayId nat;                // whose it is
    std::vector<KeyValue> tags;
    EniId eni;                       // that it was associated with; no longer when that is gone
    Id<struct AddressAssociationTag> association;   // none in older rows of NAT gateways: there it is the address's id
    template <class A>
    void fields(A& a) { a(1, id); a(2, scope); a(3, address); a(4, nat); a(5, tags); a(6, eni); a(7, association); }
};

enum class EniStatus : std::uint8_t { available, in_use };

struct Eni {
    static constexpr std::uint8_t table = 23;
    using Key = EniId;
    Key key() const { return id; }

    EniId id;
    Scope scope;
    VpcId vpc;
    SubnetId subnet;
    std::uint32_t address = 0;
    std::string mac;                               // 0a:…
    std::vector<SecurityGroupId> groups;
    EniStatus status = EniStatus::in_use;
    TaskId task;                                   // whose it is; none for a host's own interface
    InstanceId instance;                           // a simulated host's own interface
    Id<struct AttachmentTag> attachment;           // the ECS attachment's id
    std::string description;
    Time created_at;
    LoadBalancerId load_balancer;                  // whose address it is
    std::vector<KeyValue> tags;
    NatGatewayId nat;                              // whose address it is
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, subnet); a(5, address); a(6, mac); a(7, groups); a(8, status); a(9, task);
        a(10, instance); a(11, attachment); a(12, description); a(13, created_at); a(30, load_balancer);
        a(31, tags); a(32, nat);
    }
};

// Facts of the whole platform: one row.
struct Platform {
    static constexpr std::uint8_t table = 30;
    using Key = std::int32_t;
    Key key() const { return 0; }

    std::string short_id;           // "bx3f": the prefix of everything we own on a host
    std::string boot_id;            // of the last start: another one means the machine restarted
    bool suspended = false;         // after `down`: nothing is replaced, nothing counts as failed
    template <class A>
    void fields(A& a) { a(1, short_id); a(2, boot_id); a(3, suspended); }
};

}  // namespace boxship::model
