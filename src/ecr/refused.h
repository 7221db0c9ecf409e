// Why the registry refuses: one list for both doors. services/ecr turns a reason into an exception of the ECR model,
// registry/ into an error code of the distribution API.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::ecr {

enum class Reason {
    repository_not_found,
    repository_already_exists,
    repository_not_empty,
    blob_not_found,
    blob_in_use,                 // a manifest of the repository names it
    layers_not_found,            // items: the digests that are missing
    referenced_images_not_found, // items: the digests that are missing
    image_not_found,
    image_already_exists,
    image_referenced_by_index,
    tag_already_exists,          // and is immutable
    digest_does_not_match,
    manifest_invalid,
    upload_not_found,
    upload_empty,
    layer_already_exists,
    layer_digest_invalid,        // the bytes have another digest
    layer_part_invalid,          // items: the last byte that was received
    layer_part_too_small,
    storage_full,
    too_many_tags,
    too_many_images,
    invalid_parameter,
    denied,
    internal,                    // the disk or the journal failed; the message is for the log
};

struct Refused {
    Reason reason;
    std::string message;
    std::vector<std::string> items;
};

template <class T = void>
using Checked = Outcome<T, Refused>;

}  // namespace boxship::ecr
