// The part of EC2 that ECS stands on: VPCs, subnets, security groups, network interfaces. Addresses are host-order
// numbers; text is made at the edge (base/ipv4.h).
#pragma once

#include <cstdint>
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
    template <class A>
    void fields(A& a) { a(1, id); a(2, scope); a(3, network); a(4, prefix); a(5, is_default); a(6, tags); }
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
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, network); a(5, prefix); a(6, zone); a(7, zone_id); a(8, default_for_zone);
        a(9, tags);
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
    template <class A>
    void fields(A& a) { a(1, id); a(2, scope); a(3, vpc); a(4, name); a(5, description); a(6, tags); }
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
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, vpc); a(4, subnet); a(5, address); a(6, mac); a(7, groups); a(8, status); a(9, task);
        a(10, instance); a(11, attachment); a(12, description); a(13, created_at); a(30, load_balancer);
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
