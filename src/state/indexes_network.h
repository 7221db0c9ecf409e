// Indexes of VPCs and what is in them: a part of indexes.h.
#pragma once

#include <string>

#include "model/network.h"

namespace boxship::state {

using namespace model;

struct SubnetsByVpc {
    using Row = Subnet;
    using Value = VpcId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.vpc); }
};
struct GroupsByVpc {
    using Row = SecurityGroup;
    using Value = VpcId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.vpc); }
};
struct VpcAddress {
    VpcId vpc;
    std::uint32_t address = 0;
    auto operator<=>(const VpcAddress&) const = default;
};
struct EniByAddress {
    using Row = Eni;
    using Value = VpcAddress;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.vpc, row.address}); }
};
struct EnisBySubnet {
    using Row = Eni;
    using Value = SubnetId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.subnet); }
};
struct EnisByGroup {
    using Row = Eni;
    using Value = SecurityGroupId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { for (const auto& group : row.groups) emit(group); }
};
struct RouteTablesByVpc {
    using Row = RouteTable;
    using Value = VpcId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.vpc); }
};
struct GatewaysByVpc {
    using Row = InternetGateway;
    using Value = VpcId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.vpc) emit(row.vpc); }
};
struct ZoneName {
    Scope scope;
    std::string zone;
    auto operator<=>(const ZoneName&) const = default;
};
struct NatGatewaysByZone {  // those that are there
    using Row = NatGateway;
    using Value = ZoneName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (!row.deleted()) emit(Value{row.scope, row.zone}); }
};
struct NatGatewaysByVpc {  // those that are there
    using Row = NatGateway;
    using Value = VpcId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (!row.deleted()) emit(row.vpc); }
};
struct DeletedNatGatewaysByTime {  // what leaves memory next
    using Row = NatGateway;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.deleted()) emit(row.deleted_at); }
};
struct AddressByNumber {
    using Row = ElasticAddress;
    using Value = std::uint32_t;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.address); }
};
struct AddressesByEni {  // also by interfaces that are gone
    using Row = ElasticAddress;
    using Value = EniId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.eni) emit(row.eni); }
};
struct EnisByTask {
    using Row = Eni;
    using Value = TaskId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.task) emit(row.task); }
};

struct EnisByLoadBalancer {
    using Row = Eni;
    using Value = LoadBalancerId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.load_balancer) emit(row.load_balancer); }
};

}  // namespace boxship::state
