#include "services/ecs/convert.h"

#include <algorithm>
#include <set>

#include "base/arn.h"
#include "base/strings.h"
#include "services/ecs/messages.h"
#include "shape/read.h"

namespace boxship::services::ecs {

api::LaunchType to_api(model::LaunchType type)
{
    switch (type) {
    case model::LaunchType::ec2: return api::LaunchType::ec2;
    case model::LaunchType::fargate: return api::LaunchType::fargate;
    case model::LaunchType::external: return api::LaunchType::external;
    }
    return api::LaunchType::unknown;
}

api::Compatibility to_compatibility(model::LaunchType type)
{
    switch (type) {
    case model::LaunchType::ec2: return api::Compatibility::ec2;
    case model::LaunchType::fargate: return api::Compatibility::fargate;
    case model::LaunchType::external: return api::Compatibility::external;
    }
    return api::Compatibility::unknown;
}

api::NetworkMode to_api(model::NetworkMode mode)
{
    switch (mode) {
    case model::NetworkMode::bridge: return api::NetworkMode::bridge;
    case model::NetworkMode::host: return api::NetworkMode::host;
    case model::NetworkMode::awsvpc: return api::NetworkMode::awsvpc;
    case model::NetworkMode::none: return api::NetworkMode::none;
    }
    return api::NetworkMode::unknown;
}

model::NetworkMode to_model(api::NetworkMode mode)
{
    switch (mode) {
    case api::NetworkMode::host: return model::NetworkMode::host;
    case api::NetworkMode::awsvpc: return model::NetworkMode::awsvpc;
    case api::NetworkMode::none: return model::NetworkMode::none;
    default: return model::NetworkMode::bridge;
    }
}

api::PropagateTags to_api(model::Propagate propagate)
{
    switch (propagate) {
    case model::Propagate::none: return api::PropagateTags::none;
    case model::Propagate::task_definition: return api::PropagateTags::task_definition;
    case model::Propagate::service: return api::PropagateTags::service;
    }
    return api::PropagateTags::none;
}

std::string_view to_text(model::LaunchType type) { return api::to_text(to_api(type)); }

std::string_view to_text(model::InstanceStatus status)
{
    switch (status) {
    case model::InstanceStatus::registering: return "REGISTERING";
    case model::InstanceStatus::active: return "ACTIVE";
    case model::InstanceStatus::draining: return "DRAINING";
    case model::InstanceStatus::deregistering: return "DEREGISTERING";
    case model::InstanceStatus::inactive: return "INACTIVE";
    }
    return "";
}

Result<std::vector<model::KeyValue>> read_tags(const Call& call, const shape::List<api::Tag>& tags)
{
    if (const auto most = call.quota(model::Quota::ecs_tags); tags.size() > most) return invalid(say(messages::tags_max, most));
    std::vector<model::KeyValue> rows;
    std::set<std::string> seen;
    for (const auto& tag : tags) {
        if (tag.key.empty() || tag.key.size() > 4 * 128) return invalid(messages::tag_key);
        if (tag.value.size() > 4 * 256) return invalid(messages::tag_value);
        const std::string lower = to_lower(tag.key);
        if (lower.starts_with("aws:")) return invalid(messages::tag_reserved);
        if (!seen.insert(lower).second) return invalid(messages::tag_twice);
        rows.push_back({tag.key.str(), tag.value.str()});
    }
    return rows;
}

Result<> merge_tags(const Call& call, std::vector<model::KeyValue>& tags, const std::vector<model::KeyValue>& more)
{
    for (const auto& tag : more) {
        const auto found = std::ranges::find(tags, tag.key, &model::KeyValue::key);
        if (found != tags.end())
            found->value = tag.value;
        else
            tags.push_back(tag);
    }
    if (const auto most = call.quota(model::Quota::ecs_tags); tags.size() > most) return invalid(say(messages::tags_max, most));
    return {};
}

void write_tags(const std::vector<model::KeyValue>& tags, shape::List<api::Tag>& list)
{
    list.emplace();
    for (const auto& tag : tags) {
        auto& entry = list.emplace_back();
        entry.key = tag.key;
        entry.value = tag.value;
    }
}

void write_failures(const std::vector<FailureRow>& failures, shape::List<api::Failure>& list)
{
    list.emplace();
    for (const auto& failure : failures) {
        auto& entry = list.emplace_back();
        if (!failure.arn.empty()) entry.arn = failure.arn;
        entry.reason = failure.reason;
        if (!failure.detail.empty()) entry.detail = failure.detail;
    }
}

void read_back(std::string_view json, shape::RecordRef into)
{
    if (json.empty()) return;
    CHECK(shape::read_json(json, into).ok());
}

std::optional<std::string> role_arn(const model::Scope& scope, std::string_view role)
{
    if (role.starts_with("arn:")) {
        const auto parsed = Arn::parse(role);
        if (!parsed || parsed->service != "iam" || !parsed->resource.starts_with("role/") || parsed->resource.size() == 5) return std::nullopt;
        return std::string(role);
    }
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || std::string_view("_+=,.@-").find(static_cast<char>(c)) != std::string_view::npos; };
    if (role.empty() || role.size() > 64 || !std::ranges::all_of(role, allowed)) return std::nullopt;
    const Arn arn{"iam", "", scope.account, "role/" + std::string(role)};
    return to_text(arn);
}

}  // namespace boxship::services::ecs
