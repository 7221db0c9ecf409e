#include <algorithm>
#include <array>

#include "base/strings.h"
#include "wire/sigv4.h"
#include "wire/sigv4_internal.h"

namespace boxship::sigv4 {
namespace {

// Fields that proxies and client libraries add or change on the way.
bool is_signed(std::string_view name)
{
    static constexpr std::array<std::string_view, 13> left_out = {
        "authorization",   "connection",        "content-length",  "expect", "te",         "transfer-encoding", "user-agent",
        "x-amzn-trace-id", "accept-encoding",   "keep-alive",      "upgrade", "accept",    "proxy-authorization"};
    return std::find(left_out.begin(), left_out.end(), name) == left_out.end() && !name.starts_with("sec-websocket-");
}

std::vector<std::string> names_to_sign(const http::Headers& headers)
{
    std::vector<std::string> names;
    for (const http::Header& field : headers) {
        std::string name = to_lower(field.name);
        if (is_signed(name)) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string key_for(const Credentials& credentials, std::string_view date, const Scope& scope, KeyCache* keys)
{
    return keys ? keys->signing_key(credentials.secret_access_key, date, scope.region, scope.service)
                : derive_key(credentials.secret_access_key, date, scope.region, scope.service);
}

}  // namespace

void sign(http::Headers& headers, std::string_view method, std::string_view target, std::string_view payload_hash,
          const Credentials& credentials, const Scope& scope, Time now, KeyCache* keys)
{
    const std::string stamp = to_basic_iso8601(now);
    const std::string_view date = std::string_view(stamp).substr(0, 8);
    headers.remove("Authorization");
    headers.set("X-Amz-Date", stamp);
    if (!credentials.session_token.empty()) headers.set("X-Amz-Security-Token", credentials.session_token);
    if (scope.service == "s3" || payload_hash == unsigned_payload) headers.set("X-Amz-Content-Sha256", std::string(payload_hash));

    const std::vector<std::string> names = names_to_sign(headers);
    const std::string canonical = canonical_request(method, target, headers, names, payload_hash, scope.service == "s3");
    const std::string scoped = scope_text(date, scope.region, scope.service);
    const std::string made = signature(key_for(credentials, date, scope, keys), string_to_sign(stamp, scoped, canonical));
    headers.set("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm,
                                             credentials.access_key_id, scoped, join(names, ";"), made));
}

std::string presign(std::string_view method, std::string_view target, std::string_view host, const Credentials& credentials,
                    const Scope& scope, Time now, std::chrono::seconds expires)
{
    const std::string stamp = to_basic_iso8601(now);
    const std::string_view date = std::string_view(stamp).substr(0, 8);
    const std::string scoped = scope_text(date, scope.region, scope.service);
    std::string with_query(target);
    with_query += target.find('?') == std::string_view::npos ? "?" : "&";
    with_query += fmt::format("X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
                              algorithm, http::percent_encode(credentials.access_key_id + "/" + scoped), stamp, expires.count());
    if (!credentials.session_token.empty())
        with_query += "&X-Amz-Security-Token=" + http::percent_encode(credentials.session_token);
    const http::Headers headers{{"host", std::string(host)}};
    const std::string_view payload_hash = scope.service == "s3" ? unsigned_payload : empty_payload_sha256;
    const std::string canonical = canonical_request(method, with_query, headers, {"host"}, payload_hash, scope.service == "s3");
    return with_query + "&X-Amz-Signature=" +
           signature(key_for(credentials, date, scope, nullptr), string_to_sign(stamp, scoped, canonical));
}

}  // namespace boxship::sigv4
