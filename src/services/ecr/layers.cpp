// Layers: is it there, where is it, and uploads through the API.
#include "blobs/digest.h"
#include "ecr/data_path.h"
#include "ecr/names.h"
#include "ecr/uploads.h"
#include "services/ecr/common.h"

#include <fmt/format.h>

namespace boxship::services::ecr {
namespace {

constexpr std::int64_t part_size = 10 << 20;

struct Availability {
    struct Entry {
        std::string digest;
        std::optional<std::int64_t> size;  // nothing: unavailable
    };
    std::vector<Entry> layers;
    std::vector<std::string> malformed;
};

Result<Availability> batch_check_layer_availability(Txn& txn, const Call& call, const api::BatchCheckLayerAvailabilityRequest& request)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    Availability answer;
    for (const auto& text : request.layer_digests) {
        const std::string digest = text.str();
        if (!blobs::Digest::parse(digest)) {
            answer.malformed.push_back(digest);
            continue;
        }
        const auto found = api::promise_blob(txn, *repository, digest, call.now);
        answer.layers.push_back({digest, found.ok() ? std::optional(found->blob->size) : std::nullopt});
    }
    return answer;
}

api::BatchCheckLayerAvailabilityResponse render_availability(const Availability& answer)
{
    api::BatchCheckLayerAvailabilityResponse response;
    response.layers.emplace();
    response.failures.emplace();
    for (const auto& entry : answer.layers) {
        auto& layer = response.layers.emplace_back();
        layer.layer_digest = entry.digest;
        layer.layer_availability = entry.size ? api::LayerAvailability::available : api::LayerAvailability::unavailable;
        layer.layer_size = entry.size;
    }
    for (const std::string& digest : answer.malformed) {
        auto& failure = response.failures.emplace_back();
        failure.layer_digest = digest;
        failure.failure_code = digest.empty() ? api::LayerFailureCode::missing_layer_digest : api::LayerFailureCode::invalid_layer_digest;
        failure.failure_reason = "Invalid layer digest";
    }
    return response;
}

struct Link {
    std::string url;
    std::string digest;
};

Result<Link> get_download_url_for_layer(Txn& txn, const Call& call, const api::GetDownloadUrlForLayerRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    const std::string digest = request.layer_digest.str();
    const auto found = api::find_blob(txn, *repository, digest);
    if (!found.ok()) return to_error(found.error());
    if (!txn.any<state::ImagesByBlob>({repository->id, digest}))
        return ApiError{"LayerInaccessibleException", fmt::format("The layer with digest '{}' is not part of any image in {}", digest,
                                                                  api::place(*repository))};
    return Link{std::string(scheme(call.installation.endpoint)) + call.installation.registry_host +
                    registry->link_to_blob(*repository, digest, call.now), digest};
}

api::GetDownloadUrlForLayerResponse render_link(const Link& link)
{
    api::GetDownloadUrlForLayerResponse response;
    response.download_url = link.url;
    response.layer_digest = link.digest;
    return response;
}

Result<api::UploadRow> initiate_layer_upload(Txn& txn, const Call& call, const api::InitiateLayerUploadRequest& request)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, request.registry_id, request.repository_name));
    return api::start_upload(txn, *repository, "sha256", call.now, call.ids);
}

api::InitiateLayerUploadResponse render_initiated(const api::UploadRow& upload)
{
    api::InitiateLayerUploadResponse response;
    response.upload_id = api::to_uuid(upload->id);
    response.part_size = part_size;
    return response;
}

struct Received {
    std::string registry, repository, upload;
    std::int64_t last_byte = 0;
    std::string digest;
};

// The upload that the request names, looked up now so that the bytes are taken only for one that is there.
Result<UploadId> find_upload(Txn& txn, const Call& call, const shape::Str& registry_id, const shape::Str& name, const shape::Str& upload)
{
    ASSIGN_OR_RETURN(const auto repository, find_repository(txn, call, registry_id, name));
    const auto found = api::find_upload(txn, *repository, api::parse_uuid(upload).value_or(UploadId()));
    if (found.ok()) return (*found)->id;
    return ApiError{"UploadNotFoundException",
                    fmt::format("The upload with upload id '{}' does not exist in {}", upload.view(), api::place(*repository))};
}

Result<DataWork<Received>> upload_layer_part(Txn& txn, const Call& call, const api::UploadLayerPartRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const UploadId upload, find_upload(txn, call, request.registry_id, request.repository_name, request.upload_id));
    const auto order = std::make_shared<api::PartOrder>(api::PartOrder{
        call.scope, request.repository_name.str(), upload, request.part_first_byte.value_or(0), request.part_last_byte.value_or(0),
        request.layer_part_blob.str(), call.now});
    const Received head{call.scope.account, request.repository_name.str(), request.upload_id.str()};
    return DataWork<Received>([registry, order, head](std::function<void(Result<Received>)> deliver) {
        registry->upload_part(std::move(*order), [head, deliver = std::move(deliver)](api::Checked<std::int64_t> outcome) {
            if (!outcome.ok()) return deliver(to_error(outcome.error()));
            Received received = head;
            received.last_byte = *outcome;
            deliver(std::move(received));
        });
    });
}

api::UploadLayerPartResponse render_part(const Received& received)
{
    api::UploadLayerPartResponse response;
    response.registry_id = received.registry;
    response.repository_name = received.repository;
    response.upload_id = received.upload;
    response.last_byte_received = received.last_byte;
    return response;
}

Result<DataWork<Received>> complete_layer_upload(Txn& txn, const Call& call, const api::CompleteLayerUploadRequest& request)
{
    ASSIGN_OR_RETURN(api::DataPath* const registry, data_path(call));
    ASSIGN_OR_RETURN(const UploadId upload, find_upload(txn, call, request.registry_id, request.repository_name, request.upload_id));
    const auto order = std::make_shared<api::CompleteOrder>(
        api::CompleteOrder{call.scope, request.repository_name.str(), upload, {}, call.now});
    for (const auto& digest : request.layer_digests) order->digests.push_back(digest.str());
    const Received head{call.scope.account, request.repository_name.str(), request.upload_id.str()};
    return DataWork<Received>([registry, order, head](std::function<void(Result<Received>)> deliver) {
        registry->complete_upload(std::move(*order), [head, deliver = std::move(deliver)](api::Checked<std::string> outcome) {
            if (!outcome.ok()) return deliver(to_error(outcome.error()));
            Received received = head;
            received.digest = *outcome;
            deliver(std::move(received));
        });
    });
}

api::CompleteLayerUploadResponse render_completed(const Received& received)
{
    api::CompleteLayerUploadResponse response;
    response.registry_id = received.registry;
    response.repository_name = received.repository;
    response.upload_id = received.upload;
    response.layer_digest = received.digest;
    return response;
}

}  // namespace

void serve_layers(Served& served)
{
    using namespace api::ops;
    served.add<BatchCheckLayerAvailability>(batch_check_layer_availability, render_availability).for_hosts();
    served.add<GetDownloadUrlForLayer>(get_download_url_for_layer, render_link).for_hosts();
    served.add<InitiateLayerUpload>(initiate_layer_upload, render_initiated);
    served.add_data<UploadLayerPart>(upload_layer_part, render_part);
    served.add_data<CompleteLayerUpload>(complete_layer_upload, render_completed);
}

}  // namespace boxship::services::ecr
