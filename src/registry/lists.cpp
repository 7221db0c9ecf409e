// tags/list and referrers.
#include "registry/registry.h"

#include <charconv>

namespace boxship::registry {
namespace {

using shape::Json;

constexpr std::size_t tags_in_answer_max = 10'000;                // in one answer, when the client names no limit
constexpr std::size_t referrers_bytes_max = 4 << 20;    // of one answer

std::string next_link(const std::string& path, const std::string& query)
{
    return "<" + path + "?" + query + ">; rel=\"next\"";
}

}  // namespace

http::Async<http::Response> Registry::list_tags(Ask ask)
{
    const auto n = http::query_value(ask.request.query, "n"), last = http::query_value(ask.request.query, "last");
    std::size_t count = tags_in_answer_max;
    if (n) {
        const auto [end, error] = std::from_chars(n->data(), n->data() + n->size(), count);
        if (error == std::errc::result_out_of_range) count = tags_in_answer_max;
        else if (error != std::errc() || end != n->data() + n->size()) co_return refuse(400, "UNSUPPORTED", "n is not a number");
        count = std::min(count, tags_in_answer_max);
    }
    const auto list = [&ask, &last, count](state::Txn& txn) -> ecr::Checked<ecr::TagPage> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        return ecr::list_tags(txn, *repository, last.value_or(""), count);
    };
    const auto page = co_await ask_state(list);
    if (!page.ok()) co_return refuse(page.error());
    Json tags = Json::array();
    for (const std::string& tag : page->tags) tags.push_back(tag);
    http::Response response;
    response.headers.add("Content-Type", "application/json");
    if (page->more && !page->tags.empty())
        response.headers.add("Link", next_link("/v2/" + ask.place.name + "/tags/list",
                                               fmt::format("n={}&last={}", count, http::percent_encode(page->tags.back()))));
    response.body = Json::object({{"name", ask.place.name}, {"tags", std::move(tags)}}).dump();
    co_return response;
}

http::Async<http::Response> Registry::list_referrers(Ask ask, std::string digest)
{
    const auto wanted = http::query_value(ask.request.query, "artifactType");
    const auto last = http::query_value(ask.request.query, "last");
    const auto list = [&ask, &digest](state::Txn& txn) -> ecr::Checked<std::vector<ecr::ImageRow>> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        return ecr::list_referrers(txn, *repository, digest);
    };
    const auto images = co_await ask_state(list);
    if (!images.ok()) co_return refuse(images.error());

    Json manifests = Json::array();
    std::size_t bytes = 0;
    std::string link;
    const std::string* shown = nullptr;
    for (const ecr::ImageRow& image : *images) {
        if (last && image->id.name <= *last) continue;
        if (wanted && !wanted->empty() && image->artifact_type != *wanted) continue;
        Json descriptor = Json::object({{"mediaType", image->media_type}, {"size", image->manifest_size}, {"digest", image->id.name}});
        if (!image->artifact_type.empty()) descriptor.set("artifactType", image->artifact_type);
        // Annotations live in the manifests alone: the state keeps none of them in memory.
        const auto content = co_await manifest_bytes(image->id.name);
        if (!content.ok()) co_return fail(content.error(), "read a referrer");
        if (!*content) continue;
        const auto manifest = ecr::parse_manifest(**content, image->media_type);
        if (manifest.ok() && !manifest->annotations.is_null()) descriptor.set("annotations", manifest->annotations);
        const std::size_t size = descriptor.dump().size() + 1;
        if (shown && bytes + size > referrers_bytes_max) {
            link = "last=" + http::percent_encode(*shown);
            if (wanted) link += "&artifactType=" + http::percent_encode(*wanted);
            break;
        }
        bytes += size;
        manifests.push_back(std::move(descriptor));
        shown = &image->id.name;
    }
    http::Response response;
    response.headers.add("Content-Type", std::string(ecr::media::oci_index));
    if (wanted && !wanted->empty()) response.headers.add("OCI-Filters-Applied", "artifactType");
    if (!link.empty()) response.headers.add("Link", next_link("/v2/" + ask.place.name + "/referrers/" + digest, link));
    response.body = Json::object({{"schemaVersion", 2}, {"mediaType", ecr::media::oci_index}, {"manifests", std::move(manifests)}}).dump();
    co_return response;
}

}  // namespace boxship::registry
