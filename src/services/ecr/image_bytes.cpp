// Operations that need a manifest's bytes: PutImage, BatchGetImage, ListImageReferrers.
#include "ecr/data_path.h"
#include "ecr/names.h"
#include "services/ecr/image_ids.h"

#include <algorithm>

namespace boxship::services::ecr {
namespace {

struct Got {
    struct Entry {
        api::ImageName name;
        std::string manifest;
        std::string media_type;
    };
    std::string registry, repository;
    std::vector<Entry> images;
    std::vector<FailedImage> failures;
};

void write_image(const Got& got, const Got::Entry& entry, api::Image& out)
{
    out.registry_id = got.registry;
    out.repository_name = got.repository;
    write_image_id(entry.name, out.image_id.emplace());
    out.image_manifest = entry.manifest;
    out.image_manifest_media_type = entry.media_type;
}

Result<DataWork<Got>> put_image(Txn& txn, const Call& call, const api::PutImageRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    if (!request.image_tag.empty() && !api::valid_tag(request.image_tag))
        return invalid_member("imageTag", "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'");
    const auto order = std::make_shared<api::PutOrder>(api::PutOrder{
        call.scope, repository->name, request.image_manifest.str(), request.image_manifest_media_type.str(), request.image_digest.str(),
        request.image_tag.str(), call.now});
    return DataWork<Got>([registry, order, repository](std::function<void(Result<Got>)> deliver) {
        registry->put_manifest(*order, [order, repository, deliver = std::move(deliver)](api::Checked<api::ImageRow> outcome) {
            if (!outcome.ok()) return deliver(to_error(outcome.error()));
            Got got{repository->scope.account, repository->name, {}, {}};
            got.images.push_back({{(*outcome)->id.name, order->tag}, order->manifest, (*outcome)->media_type});
            deliver(std::move(got));
        });
    });
}

api::PutImageResponse render_put(const Got& got)
{
    api::PutImageResponse response;
    write_image(got, got.images.front(), response.image.emplace());
    return response;
}

Result<DataWork<Got>> batch_get_image(Txn& txn, const Call& call, const api::BatchGetImageRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    const auto got = std::make_shared<Got>(Got{repository->scope.account, repository->name, {}, {}});
    std::vector<api::ImageRow> rows;
    for (const auto& id : request.image_ids) {
        const api::ImageName name = read_image_id(id);
        if (auto failed = check_image_id(txn, *repository, name)) {
            got->failures.push_back(std::move(*failed));
            continue;
        }
        rows.push_back(*api::find_image(txn, *repository, name));
        got->images.push_back({{rows.back()->id.name, name.tag}, "", rows.back()->media_type});
    }
    return DataWork<Got>([registry, got, rows](std::function<void(Result<Got>)> deliver) {
        registry->read_manifests(rows, true, [got, deliver = std::move(deliver)](api::Checked<std::vector<std::string>> outcome) {
            if (!outcome.ok()) return deliver(to_error(outcome.error()));
            Got answer{got->registry, got->repository, {}, std::move(got->failures)};
            for (std::size_t i = 0; i < outcome->size(); ++i) {
                Got::Entry& entry = got->images[i];
                entry.manifest = std::move((*outcome)[i]);
                if (entry.manifest.empty())
                    answer.failures.push_back({entry.name, api::ImageFailureCode::image_inaccessible, "The registry's copy is damaged; push it again"});
                else answer.images.push_back(std::move(entry));
            }
            deliver(std::move(answer));
        });
    });
}

api::BatchGetImageResponse render_got(const Got& got)
{
    api::BatchGetImageResponse response;
    response.images.emplace();
    for (const auto& entry : got.images) write_image(got, entry, response.images.emplace_back());
    response.failures.emplace();
    for (const auto& failure : got.failures) write_failure(failure, response.failures.emplace_back());
    return response;
}

struct Referrers {
    struct Entry {
        api::ImageRow image;
        std::string manifest;
    };
    std::vector<Entry> entries;
    std::string next;
};

Result<DataWork<Referrers>> list_image_referrers(Txn& txn, const Call& call, const api::ListImageReferrersRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    const auto& filter = *request.filter;
    const bool active = !filter.artifact_status || *filter.artifact_status == api::ArtifactStatusFilter::active ||
                        *filter.artifact_status == api::ArtifactStatusFilter::any;
    const auto wanted = [&](const std::string& type) {
        return filter.artifact_types.empty() ||
               std::any_of(filter.artifact_types.begin(), filter.artifact_types.end(), [&](const auto& one) { return one == type; });
    };
    std::vector<api::ImageRow> rows;
    std::string next;
    if (active) {
        for (const auto& image : api::list_referrers(txn, *repository, request.subject_id->image_digest.str())) {
            if (image->id.name <= page.after || !wanted(image->artifact_type)) continue;
            if (rows.size() == page.count) {
                next = rows.back()->id.name;
                break;
            }
            rows.push_back(image);
        }
    }
    return DataWork<Referrers>([registry, rows, next](std::function<void(Result<Referrers>)> deliver) {
        registry->read_manifests(rows, false, [rows, next, deliver = std::move(deliver)](api::Checked<std::vector<std::string>> outcome) {
            if (!outcome.ok()) return deliver(to_error(outcome.error()));
            Referrers referrers{{}, next};
            for (std::size_t i = 0; i < rows.size(); ++i) referrers.entries.push_back({rows[i], std::move((*outcome)[i])});
            deliver(std::move(referrers));
        });
    });
}

api::ListImageReferrersResponse render_referrers(const Referrers& referrers)
{
    api::ListImageReferrersResponse response;
    response.referrers.emplace();
    for (const auto& [image, text] : referrers.entries) {
        auto& entry = response.referrers.emplace_back();
        entry.digest = image->id.name;
        entry.media_type = image->media_type;
        entry.size = image->manifest_size;
        if (!image->artifact_type.empty()) entry.artifact_type = image->artifact_type;
        entry.artifact_status = api::ArtifactStatus::active;
        const auto manifest = api::parse_manifest(text, image->media_type);
        if (!manifest.ok()) continue;
        for (const auto& [key, value] : manifest->annotations.as_object()) entry.annotations[key] = value.as_string();
    }
    if (!referrers.next.empty()) response.next_token = next_token(referrers.next);
    return response;
}

}  // namespace

void serve_image_bytes(Served& served)
{
    using namespace api::ops;
    served.add_data<PutImage>(put_image, render_put);
    served.add_data<BatchGetImage>(batch_get_image, render_got).for_hosts().ignores({"acceptedMediaTypes"});
    served.add_data<ListImageReferrers>(list_image_referrers, render_referrers);
}

}  // namespace boxship::services::ecr
