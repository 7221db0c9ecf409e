// The canonical form of a request, the text that is signed, and the signing keys.
#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/bytes.h"
#include "base/strings.h"
#include "wire/crypto.h"
#include "wire/sigv4.h"
#include "wire/sigv4_internal.h"

namespace boxship::sigv4 {
namespace {

// Removes "." and ".." and doubled slashes, as every client does for services other than S3.
std::string normalize_path(std::string_view path)
{
    std::vector<std::string_view> kept;
    for (std::size_t start = 0; start < path.size();) {
        const auto slash = std::min(path.find('/', start), path.size());
        const std::string_view segment = path.substr(start, slash - start);
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!segment.empty() && segment != ".") {
            kept.push_back(segment);
        }
        start = slash + 1;
    }
    std::string out;
    for (const auto segment : kept) out.append("/").append(segment);
    if (out.empty() || path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..")) out.push_back('/');
    return out;
}

// Decoded and encoded again, so that every client's spelling of the same query gives one text; sorted by the encoded
// names, then values. The signature itself does not take part.
std::string canonical_query(std::string_view query)
{
    http::Pairs encoded;
    for (const auto& [name, value] : http::parse_query(query))
        if (name != "X-Amz-Signature") encoded.emplace_back(http::percent_encode(name), http::percent_encode(value));
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded) {
        if (!out.empty()) out.push_back('&');
        out.append(name).append("=").append(value);
    }
    return out;
}

// Outer spaces go, inner runs of spaces become one.
void append_trimmed(std::string& out, std::string_view value)
{
    value = trim(value);
    for (std::size_t i = 0; i < value.size(); ++i)
        if (value[i] != ' ' || value[i - 1] != ' ') out.push_back(value[i]);
}

}  // namespace

std::string scope_text(std::string_view date, std::string_view region, std::string_view service)
{
    return fmt::format("{}/{}/{}/aws4_request", date, region, service);
}

std::string derive_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service)
{
    crypto::Digest key = crypto::hmac_sha256("AWS4" + std::string(secret), date);
    key = crypto::hmac_sha256(crypto::as_text(key), region);
    key = crypto::hmac_sha256(crypto::as_text(key), service);
    key = crypto::hmac_sha256(crypto::as_text(key), "aws4_request");
    return std::string(crypto::as_text(key));
}

std::string canonical_request(std::string_view method, std::string_view target, const http::Headers& headers,
                              const std::vector<std::string>& signed_headers, std::string_view payload_hash, bool encode_path_once)
{
    const auto [path, query] = split_target(target);
    std::string out;
    out.reserve(512);
    out.append(method).push_back('\n');
    out.append(encode_path_once ? http::percent_encode(http::percent_decode(path.empty() ? "/" : path), true)
                                : http::percent_encode(normalize_path(path), true));
    out.push_back('\n');
    out.append(canonical_query(query)).push_back('\n');
    for (const std::string& name : signed_headers) {
        out.append(name).push_back(':');
        bool first = true;
        for (const http::Header& field : headers) {
            if (!equals_ignoring_case(field.name, name)) continue;
            if (!first) out.push_back(',');
            append_trimmed(out, field.value);
            first = false;
        }
        out.push_back('\n');
    }
    out.push_back('\n');
    out.append(join(signed_headers, ";")).push_back('\n');
    out.append(payload_hash);
    return out;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical)
{
    return fmt::format("{}\n{}\n{}\n{}", algorithm, amz_date, scope, crypto::sha256_hex(canonical));
}

std::string signature(std::string_view signing_key, std::string_view text)
{
    return to_hex(crypto::hmac_sha256(signing_key, text));
}

struct KeyCache::Impl {
    struct Entry {
        std::string name;
        std::string key;
    };
    std::size_t keys_max;
    std::mutex mutex;
    std::list<Entry> entries;  // the latest used first
    std::unordered_map<std::string, std::list<Entry>::iterator> index;
};

KeyCache::KeyCache(std::size_t keys_max) : impl_(std::make_unique<Impl>()) { impl_->keys_max = std::max<std::size_t>(keys_max, 1); }
KeyCache::~KeyCache() = default;

std::string KeyCache::signing_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service)
{
    std::string name;
    for (const std::string_view part : {secret, date, region, service}) name.append(part).push_back('\0');
    {
        const std::lock_guard lock(impl_->mutex);
        if (const auto found = impl_->index.find(name); found != impl_->index.end()) {
            impl_->entries.splice(impl_->entries.begin(), impl_->entries, found->second);
            return found->second->key;
        }
    }
    std::string key = derive_key(secret, date, region, service);
    const std::lock_guard lock(impl_->mutex);
    if (impl_->index.contains(name)) return key;
    impl_->entries.push_front(Impl::Entry{name, key});
    impl_->index.emplace(std::move(name), impl_->entries.begin());
    if (impl_->entries.size() > impl_->keys_max) {
        impl_->index.erase(impl_->entries.back().name);
        impl_->entries.pop_back();
    }
    return key;
}

}  // namespace boxship::sigv4
