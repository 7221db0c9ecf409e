#include "services/ecr/common.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "ecr/names.h"

namespace boxship::services::ecr {
namespace {

const char* exception_of(api::Reason reason)
{
    using api::Reason;
    switch (reason) {
        case Reason::repository_not_found: return "RepositoryNotFoundException";
        case Reason::repository_already_exists: return "RepositoryAlreadyExistsException";
        case Reason::repository_not_empty: return "RepositoryNotEmptyException";
        case Reason::blob_not_found:
        case Reason::layers_not_found: return "LayersNotFoundException";
        case Reason::referenced_images_not_found: return "ReferencedImagesNotFoundException";
        case Reason::image_not_found: return "ImageNotFoundException";
        case Reason::image_already_exists: return "ImageAlreadyExistsException";
        case Reason::tag_already_exists: return "ImageTagAlreadyExistsException";
        case Reason::digest_does_not_match: return "ImageDigestDoesNotMatchException";
        case Reason::upload_not_found: return "UploadNotFoundException";
        case Reason::upload_empty: return "EmptyUploadException";
        case Reason::layer_already_exists: return "LayerAlreadyExistsException";
        case Reason::layer_digest_invalid: return "InvalidLayerException";
        case Reason::layer_part_invalid: return "InvalidLayerPartException";
        case Reason::layer_part_too_small: return "LayerPartTooSmallException";
        case Reason::too_many_tags:
        case Reason::too_many_images: return "LimitExceededException";
        case Reason::blob_in_use:
        case Reason::image_referenced_by_index:
        case Reason::manifest_invalid:
        case Reason::invalid_parameter: return "InvalidParameterException";
        case Reason::denied: return "AccessDeniedException";
        case Reason::storage_full:
        case Reason::internal: return "ServerException";
    }
    return "ServerException";
}

}  // namespace

ApiError to_error(const api::Refused& refused)
{
    const bool ours = refused.reason == api::Reason::storage_full || refused.reason == api::Reason::internal;
    return {exception_of(refused.reason), refused.message, ours ? 500 : 400};
}

ApiError invalid(std::string message) { return {"InvalidParameterException", std::move(message), 400}; }

ApiError invalid_member(std::string_view member, std::string_view rule)
{
    return invalid(fmt::format("Invalid parameter at '{}' failed to satisfy constraint: '{}'", member, rule));
}

Result<> check_registry(const Call& call, std::string_view registry_id, std::string_view name)
{
    if (registry_id.empty() || registry_id == call.scope.account) return {};
    return ApiError{"RepositoryNotFoundException",
                    fmt::format("The repository with name '{}' does not exist in the registry with id '{}'", name, registry_id)};
}

Result<api::RepositoryRow> find_repository(const state::View& view, const Call& call, std::string_view registry_id, std::string_view name)
{
    RETURN_IF_ERROR(check_registry(call, registry_id, name));
    auto found = api::find_repository(view, call.scope, name);
    if (!found.ok()) return to_error(found.error());
    return std::move(found).value();
}

Result<api::DataPath*> data_path(const Call& call)
{
    if (call.installation.registry) return call.installation.registry;
    return ApiError{"ServerException", "No registry runs in this installation.", 500};
}

Result<Page> read_page(const shape::Str& token, const shape::Opt<std::int32_t>& max_results)
{
    Page page;
    if (max_results) {
        if (*max_results < 1 || *max_results > 1000) return invalid_member("maxResults", "Member must have value between 1 and 1000");
        page.count = static_cast<std::size_t>(*max_results);
    }
    if (token.empty()) return page;
    const auto text = from_base64(token.view());
    if (!text || text->empty() || text->front() != '1') return invalid_member("nextToken", "Member must be a token of an earlier answer");
    page.after = text->substr(1);
    return page;
}

std::string next_token(std::string_view after) { return to_base64("1" + std::string(after)); }

RepositoryView view_of(api::RepositoryRow row, const Call& call)
{
    const std::string uri = call.installation.registry_host + "/" + row->name;
    return {std::move(row), uri};
}

void render(const RepositoryView& view, api::Repository& out)
{
    const model::Repository& row = *view.row;
    out.repository_arn = api::repository_arn(row);
    out.registry_id = row.scope.account;
    out.repository_name = row.name;
    out.repository_uri = view.uri;
    out.created_at = row.created_at;
    static constexpr api::ImageTagMutability modes[] = {api::ImageTagMutability::mutable_, api::ImageTagMutability::immutable,
                                                        api::ImageTagMutability::immutable_with_exclusion,
                                                        api::ImageTagMutability::mutable_with_exclusion};
    out.image_tag_mutability = modes[static_cast<int>(row.mutability)];
    for (const std::string& filter : row.exclusion_filters) {
        auto& entry = out.image_tag_mutability_exclusion_filters.emplace_back();
        entry.filter_type = api::ImageTagMutabilityExclusionFilterType::wildcard;
        entry.filter = filter;
    }
    out.image_scanning_configuration.emplace().scan_on_push = row.scan_on_push;
    out.encryption_configuration.emplace().encryption_type = api::EncryptionType::aes256;
}

}  // namespace boxship::services::ecr
