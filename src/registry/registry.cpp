#include "registry/registry.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/strings.h"
#include "ecr/names.h"

namespace boxship::registry {
namespace {

constexpr std::string_view api_version = "registry/2.0";

// What a path below /v2/ names. The name may itself hold words of ours, so it is read from its end.
struct Target {
    enum class Kind { none, base, upload_start, upload, blob, manifest, tags, referrers };
    Kind kind = Kind::none;
    std::string name;
    std::string last;  // digest, reference, upload id
};

bool cut_end(std::string_view& text, std::string_view end)
{
    if (!text.ends_with(end)) return false;
    text.remove_suffix(end.size());
    return true;
}

Target read_path(std::string_view path)
{
    if (path == "/v2" || path == "/v2/") return {Target::Kind::base, "", ""};
    if (!path.starts_with("/v2/")) return {};
    path.remove_prefix(4);
    using Kind = Target::Kind;
    if (std::string_view name = path; cut_end(name, "/blobs/uploads/") || cut_end(name, "/blobs/uploads"))
        return {Kind::upload_start, std::string(name), ""};
    if (std::string_view name = path; cut_end(name, "/tags/list")) return {Kind::tags, std::string(name), ""};
    const auto slash = path.rfind('/');
    if (slash == path.npos) return {};
    std::string_view name = path.substr(0, slash);
    const std::string last(path.substr(slash + 1));
    if (cut_end(name, "/blobs/uploads")) return {Kind::upload, std::string(name), last};
    if (cut_end(name, "/blobs")) return {Kind::blob, std::string(name), last};
    if (cut_end(name, "/manifests")) return {Kind::manifest, std::string(name), last};
    if (cut_end(name, "/referrers")) return {Kind::referrers, std::string(name), last};
    return {};
}

// The IAM action that a request is; "" for a method that the resource does not know.
std::string_view action_of(Target::Kind kind, std::string_view method)
{
    const bool read = method == "GET" || method == "HEAD";
    switch (kind) {
        case Target::Kind::upload_start: return method == "POST" ? "InitiateLayerUpload" : "";
        case Target::Kind::upload:
            return method == "PATCH" ? "UploadLayerPart" : method == "PUT" ? "CompleteLayerUpload"
                 : method == "GET" || method == "DELETE" ? "UploadLayerPart" : "";
        case Target::Kind::blob: return read ? "GetDownloadUrlForLayer" : method == "DELETE" ? "BatchDeleteImage" : "";
        case Target::Kind::manifest:
            return read ? "BatchGetImage" : method == "PUT" ? "PutImage" : method == "DELETE" ? "BatchDeleteImage" : "";
        case Target::Kind::tags: return method == "GET" ? "ListImages" : "";
        case Target::Kind::referrers: return method == "GET" ? "ListImageReferrers" : "";
        case Target::Kind::base:
        case Target::Kind::none: return "";
    }
    return "";
}

}  // namespace

std::string upload_location(const std::string& repository, const UploadId& id)
{
    return "/v2/" + repository + "/blobs/uploads/" + ecr::to_uuid(id);
}

std::string blob_location(const std::string& repository, std::string_view digest)
{
    return "/v2/" + repository + "/blobs/" + std::string(digest);
}

Registry::Registry(state::Store& store, Generation generation, blobs::Blobs& blobs, blobs::Workers& workers, Tokens tokens,
                   env::Clock& clock, env::Random& random, http::Executor executor, Options options)
    : store_(store), blobs_(blobs), workers_(workers), tokens_(std::move(tokens)), clock_(clock), random_(random),
      executor_(std::move(executor)), options_(std::move(options)), sessions_(workers), manifests_(options_.manifest_cache_bytes_max),
      generation_(std::move(generation)), tasks_(executor_)
{
}

http::Async<http::Response> Registry::handle(http::Request& request, http::BodyReader& body)
{
    http::Response response = co_await route(request, body);
    response.headers.set("Docker-Distribution-API-Version", std::string(api_version));
    co_return response;
}

model::Scope Registry::scope_of(const http::Request& request) const
{
    // <account>.dkr.ecr.<region>.…
    const auto parts = split(request.headers.get("Host"), '.');
    if (parts.size() < 5 || parts[1] != "dkr" || parts[2] != "ecr") return options_.scope;
    return {parts[0], parts[3]};
}

std::optional<ecr::Caller> Registry::identify(const http::Request& request) const
{
    const std::string_view field = request.headers.get("Authorization");
    if (field.size() < 6 || !equals_ignoring_case(field.substr(0, 6), "Basic ")) return std::nullopt;
    const auto pair = from_base64(trim(field.substr(6)));
    if (!pair || !pair->starts_with("AWS:")) return std::nullopt;
    auto caller = tokens_.verify(std::string_view(*pair).substr(4), clock_.now());
    if (!caller || !options_.known(*caller)) return std::nullopt;
    return caller;
}

http::Response Registry::challenge(const http::Request& request) const
{
    http::Response response = refuse(401, "UNAUTHORIZED", "authentication required: the user is AWS, the password comes from GetAuthorizationToken");
    response.headers.add("WWW-Authenticate", fmt::format("Basic realm=\"{}://{}/\",service=\"ecr.amazonaws.com\"",
                                                         request.is_tls ? "https" : "http", request.headers.get("Host")));
    return response;
}

http::Async<http::Response> Registry::route(http::Request& request, http::BodyReader& body)
{
    using Kind = Target::Kind;
    Target target = read_path(request.path);
    std::optional<ecr::Caller> caller = identify(request);
    if (!caller && target.kind == Kind::blob && (request.method == "GET" || request.method == "HEAD") &&
        tokens_.verify_link(request.path, request.query, now()))
        caller = ecr::Caller{ecr::Caller::Kind::host, "", "link"};
    if (!caller) co_return challenge(request);
    if (target.kind == Kind::base) {
        if (request.method != "GET" && request.method != "HEAD") co_return refuse(405, "UNSUPPORTED", "only GET is known here");
        http::Response response;
        response.headers.add("Content-Type", "application/json");
        response.body = std::string("{}");
        co_return response;
    }
    if (target.kind == Kind::none) co_return refuse(404, "UNSUPPORTED", "there is nothing under " + request.path);
    if (!ecr::valid_repository_name(target.name))
        co_return refuse(400, "NAME_INVALID", "'" + target.name + "' is not a valid repository name");
    const std::string_view action = action_of(target.kind, request.method);
    if (action.empty()) co_return refuse(405, "UNSUPPORTED", request.method + " is not known here");
    Ask ask{request, body, std::move(*caller), {scope_of(request), std::move(target.name)}, now()};
    if (!ecr::allowed(ask.caller, action))
        co_return refuse(403, "DENIED", fmt::format("User: {} is not authorized to perform: ecr:{} on resource: "
                                                    "arn:aws:ecr:{}:{}:repository/{}", ask.caller.arn, action, ask.place.scope.region,
                                                    ask.place.scope.account, ask.place.name));
    const std::string& method = request.method;
    switch (target.kind) {
        case Kind::upload_start: co_return co_await start_upload(std::move(ask));
        case Kind::upload: {
            const auto id = ecr::parse_uuid(target.last);
            if (!id) co_return refuse(404, "BLOB_UPLOAD_UNKNOWN", "no upload has the id '" + target.last + "'");
            if (method == "PATCH") co_return co_await upload_chunk(std::move(ask), *id);
            if (method == "PUT") co_return co_await finish_upload(std::move(ask), *id);
            if (method == "DELETE") co_return co_await cancel_upload(std::move(ask), *id);
            co_return co_await upload_status(std::move(ask), *id);
        }
        case Kind::blob:
            if (!blobs::Digest::parse(target.last)) co_return refuse(400, "DIGEST_INVALID", "'" + target.last + "' is not a digest");
            if (method == "DELETE") co_return co_await delete_blob(std::move(ask), target.last);
            co_return co_await get_blob(std::move(ask), target.last);
        case Kind::manifest:
            if (target.last.find(':') != std::string::npos) {
                if (!blobs::Digest::parse(target.last)) co_return refuse(400, "DIGEST_INVALID", "'" + target.last + "' is not a digest");
            } else if (!ecr::valid_tag(target.last)) {
                if (method == "PUT") co_return refuse(400, "TAG_INVALID", "'" + target.last + "' is not a valid tag");
                co_return refuse(404, "MANIFEST_UNKNOWN", "'" + target.last + "' is not a valid tag");
            }
            if (method == "PUT") co_return co_await put_manifest(std::move(ask), target.last);
            if (method == "DELETE") co_return co_await delete_manifest(std::move(ask), target.last);
            co_return co_await get_manifest(std::move(ask), target.last);
        case Kind::tags: co_return co_await list_tags(std::move(ask));
        case Kind::referrers:
            if (!blobs::Digest::parse(target.last)) co_return refuse(400, "DIGEST_INVALID", "'" + target.last + "' is not a digest");
            co_return co_await list_referrers(std::move(ask), target.last);
        case Kind::base:
        case Kind::none: break;
    }
    co_return refuse(404, "UNSUPPORTED", "there is nothing under " + request.path);
}

ecr::Refused Registry::refused(const HostError& error, std::string_view doing)
{
    log_error("registry: {}: {}", doing, error.message);
    if (error.code == ENOSPC || error.code == EDQUOT)
        return {ecr::Reason::storage_full, "no space is left on the registry's disk", {}};
    return {ecr::Reason::internal, "the registry could not do this; its log says why", {}};
}

}  // namespace boxship::registry
