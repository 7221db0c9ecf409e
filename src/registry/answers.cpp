#include "registry/answers.h"

#include <cerrno>

#include "base/log.h"

namespace boxship::registry {
namespace {

using ecr::Reason;
using shape::Json;

struct Meaning {
    int status;
    const char* code;
};

Meaning meaning_of(Reason reason)
{
    switch (reason) {
        case Reason::repository_not_found: return {404, "NAME_UNKNOWN"};
        case Reason::repository_already_exists:
        case Reason::repository_not_empty: return {409, "DENIED"};
        case Reason::blob_not_found: return {404, "BLOB_UNKNOWN"};
        case Reason::blob_in_use:
        case Reason::image_referenced_by_index: return {405, "UNSUPPORTED"};
        case Reason::layers_not_found:
        case Reason::referenced_images_not_found: return {400, "MANIFEST_BLOB_UNKNOWN"};
        case Reason::image_not_found: return {404, "MANIFEST_UNKNOWN"};
        case Reason::tag_already_exists: return {400, "TAG_INVALID"};
        case Reason::image_already_exists:
        case Reason::layer_already_exists:
        case Reason::too_many_tags:
        case Reason::too_many_images:
        case Reason::invalid_parameter:
        case Reason::manifest_invalid: return {400, "MANIFEST_INVALID"};
        case Reason::digest_does_not_match:
        case Reason::layer_digest_invalid: return {400, "DIGEST_INVALID"};
        case Reason::upload_not_found: return {404, "BLOB_UPLOAD_UNKNOWN"};
        case Reason::upload_empty:
        case Reason::layer_part_too_small:
        case Reason::layer_part_invalid: return {400, "BLOB_UPLOAD_INVALID"};
        case Reason::storage_full: return {507, "DENIED"};
        case Reason::denied: return {403, "DENIED"};
        case Reason::internal: return {500, "UNKNOWN"};
    }
    return {500, "UNKNOWN"};
}

Json entry(std::string_view code, std::string_view message, Json detail)
{
    Json error = Json::object({{"code", code}, {"message", message}});
    if (!detail.is_null()) error.set("detail", std::move(detail));
    return error;
}

http::Response answer(int status, Json errors)
{
    http::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = Json::object({{"errors", std::move(errors)}}).dump();
    return response;
}

}  // namespace

http::Response refuse(int status, std::string_view code, std::string_view message, Json detail)
{
    return answer(status, Json::array({entry(code, message, std::move(detail))}));
}

http::Response refuse(const ecr::Refused& refused)
{
    const Meaning meaning = meaning_of(refused.reason);
    Json errors = Json::array();
    if (refused.reason == Reason::layers_not_found || refused.reason == Reason::referenced_images_not_found) {
        for (const std::string& digest : refused.items)
            errors.push_back(entry(meaning.code, refused.message, Json::object({{"digest", digest}})));
    } else {
        errors.push_back(entry(meaning.code, refused.message, {}));
    }
    return answer(meaning.status, std::move(errors));
}

http::Response fail(const HostError& error, std::string_view doing)
{
    log_error("registry: {}: {}", doing, error.message);
    if (error.code == ENOSPC || error.code == EDQUOT) return refuse(507, "DENIED", "no space is left on the registry's disk");
    return refuse(500, "UNKNOWN", "the registry could not do this; its log says why");
}

}  // namespace boxship::registry
