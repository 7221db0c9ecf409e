// Where the route table of a subnet leads beyond its VPC. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "model/network.h"
#include "state/view.h"

namespace boxship::decide {

struct AddressSpan {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const AddressSpan&) const = default;
};

// Whether what the route leads to is there: else it is a black hole.
bool leads_somewhere(const state::View& view, const model::RouteTable& table, const model::VpcRoute& route);

// The table that holds for a subnet: its own, else the VPC's main one.
std::shared_ptr<const model::RouteTable> table_of(const state::View& view, const model::Subnet& subnet);

// What a subnet reaches by internet gateways and NAT gateways: in order, none touching the next. The most specific route decides. A
// public NAT gateway reaches what its own subnet reaches by an internet gateway, a private one nothing outside.
std::vector<AddressSpan> ways_out(const state::View& view, const model::Subnet& subnet);

}  // namespace boxship::decide
