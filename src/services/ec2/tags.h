// Tags of EC2's resources: as they are written in requests and answers.
#pragma once

#include <vector>

#include "base/result.h"
#include "ec2/types.h"
#include "model/common.h"
#include "services/call.h"

namespace boxship::services::ec2 {

namespace api = ::boxship::ec2;
using Tags = std::vector<model::KeyValue>;

void write_tags(const Tags& tags, shape::List<api::Tag>& list);

// Adds or replaces. As many as the quota lets a resource have; keys beginning with "aws:" are refused.
Result<> merge_tags(const Call& call, Tags& own, const shape::List<api::Tag>& more);

// The tags of a request that makes resources of this one type: a specification for another type is refused.
Result<Tags> read_specifications(const Call& call, const shape::List<api::TagSpecification>& specifications, api::ResourceType type);

}  // namespace boxship::services::ec2
