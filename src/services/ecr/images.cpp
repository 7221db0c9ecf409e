// Images as the state knows them: lists, descriptions, deletion.
#include "ecr/images.h"

#include <fmt/format.h>

#include "blobs/digest.h"
#include "ecr/names.h"
#include "services/ecr/common.h"
#include "services/ecr/image_ids.h"

namespace boxship::services::ecr {
namespace {

enum class Tagged { any, yes, no };

// Only active images exist here: nothing is archived.
template <class Filter>
bool asks_for_active(const Filter& filter)
{
    return !filter.image_status || *filter.image_status == api::ImageStatusFilter::active || *filter.image_status == api::ImageStatusFilter::any;
}
template <class Filter>
Tagged tagged(const Filter& filter)
{
    if (!filter.tag_status || *filter.tag_status == api::TagStatus::any) return Tagged::any;
    return *filter.tag_status == api::TagStatus::tagged ? Tagged::yes : Tagged::no;
}

struct Listed {
    std::vector<api::ImageName> names;
    std::string next;
};

// One entry per tag, and one for each image without; in order of digest, then tag.
Result<Listed> list_images(Txn& txn, const Call& call, const api::ListImagesRequest& request)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    Listed listed;
    if (!asks_for_active(*request.filter)) return listed;
    const Tagged wanted = tagged(*request.filter);
    const auto key = [](const api::ImageName& name) { return name.digest + "@" + name.tag; };
    const auto& rows = txn.rows<model::Image>();
    for (auto at = rows.lower_bound({repository->id, page.after.substr(0, page.after.find('@'))});
         at != rows.end() && at->first.repository == repository->id; ++at) {
        std::vector<std::string> tags = api::tags_of(txn, *repository, at->first.name);
        if (wanted == Tagged::no && !tags.empty()) continue;
        if (tags.empty() && wanted != Tagged::yes) tags.emplace_back();
        for (const std::string& tag : tags) {
            const api::ImageName name{at->first.name, tag};
            if (key(name) <= page.after) continue;
            if (listed.names.size() == page.count) {
                listed.next = key(listed.names.back());
                return listed;
            }
            listed.names.push_back(name);
        }
    }
    return listed;
}

api::ListImagesResponse render_listed(const Listed& listed)
{
    api::ListImagesResponse response;
    response.image_ids.emplace();
    for (const auto& name : listed.names) write_image_id(name, response.image_ids.emplace_back());
    if (!listed.next.empty()) response.next_token = next_token(listed.next);
    return response;
}

struct Detail {
    api::ImageRow image;
    std::vector<std::string> tags;
};
struct DescribedImages {
    api::RepositoryRow repository;
    std::vector<Detail> details;
    std::string next;
};

Result<DescribedImages> describe_images(Txn& txn, const Call& call, const api::DescribeImagesRequest& request)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    DescribedImages described{repository, {}, {}};
    if (!request.image_ids.empty()) {
        if (!request.next_token.empty() || request.max_results) return invalid("nextToken and maxResults cannot be given together with imageIds");
        for (const auto& id : request.image_ids) {
            const auto found = api::find_image(txn, *repository, read_image_id(id));
            if (!found.ok()) return to_error(found.error());
            described.details.push_back({*found, api::tags_of(txn, *repository, (*found)->id.name)});
        }
        return described;
    }
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    if (!asks_for_active(*request.filter)) return described;
    const Tagged wanted = tagged(*request.filter);
    const auto& rows = txn.rows<model::Image>();
    for (auto at = rows.upper_bound({repository->id, page.after}); at != rows.end() && at->first.repository == repository->id; ++at) {
        std::vector<std::string> tags = api::tags_of(txn, *repository, at->first.name);
        if (wanted != Tagged::any && (wanted == Tagged::yes) == tags.empty()) continue;
        if (described.details.size() == page.count) {
            described.next = described.details.back().image->id.name;
            break;
        }
        described.details.push_back({at->second, std::move(tags)});
    }
    return described;
}

api::DescribeImagesResponse render_images(const DescribedImages& described)
{
    api::DescribeImagesResponse response;
    response.image_details.emplace();
    for (const auto& [image, tags] : described.details) {
        auto& detail = response.image_details.emplace_back();
        detail.registry_id = described.repository->scope.account;
        detail.repository_name = described.repository->name;
        detail.image_digest = image->id.name;
        if (!tags.empty()) detail.image_tags.assign(tags);
        detail.image_size_in_bytes = image->image_size;
        detail.image_pushed_at = image->pushed_at;
        detail.image_manifest_media_type = image->media_type;
        const std::string& artifact = image->config_media_type.empty() ? image->artifact_type : image->config_media_type;
        if (!artifact.empty()) detail.artifact_media_type = artifact;
        if (image->pulled_at) detail.last_recorded_pull_time = image->pulled_at;
        if (!image->subject.empty()) detail.subject_manifest_digest = image->subject;
        detail.image_status = api::ImageStatus::active;
    }
    if (!described.next.empty()) response.next_token = next_token(described.next);
    return response;
}

struct Deleted {
    std::vector<api::ImageName> deleted;
    std::vector<FailedImage> failures;
};

Result<Deleted> batch_delete_image(Txn& txn, const Call& call, const api::BatchDeleteImageRequest& request)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    Deleted answer;
    for (const auto& id : request.image_ids) {
        const api::ImageName name = read_image_id(id);
        if (auto failed = check_image_id(txn, *repository, name)) {
            answer.failures.push_back(std::move(*failed));
            continue;
        }
        const api::ImageRow image = *api::find_image(txn, *repository, name);
        const std::string digest = image->id.name;
        std::vector<std::string> tags = api::tags_of(txn, *repository, digest);
        const bool whole = name.tag.empty() || tags.size() == 1;
        if (whole) {
            const auto deleted = api::delete_image(txn, *repository, digest, call.now);
            if (!deleted.ok()) {
                answer.failures.push_back({name, api::ImageFailureCode::image_referenced_by_manifest_list, deleted.error().message});
                continue;
            }
            if (tags.empty()) tags.emplace_back();
            for (const std::string& tag : tags) answer.deleted.push_back({digest, tag});
        } else {
            const auto deleted = api::delete_tag(txn, *repository, name.tag);
            if (!deleted.ok()) return to_error(deleted.error());
            answer.deleted.push_back({digest, name.tag});
        }
    }
    return answer;
}

api::BatchDeleteImageResponse render_deleted(const Deleted& answer)
{
    api::BatchDeleteImageResponse response;
    response.image_ids.emplace();
    for (const auto& name : answer.deleted) write_image_id(name, response.image_ids.emplace_back());
    response.failures.emplace();
    for (const auto& failure : answer.failures) write_failure(failure, response.failures.emplace_back());
    return response;
}

}  // namespace

void serve_images(Served& served)
{
    using namespace api::ops;
    served.add<ListImages>(list_images, render_listed).for_hosts();
    served.add<DescribeImages>(describe_images, render_images);
    served.add<BatchDeleteImage>(batch_delete_image, render_deleted);
}

}  // namespace boxship::services::ecr
