// Small conversions between the rows and the records of the wire.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecs/types.h"
#include "model/ecs.h"
#include "services/ecs/names.h"

namespace boxship::services::ecs {

api::LaunchType to_api(model::LaunchType type);
api::Compatibility to_compatibility(model::LaunchType type);
api::NetworkMode to_api(model::NetworkMode mode);
api::PropagateTags to_api(model::Propagate propagate);
model::NetworkMode to_model(api::NetworkMode mode);
std::string_view to_text(model::LaunchType type);       // "EC2", "FARGATE", "EXTERNAL"
std::string_view to_text(model::InstanceStatus status); // "ACTIVE" …

// A member that is absent rather than empty.
inline void set_time(Time time, shape::Opt<Time>& out) { if (time) out = time; }
inline void set_text(std::string_view text, shape::Str& out) { if (!text.empty()) out = text; }

// Checked: count, lengths, reserved and repeated keys.
Result<std::vector<model::KeyValue>> read_tags(const Call& call, const shape::List<api::Tag>& tags);
// `more` over `tags`; fails when there are too many then.
Result<> merge_tags(const Call& call, std::vector<model::KeyValue>& tags, const std::vector<model::KeyValue>& more);
void write_tags(const std::vector<model::KeyValue>& tags, shape::List<api::Tag>& list);

// A failure as DescribeX and RunTask report it.
struct FailureRow {
    std::string arn;
    std::string reason;
    std::string detail;
};
void write_failures(const std::vector<FailureRow>& failures, shape::List<api::Failure>& list);

// JSON text of a record that we wrote ourselves, back into it. "" leaves it empty.
void read_back(std::string_view json, shape::RecordRef into);

// A role's full ARN: task definitions may name a role by its short name. Nothing when it is neither.
std::optional<std::string> role_arn(const model::Scope& scope, std::string_view role);

}  // namespace boxship::services::ecs
