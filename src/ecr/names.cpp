#include "ecr/names.h"

#include "base/arn.h"

namespace boxship::ecr {
namespace {

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool valid_repository_name(std::string_view name)
{
    if (name.size() < 2 || name.size() > repository_name_max) return false;
    bool after_separator = true;  // at the start, after a slash and after . _ - an alphanumeric must follow
    for (const char c : name) {
        if (alphanumeric(c)) {
            after_separator = false;
        } else {
            if (after_separator || (c != '/' && c != '.' && c != '_' && c != '-')) return false;
            after_separator = true;
        }
    }
    return !after_separator;
}

bool valid_tag(std::string_view tag)
{
    if (tag.empty() || tag.size() > 128 || tag.front() == '.' || tag.front() == '-') return false;
    for (const char c : tag)
        if (!alphanumeric(c) && !(c >= 'A' && c <= 'Z') && c != '_' && c != '.' && c != '-') return false;
    return true;
}

std::string to_uuid(const UploadId& id)
{
    const std::string hex = to_text(id);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" + hex.substr(20);
}

std::optional<UploadId> parse_uuid(std::string_view text)
{
    if (text.size() != 36) return std::nullopt;
    std::string hex;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-')) return std::nullopt;
        if (!dash) hex += text[i];
    }
    return UploadId::parse(hex);
}

std::string repository_arn(const model::Repository& repository)
{
    return to_text(Arn{"ecr", repository.scope.region, repository.scope.account, "repository/" + repository.name});
}

}  // namespace boxship::ecr
