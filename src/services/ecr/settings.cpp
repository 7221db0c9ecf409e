// Tag mutability, the scanning switch, resource tags.
#include "services/ecr/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/arn.h"

namespace boxship::services::ecr {
namespace {

constexpr std::size_t filters_max = 5;
constexpr std::size_t filter_size_max = 128;

bool valid_filter(std::string_view filter)
{
    if (filter.empty() || filter.size() > filter_size_max) return false;
    return std::all_of(filter.begin(), filter.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '*' || c == '-';
    });
}

}  // namespace

Result<> set_mutability(model::Repository& repository, const shape::Opt<api::ImageTagMutability>& mode,
                        const shape::List<api::ImageTagMutabilityExclusionFilter>& filters)
{
    using Wanted = api::ImageTagMutability;
    const Wanted wanted = mode.value_or(Wanted::mutable_);
    const bool exclusion = wanted == Wanted::immutable_with_exclusion || wanted == Wanted::mutable_with_exclusion;
    if (exclusion && filters.empty())
        return invalid_member("imageTagMutabilityExclusionFilters", "Member must not be empty for a mutability with exclusion");
    if (!exclusion && !filters.empty())
        return invalid_member("imageTagMutabilityExclusionFilters", "Member must be empty for a mutability without exclusion");
    if (filters.size() > filters_max)
        return invalid_member("imageTagMutabilityExclusionFilters", "Member must have length less than or equal to 5");
    repository.exclusion_filters.clear();
    for (const auto& filter : filters) {
        if (!valid_filter(filter.filter))
            return invalid_member("imageTagMutabilityExclusionFilters", "Member must have 1 to 128 characters of 0-9 a-z A-Z . _ * -");
        repository.exclusion_filters.push_back(filter.filter.str());
    }
    repository.mutability = wanted == Wanted::immutable                  ? model::TagMutability::immutable
                            : wanted == Wanted::immutable_with_exclusion ? model::TagMutability::immutable_with_exclusion
                            : wanted == Wanted::mutable_with_exclusion   ? model::TagMutability::mutable_with_exclusion
                                                                         : model::TagMutability::mutable_;
    return {};
}

Result<> add_tags(const Call& call, std::vector<model::KeyValue>& tags, const shape::List<api::Tag>& added)
{
    for (const auto& tag : added) {
        const std::string key = tag.key.str(), value = tag.value.str();
        if (key.empty() || key.size() > 128 || value.size() > 256)
            return ApiError{"InvalidTagParameterException", "A tag has a key of 1 to 128 and a value of at most 256 characters."};
        if (key.starts_with("aws:")) return ApiError{"InvalidTagParameterException", "Tag keys must not start with 'aws:'."};
        const auto same = std::find_if(tags.begin(), tags.end(), [&](const model::KeyValue& old) { return old.key == key; });
        if (same != tags.end()) same->value = value;
        else tags.push_back({key, value});
    }
    if (const auto most = call.quota(model::Quota::ecr_tags); tags.size() > most)
        return ApiError{"TooManyTagsException", fmt::format("A repository has at most {} tags.", most)};
    return {};
}

namespace {

Result<RepositoryView> put_image_tag_mutability(Txn& txn, const Call& call, const api::PutImageTagMutabilityRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    model::Repository repository = *found;
    RETURN_IF_ERROR(set_mutability(repository, request.image_tag_mutability, request.image_tag_mutability_exclusion_filters));
    txn.put(std::move(repository));
    return view_of(txn.get<model::Repository>(found->id), call);
}

api::PutImageTagMutabilityResponse render_mutability(const RepositoryView& view)
{
    api::Repository shown;
    render(view, shown);
    api::PutImageTagMutabilityResponse response;
    response.registry_id = shown.registry_id;
    response.repository_name = shown.repository_name;
    response.image_tag_mutability = shown.image_tag_mutability;
    response.image_tag_mutability_exclusion_filters = shown.image_tag_mutability_exclusion_filters;
    return response;
}

Result<RepositoryView> put_image_scanning_configuration(Txn& txn, const Call& call, const api::PutImageScanningConfigurationRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_repository(txn, call, request.registry_id, request.repository_name));
    model::Repository repository = *found;
    repository.scan_on_push = request.image_scanning_configuration->scan_on_push.value_or(false);
    txn.put(std::move(repository));
    return view_of(txn.get<model::Repository>(found->id), call);
}

api::PutImageScanningConfigurationResponse render_scanning(const RepositoryView& view)
{
    api::PutImageScanningConfigurationResponse response;
    response.registry_id = view.row->scope.account;
    response.repository_name = view.row->name;
    response.image_scanning_configuration.emplace().scan_on_push = view.row->scan_on_push;
    return response;
}

Result<api::RepositoryRow> find_by_arn(const state::View& view, const Call& call, std::string_view text)
{
    constexpr std::string_view kind = "repository/";
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "ecr" || !arn->resource.starts_with(kind))
        return invalid_member("resourceArn", "Member must be the ARN of a repository");
    const std::string name = arn->resource.substr(kind.size());
    if (arn->region != call.scope.region) return find_repository(view, call, arn->account + " in " + arn->region, name);
    return find_repository(view, call, arn->account, name);
}

struct Nothing {};

Result<Nothing> tag_resource(Txn& txn, const Call& call, const api::TagResourceRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_by_arn(txn, call, request.resource_arn));
    model::Repository repository = *found;
    RETURN_IF_ERROR(add_tags(call, repository.tags, request.tags));
    txn.put(std::move(repository));
    return Nothing{};
}

Result<Nothing> untag_resource(Txn& txn, const Call& call, const api::UntagResourceRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_by_arn(txn, call, request.resource_arn));
    model::Repository repository = *found;
    for (const auto& key : request.tag_keys)
        std::erase_if(repository.tags, [&](const model::KeyValue& tag) { return tag.key == key.view(); });
    txn.put(std::move(repository));
    return Nothing{};
}

template <class Response>
Response render_nothing(const Nothing&)
{
    return {};
}

Result<std::vector<model::KeyValue>> list_tags(Txn& txn, const Call& call, const api::ListTagsForResourceRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_by_arn(txn, call, request.resource_arn));
    return found->tags;
}

api::ListTagsForResourceResponse render_repository_tags(const std::vector<model::KeyValue>& tags)
{
    api::ListTagsForResourceResponse response;
    response.tags.emplace();
    for (const auto& tag : tags) {
        auto& entry = response.tags.emplace_back();
        entry.key = tag.key;
        entry.value = tag.value;
    }
    return response;
}

}  // namespace

void serve_settings(Served& served)
{
    using namespace api::ops;
    served.add<PutImageTagMutability>(put_image_tag_mutability, render_mutability);
    served.add<PutImageScanningConfiguration>(put_image_scanning_configuration, render_scanning)
        .ignores({"imageScanningConfiguration.scanOnPush"});
}

void serve_tags(Served& served)
{
    using namespace api::ops;
    served.add<TagResource>(tag_resource, render_nothing<api::TagResourceResponse>);
    served.add<UntagResource>(untag_resource, render_nothing<api::UntagResourceResponse>);
    served.add<ListTagsForResource>(list_tags, render_repository_tags);
}

}  // namespace boxship::services::ecr
