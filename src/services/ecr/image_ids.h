// imageId and failures[], as the batch operations share them.
#pragma once

#include <optional>

#include "ecr/images.h"
#include "services/ecr/common.h"

namespace boxship::services::ecr {

struct FailedImage {
    api::ImageName name;
    api::ImageFailureCode code = api::ImageFailureCode::unknown;
    std::string reason;
};

api::ImageName read_image_id(const api::ImageIdentifier& id);
void write_image_id(const api::ImageName& name, api::ImageIdentifier& out);
void write_failure(const FailedImage& failure, api::ImageFailure& out);

// Why the image cannot be had, or nothing.
std::optional<FailedImage> check_image_id(const state::View& view, const model::Repository& repository, const api::ImageName& name);

}  // namespace boxship::services::ecr
