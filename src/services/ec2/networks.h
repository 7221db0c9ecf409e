// VPCs and subnets: what they are made of, and how they are shown.
#pragma once

#include <string>

#include "base/ids.h"
#include "services/ec2/tags.h"
#include "state/txn.h"

namespace boxship::services::ec2 {

std::string ec2_arn(const model::Scope& scope, const std::string& resource);      // "arn:aws:ec2:…:subnet/subnet-…"
std::string range_of(std::uint32_t network, std::int32_t prefix);                 // "172.31.0.0/16"

void write_vpc(const model::Vpc& vpc, api::Vpc& out);
void write_subnet(const model::Subnet& subnet, std::uint32_t available, api::Subnet& out);

// What every VPC has from its first moment: a main route table and a group named "default". Adds what is missing.
void make_vpc_parts(state::Txn& txn, const model::Vpc& vpc, Ids& ids);

// The rules of a group named "default": its members reach each other. Of every new group: everything may leave.
std::vector<model::GroupRule> default_group_rules(const model::SecurityGroup& group);   // without ids
model::GroupRule allow_all_out();

}  // namespace boxship::services::ec2
