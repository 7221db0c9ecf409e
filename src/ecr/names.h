// Grammars of repository names and tags, and the text forms of upload ids and ARNs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "model/registry.h"

namespace boxship::ecr {

constexpr std::size_t repository_name_max = 256;

bool valid_repository_name(std::string_view name);  // what ECR lets one create: one separator of . _ - between alphanumerics
bool valid_tag(std::string_view tag);               // what /v2/ can address

std::string to_uuid(const UploadId& id);            // 8-4-4-4-12
std::optional<UploadId> parse_uuid(std::string_view text);

std::string repository_arn(const model::Repository& repository);

}  // namespace boxship::ecr
