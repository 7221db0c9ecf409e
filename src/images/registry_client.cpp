#include "images/registry_client.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>

#include "base/bytes.h"
#include "base/strings.h"
#include "images/tar_fields.h"
#include "shape/json_value.h"
#include "wire/crypto.h"

namespace boxship::images {
namespace {

constexpr int redirects_max = 6;
constexpr Milliseconds pause_max{30'000};

std::string origin_of(const std::string& url)
{
    const auto parsed = http::parse_url(url);
    return parsed.ok() ? parsed->scheme + "://" + parsed->host + ":" + std::to_string(parsed->port) : std::string();
}

// `location` as seen from `url`: absolute, or a path on the same server.
std::string follow(const std::string& url, std::string_view location)
{
    if (location.starts_with("http://") || location.starts_with("https://")) return std::string(location);
    if (location.starts_with("/") && !location.starts_with("//")) return url.substr(0, url.find('/', url.find("://") + 3)) + std::string(location);
    return {};
}

bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_worth_another_try(int status)
{
    return status == 408 || status == 429 || status >= 500;
}

// "DENIED: not allowed" of a registry's error body, or nothing.
std::string explanation(const std::string& body)
{
    const auto json = shape::Json::parse(body);
    if (!json.ok() || (*json)["errors"].as_array().empty()) return {};
    const shape::Json& first = (*json)["errors"].as_array().front();
    const std::string code = quoted(first.get_string("code"));
    const std::string message = quoted(first.get_string("message"));
    return code.empty() || message.empty() ? code + message : code + ": " + message;
}

}  // namespace

RegistryClient::RegistryClient(http::Client& client, Reference reference, const OwnRegistry& own, CredentialsProvider credentials,
                               Retries retries, std::stop_token stop)
    : client_(client),
      reference_(std::move(reference)),
      base_(registry_url(reference_.host, own)),
      is_own_(own.answers_for(reference_.host)),
      provider_(std::move(credentials)),
      retries_(retries),
      stop_(std::move(stop))
{
}

PullError RegistryClient::error(PullFailure kind, std::string_view what) const
{
    return {kind, fmt::format("{} from registry {}: {}", to_text(reference_), reference_.host, what), false};
}

PullError RegistryClient::refusal(const Answer& answer, std::string_view what) const
{
    const std::string said = explanation(answer.body);
    const std::string tail = said.empty() ? std::string() : fmt::format(" ({})", said);
    if (answer.status == 404) {
        return error(PullFailure::not_found, is_own_ ? fmt::format("{} not found{}. Push it first, or correct the image's name.", what, tail)
                                                     : fmt::format("{} not found{}. Check the image's name and tag.", what, tail));
    }
    if (answer.status == 401 || answer.status == 403) {
        const std::string_view advice =
            is_own_ ? "The execution role (or the instance's) needs ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer."
                    : "The repository does not exist or needs credentials: see repositoryCredentials in the task definition.";
        return error(PullFailure::auth, fmt::format("pull access denied{}. {}", tail, advice));
    }
    return error(PullFailure::network, fmt::format("{}: the registry answered {}{}", what, answer.status, tail));
}

http::ClientRequest RegistryClient::request(std::string method, std::string path) const
{
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = base_ + "/v2/" + reference_.repository + path;
    // The own registry is told by which of its names it was called; elsewhere the URL says the same.
    if (is_own_) request.headers.set("Host", reference_.host);
    return request;
}

PullResult<std::optional<Credentials>> RegistryClient::credentials()
{
    if (!credentials_) {
        if (!provider_) {
            credentials_.emplace();
        } else {
            auto got = provider_(reference_.host);
            if (!got.ok()) return error(PullFailure::auth, "no credentials: " + got.error().message);
            credentials_ = std::move(got).value();
        }
    }
    return *credentials_;
}

PullResult<std::string> RegistryClient::fetch_token(const Challenge& challenge)
{
    const std::string realm = challenge.get("realm");
    const auto url = http::parse_url(realm);
    if (!url.ok() || (url->scheme != "http" && url->scheme != "https")) return error(PullFailure::auth, "the registry names no usable token server");
    if (base_.starts_with("https://") && !url->secure()) return error(PullFailure::auth, "the registry's token server would see credentials unencrypted");
    std::string scope = challenge.get("scope");
    if (scope.empty()) scope = "repository:" + reference_.repository + ":pull";
    http::ClientRequest request;
    request.url = fmt::format("{}{}scope={}", realm, realm.find('?') == std::string::npos ? "?" : "&", http::percent_encode(scope));
    if (const std::string service = challenge.get("service"); !service.empty()) request.url += "&service=" + http::percent_encode(service);
    request.response_bytes_max = 1 << 20;
    ASSIGN_OR_RETURN(const auto login, credentials());
    if (login) request.headers.set("Authorization", "Basic " + to_base64(login->username + ":" + login->password));
    for (int attempt = 1;; ++attempt) {
        const auto response = client_.send_blocking(request);
        if (response.ok() && !is_worth_another_try(response->status)) {
            if (response->status != 200) return refusal({response->status == 404 ? 401 : response->status, response->headers, response->body}, "token");
            const auto json = shape::Json::parse(response->body);
            if (!json.ok()) return error(PullFailure::auth, "the token server's answer is not JSON");
            std::string token = json->get_string("token", json->get_string("access_token"));
            if (token.empty()) return error(PullFailure::auth, "the token server gave no token");
            return token;
        }
        if (attempt >= retries_.attempts) {
            if (!response.ok()) return error(PullFailure::network, "token server: " + response.error().message);
            return refusal({response->status, response->headers, response->body}, "token");
        }
        RETURN_IF_ERROR(pause(attempt, response.ok() ? response->headers.get("Retry-After") : std::string_view()));
    }
}

// After a 401. False: there is nothing better to send than what was refused.
PullResult<bool> RegistryClient::authenticate(const Answer& refused, int generation, bool tried)
{
    const std::lock_guard guard(mutex_);
    if (generation != generation_) return true;  // another thread was here meanwhile
    if (tried) return false;
    std::optional<Challenge> basic, bearer;
    for (const std::string_view field : refused.headers.all("WWW-Authenticate")) {
        for (Challenge& challenge : parse_challenges(field)) {
            if (challenge.scheme == "bearer") bearer = std::move(challenge);
            else if (challenge.scheme == "basic") basic = std::move(challenge);
        }
    }
    if (bearer) {
        ASSIGN_OR_RETURN(const std::string token, fetch_token(*bearer));
        authorization_ = "Bearer " + token;
    } else if (basic) {
        ASSIGN_OR_RETURN(const auto login, credentials());
        if (!login) return false;
        std::string value = "Basic " + to_base64(login->username + ":" + login->password);
        if (value == authorization_) return false;
        authorization_ = std::move(value);
    } else {
        return false;
    }
    ++generation_;
    return true;
}

PullResult<> RegistryClient::pause(int attempt, std::string_view retry_after)
{
    Milliseconds wait = retries_.first_pause;
    for (int i = 1; i < attempt; ++i) wait *= 3;
    int seconds = 0;
    if (std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds).ec == std::errc() && seconds > 0)
        wait = std::max(wait, Milliseconds(std::min(seconds, 3600) * 1000));
    wait = std::min(wait, pause_max);
    std::mutex mutex;
    std::unique_lock guard(mutex);
    std::condition_variable_any().wait_for(guard, stop_, wait, [] { return false; });
    if (stop_.stop_requested()) return error(PullFailure::cancelled, "cancelled");
    return {};
}

// One exchange with its redirects and, if asked, its authentication. A broken connection is told in `broken`.
PullResult<RegistryClient::Answer> RegistryClient::ask_once(http::ClientRequest request, const http::Sink* sink, std::optional<HostError>& broken)
{
    const std::string origin = origin_of(request.url);
    const std::string first_url = request.url;
    const std::string own_host(request.headers.get("Host"));
    bool authenticated = false;
    for (int hops = 0; hops < redirects_max;) {
        if (stop_.stop_requested()) return error(PullFailure::cancelled, "cancelled");
        const bool at_home = origin_of(request.url) == origin;
        int generation = 0;
        request.headers.remove("Authorization");
        request.headers.remove("Host");
        if (at_home) {
            const std::lock_guard guard(mutex_);
            // The own registry always wants credentials: send them without being asked.
            if (is_own_ && authorization_.empty()) {
                ASSIGN_OR_RETURN(const auto login, credentials());
                if (login) authorization_ = "Basic " + to_base64(login->username + ":" + login->password);
            }
            generation = generation_;
            if (!authorization_.empty()) request.headers.set("Authorization", authorization_);
            if (!own_host.empty()) request.headers.set("Host", own_host);
        }
        auto response = sink != nullptr ? client_.send_streaming_blocking(request, *sink) : client_.send_blocking(request);
        if (!response.ok()) {
            broken = std::move(response).error();
            return Answer();
        }
        Answer answer{response->status, std::move(response->headers), std::move(response->body)};
        if (is_redirect(answer.status)) {
            request.url = follow(request.url, answer.headers.get("Location"));
            if (request.url.empty()) return error(PullFailure::unsupported, "the registry redirects to an address that makes no sense");
            ++hops;
            continue;
        }
        if (answer.status == 401 && at_home) {
            ASSIGN_OR_RETURN(const bool again, authenticate(answer, generation, authenticated));
            if (again) {
                authenticated = true;
                ++hops;
                request.url = first_url;
                continue;
            }
        }
        return answer;
    }
    return error(PullFailure::unsupported, "the registry redirects in circles");
}

PullResult<RegistryClient::Answer> RegistryClient::ask(http::ClientRequest request)
{
    for (int attempt = 1;; ++attempt) {
        std::optional<HostError> broken;
        ASSIGN_OR_RETURN(Answer answer, ask_once(request, nullptr, broken));
        if (!broken && !is_worth_another_try(answer.status)) return answer;
        if (broken && broken->code == EMSGSIZE) return error(PullFailure::unsupported, "the registry's answer is too large");
        if (attempt >= retries_.attempts) {
            if (broken) return error(PullFailure::network, fmt::format("{} (tried {} times)", broken->message, attempt));
            return answer;
        }
        RETURN_IF_ERROR(pause(attempt, answer.headers.get("Retry-After")));
    }
}

PullResult<std::optional<std::string>> RegistryClient::resolve()
{
    http::ClientRequest head = request("HEAD", "/manifests/" + reference_.by());
    head.headers.set("Accept", std::string(manifest_types));
    ASSIGN_OR_RETURN(const Answer answer, ask(std::move(head)));
    // An answer to HEAD has no body to explain a refusal with, so the GET that follows will say what is wrong.
    const std::string digest(answer.headers.get("Docker-Content-Digest"));
    if (answer.status != 200 || !is_digest(digest)) return std::optional<std::string>();
    if (!reference_.digest.empty() && digest != reference_.digest) return std::optional<std::string>();
    return std::optional<std::string>(digest);
}

PullResult<RegistryClient::Document> RegistryClient::manifest(const std::string& by)
{
    http::ClientRequest get = request("GET", "/manifests/" + by);
    get.headers.set("Accept", std::string(manifest_types));
    get.response_bytes_max = manifest_bytes_max;
    ASSIGN_OR_RETURN(Answer answer, ask(std::move(get)));
    if (answer.status != 200) return refusal(answer, "manifest");
    Document document{"sha256:" + crypto::sha256_hex(answer.body), std::move(answer.body)};
    if (is_digest(by) && document.digest != by)
        return error(PullFailure::digest_mismatch, fmt::format("the manifest's content is {} where {} was asked for", document.digest, by));
    return document;
}

PullResult<std::string> RegistryClient::blob(const Descriptor& descriptor, std::size_t bytes_max)
{
    http::ClientRequest get = request("GET", "/blobs/" + descriptor.digest);
    get.response_bytes_max = bytes_max;
    ASSIGN_OR_RETURN(Answer answer, ask(std::move(get)));
    if (answer.status != 200) return refusal(answer, "blob " + descriptor.digest);
    if ("sha256:" + crypto::sha256_hex(answer.body) != descriptor.digest)
        return error(PullFailure::digest_mismatch, fmt::format("the content of blob {} does not match its digest", descriptor.digest));
    return std::move(answer.body);
}

PullResult<> RegistryClient::stream(const Descriptor& descriptor, const http::Sink& sink)
{
    const std::string path = "/blobs/" + descriptor.digest;
    std::uint64_t delivered = 0;
    std::uint64_t to_skip = 0;
    std::optional<HostError> refused;  // by the sink
    bool too_long = false;
    const http::Sink counting = [&](std::string_view bytes) -> HostResult<> {
        if (stop_.stop_requested()) return HostError{"cancelled", ECANCELED};
        const auto skipped = std::min<std::uint64_t>(to_skip, bytes.size());
        bytes.remove_prefix(skipped);
        to_skip -= skipped;
        if (bytes.empty()) return {};
        if (bytes.size() > descriptor.size - delivered) {
            too_long = true;
            return HostError{"longer than announced", EMSGSIZE};
        }
        if (auto taken = sink(bytes); !taken.ok()) {
            refused = taken.error();
            return taken;
        }
        delivered += bytes.size();
        return {};
    };
    for (int attempt = 1;; ++attempt) {
        const std::uint64_t before = delivered;
        http::ClientRequest get = request("GET", path);
        to_skip = delivered;
        if (delivered > 0) {
            // Does it serve ranges? One byte tells; a server that does not would send everything, more than allowed.
            http::ClientRequest probe = get;
            probe.headers.set("Range", fmt::format("bytes={}-{}", delivered - 1, delivered - 1));
            probe.response_bytes_max = 1;
            std::optional<HostError> unreachable;
            ASSIGN_OR_RETURN(const Answer answer, ask_once(std::move(probe), nullptr, unreachable));
            if (!unreachable && answer.status == 206) {
                get.headers.set("Range", fmt::format("bytes={}-", delivered));
                to_skip = 0;
            }
        }
        std::optional<HostError> broken;
        ASSIGN_OR_RETURN(const Answer answer, ask_once(std::move(get), &counting, broken));
        if (stop_.stop_requested()) return error(PullFailure::cancelled, "cancelled");
        if (refused) return error(PullFailure::unpack, refused->message);
        if (too_long || (!broken && answer.status / 100 == 2 && delivered != descriptor.size)) {
            return error(PullFailure::digest_mismatch, fmt::format("layer {} has {} than the {} bytes its manifest names", descriptor.digest,
                                                                    too_long ? "more" : "less", descriptor.size));
        }
        if (!broken && answer.status / 100 == 2) return {};
        if (delivered > before) attempt = 1;  // it moves, if with interruptions
        if (!broken && !is_worth_another_try(answer.status)) return refusal(answer, "layer " + descriptor.digest);
        if (attempt >= retries_.attempts) {
            if (!broken) return refusal(answer, "layer " + descriptor.digest);
            return error(PullFailure::network, fmt::format("layer {}: {} (tried {} times)", descriptor.digest, broken->message, attempt));
        }
        RETURN_IF_ERROR(pause(attempt, answer.headers.get("Retry-After")));
    }
}

}  // namespace boxship::images
