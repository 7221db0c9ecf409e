#include "services/acm/tags.h"

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace boxship::services::acm {
namespace {

Result<Done> add_tags_to_certificate(Txn& txn, const Call& call, const api::AddTagsToCertificateRequest& request)
{
    ASSIGN_OR_RETURN(const CertificatePtr found, find_certificate(txn, call, request.certificate_arn));
    ASSIGN_OR_RETURN(const auto tags, read_tags(request.tags));
    model::Certificate row = *found;
    for (const auto& tag : tags) {
        const auto standing = std::ranges::find(row.tags, tag.key, &model::KeyValue::key);
        if (standing != row.tags.end()) standing->value = tag.value;
        else row.tags.push_back(tag);
    }
    RETURN_IF_ERROR(check_tag_count(call, row.tags.size()));
    txn.put(std::move(row));
    return Done{};
}

// A tag with a value goes only when the value is that; one without goes whatever its value.
Result<Done> remove_tags_from_certificate(Txn& txn, const Call& call, const api::RemoveTagsFromCertificateRequest& request)
{
    ASSIGN_OR_RETURN(const CertificatePtr found, find_certificate(txn, call, request.certificate_arn));
    model::Certificate row = *found;
    for (const auto& tag : request.tags)
        std::erase_if(row.tags, [&](const model::KeyValue& own) { return tag.key == own.key && (!tag.value.has() || tag.value == own.value); });
    txn.put(std::move(row));
    return Done{};
}

Result<std::vector<model::KeyValue>> list_tags_for_certificate(Txn& txn, const Call& call, const api::ListTagsForCertificateRequest& request)
{
    ASSIGN_OR_RETURN(const CertificatePtr found, find_certificate(txn, call, request.certificate_arn));
    return found->tags;
}

api::ListTagsForCertificateResponse render_certificate_tags(const std::vector<model::KeyValue>& tags)
{
    api::ListTagsForCertificateResponse response;
    response.tags.emplace();
    for (const auto& tag : tags) {
        auto& out = response.tags.emplace_back();
        out.key = tag.key;
        out.value = tag.value;
    }
    return response;
}

}  // namespace

Result<> check_tag_count(const Call& call, std::size_t count)
{
    const auto most = call.quota(model::Quota::acm_tags);
    if (count <= most) return {};
    return ApiError{"TooManyTagsException", fmt::format("A certificate can have no more than {} tags.", most)};
}

Result<std::vector<model::KeyValue>> read_tags(const shape::List<api::Tag>& tags)
{
    std::vector<model::KeyValue> rows;
    std::set<std::string> seen;
    for (const auto& tag : tags) {
        if (to_lower(tag.key).starts_with("aws:")) return ApiError{"InvalidTagException", "Tag keys that begin with 'aws:' are reserved."};
        if (!seen.insert(tag.key.str()).second) return ApiError{"InvalidTagException", fmt::format("The tag key {} is there twice.", tag.key)};
        rows.push_back({tag.key.str(), tag.value.str()});
    }
    return rows;
}

void serve_tags(Served& served)
{
    served.add<api::ops::AddTagsToCertificate>(add_tags_to_certificate, render_nothing<api::ops::AddTagsToCertificate::Response>);
    served.add<api::ops::RemoveTagsFromCertificate>(remove_tags_from_certificate, render_nothing<api::ops::RemoveTagsFromCertificate::Response>);
    served.add<api::ops::ListTagsForCertificate>(list_tags_for_certificate, render_certificate_tags);
}

}  // namespace boxship::services::acm
