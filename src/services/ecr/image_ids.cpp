#include "services/ecr/image_ids.h"

#include <fmt/format.h>

#include "blobs/digest.h"
#include "ecr/names.h"

namespace boxship::services::ecr {

using Code = api::ImageFailureCode;

api::ImageName read_image_id(const api::ImageIdentifier& id) { return {id.image_digest.str(), id.image_tag.str()}; }

void write_image_id(const api::ImageName& name, api::ImageIdentifier& out)
{
    if (!name.digest.empty()) out.image_digest = name.digest;
    if (!name.tag.empty()) out.image_tag = name.tag;
}

void write_failure(const FailedImage& failure, api::ImageFailure& out)
{
    write_image_id(failure.name, out.image_id.emplace());
    out.failure_code = failure.code;
    out.failure_reason = failure.reason;
}

std::optional<FailedImage> check_image_id(const state::View& view, const model::Repository& repository, const api::ImageName& name)
{
    if (name.digest.empty() && name.tag.empty())
        return FailedImage{name, Code::missing_digest_and_tag, "Invalid request parameters: both tag and digest cannot be null"};
    if (!name.digest.empty() && !blobs::Digest::parse(name.digest))
        return FailedImage{name, Code::invalid_image_digest, "Invalid request parameters: image digest should satisfy the regex "
                                                             "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"};
    if (!name.tag.empty() && !api::valid_tag(name.tag))
        return FailedImage{name, Code::invalid_image_tag, "Invalid request parameters: the image tag is not valid"};
    if (api::find_image(view, repository, name).ok()) return std::nullopt;
    if (!name.digest.empty() && !name.tag.empty() && api::find_image(view, repository, {"", name.tag}).ok())
        return FailedImage{name, Code::image_tag_does_not_match_digest, fmt::format("Requested image tag '{}' does not match the digest", name.tag)};
    return FailedImage{name, Code::image_not_found, "Requested image not found"};
}

}  // namespace boxship::services::ecr
