// A registry for tests, on loopback, that can be as unfriendly as real ones.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/bytes.h"
#include "images/test_tar.h"
#include "wire/crypto.h"
#include "wire/http/io_threads.h"
#include "wire/http/server.h"

namespace boxship::images {

inline std::string digest_of(std::string_view bytes)
{
    return "sha256:" + crypto::sha256_hex(bytes);
}

class FakeRegistry {
public:
    FakeRegistry() : server_(threads_, [this](http::Request& request, http::BodyReader&) { return answer(request); })
    {
        const auto port = server_.listen("127.0.0.1", 0);
        EXPECT_TRUE(port.ok());
        host = fmt::format("127.0.0.1:{}", *port);
    }

    struct Layer {
        std::string tar;
        std::string blob;  // as stored: compressed, or not
    };
    static Layer plain(const std::string& tar) { return {tar, tar}; }
    static Layer gzipped(const std::string& tar) { return {tar, gzip(tar)}; }
    static Layer zstandard(const std::string& tar) { return {tar, zstd(tar)}; }

    static std::string descriptor(std::string_view bytes, std::string_view digest, std::string_view more = "")
    {
        return fmt::format(R"({{"mediaType":"m","digest":"{}","size":{}{}}})", digest, bytes.size(), more);
    }
    // Returns the manifest's digest.
    std::string add_image(const std::vector<Layer>& layers, const std::string& tag)
    {
        std::string ids, descriptors;
        for (const Layer& layer : layers) {
            const char* comma = ids.empty() ? "" : ",";
            blobs[digest_of(layer.blob)] = layer.blob;
            ids += fmt::format(R"({}"{}")", comma, digest_of(layer.tar));
            descriptors += comma + descriptor(layer.blob, digest_of(layer.blob));
        }
        const std::string config = fmt::format(R"({{"os":"linux","config":{{"Cmd":["{}"]}},"rootfs":{{"diff_ids":[{}]}}}})", tag, ids);
        blobs[digest_of(config)] = config;
        return add_manifest(fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})", descriptor(config, digest_of(config)), descriptors), tag);
    }
    std::string add_manifest(const std::string& manifest, const std::string& tag)
    {
        manifests[digest_of(manifest)] = manifest;
        tags[tag] = digest_of(manifest);
        return digest_of(manifest);
    }
    int count(const std::string& what)
    {
        const std::lock_guard guard(mutex_);
        return counts_[what];
    }
    void forget()
    {
        const std::lock_guard guard(mutex_);
        counts_.clear();
    }
    void shut_down() { server_.drain(Milliseconds(0)); }

    std::string host;
    std::string repository = "team/app";
    std::map<std::string, std::string> blobs, manifests, tags;
    std::string user, password;                 // wanted, when not empty
    bool bearer = false;
    std::set<std::string> tokens{"good-token"};
    bool tells_digest = true;
    bool serves_ranges = true;
    std::atomic<int> cuts = 0;                  // so many blob answers end in the middle
    std::atomic<int> failures = 0;              // so many answers are 503
    std::string redirect_blobs_to;              // origin
    std::atomic<bool> slow = false;
    std::string seen_host;

private:
    http::Async<http::Response> answer(http::Request& request)
    {
        const std::string authorization(request.headers.get("Authorization"));
        std::string name = request.path.substr(request.path.rfind('/') + 1);
        const bool is_blob = request.path.find("/blobs/") != std::string::npos;
        {
            const std::lock_guard guard(mutex_);
            ++counts_[request.method + " " + (request.path == "/token" ? "token" : is_blob ? "blob" : "manifest")];
            if (request.path != "/token") ++counts_[request.method + " " + name];
            if (!authorization.empty()) ++counts_["authorised"];
            seen_host = request.headers.get("Host");
        }
        if (failures > 0) {
            --failures;
            co_return http::text_response(503, "busy");
        }
        const std::string basic = "Basic " + to_base64(user + ":" + password);
        if (request.path == "/token") {
            if (!user.empty() && authorization != basic) co_return http::text_response(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"who?"}]})");
            const bool scoped = http::query_value(request.query, "scope") == "repository:team/app:pull" && http::query_value(request.query, "service") == "test";
            co_return http::text_response(200, scoped ? R"({"token":"good-token"})" : R"({"token":"useless"})");
        }
        if (bearer && !tokens.contains(authorization.substr(std::min<std::size_t>(7, authorization.size())))) {
            http::Response challenge = http::text_response(401, "{}");
            challenge.headers.set("WWW-Authenticate",
                                  fmt::format(R"(Bearer realm="http://{}/token",service="test",scope="repository:team/app:pull")", host));
            co_return challenge;
        }
        if (!bearer && !user.empty() && authorization != basic) {
            http::Response challenge = http::text_response(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"log in first"}]})");
            challenge.headers.set("WWW-Authenticate", R"(Basic realm="x")");
            co_return challenge;
        }
        if (is_blob) co_return blob(request, name);
        const auto tag = tags.find(name);
        const auto manifest = manifests.find(tag == tags.end() ? name : tag->second);
        if (!request.path.starts_with("/v2/" + repository + "/") || manifest == manifests.end())
            co_return http::text_response(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such manifest"}]})");
        http::Response response = http::text_response(200, manifest->second, "application/vnd.oci.image.manifest.v1+json");
        if (tells_digest) response.headers.set("Docker-Content-Digest", manifest->first);
        co_return response;
    }

    http::Response blob(const http::Request& request, const std::string& name)
    {
        if (!redirect_blobs_to.empty()) {
            http::Response response = http::text_response(307, "");
            response.headers.set("Location", redirect_blobs_to + request.target);
            return response;
        }
        const auto found = blobs.find(name);
        if (found == blobs.end()) return http::text_response(404, "");
        std::string bytes = found->second;
        http::Response response = http::text_response(200, "");
        if (const std::string range(request.headers.get("Range")); serves_ranges && range.starts_with("bytes=")) {
            const std::size_t from = std::stoull(range.substr(6));
            const std::string to = range.substr(range.find('-') + 1);
            bytes = bytes.substr(from, to.empty() ? std::string::npos : std::stoull(to) - from + 1);
            response.status = 206;
        }
        if ((cuts > 0 || slow) && bytes.size() > 1000) {
            const bool cut = cuts > 0 && cuts-- > 0;
            http::StreamBody body;
            body.length = bytes.size();
            body.write = [bytes, cut, this](http::BodyWriter& writer) -> http::Async<HostResult<>> {
                CO_RETURN_IF_ERROR(co_await writer.write(std::string_view(bytes).substr(0, bytes.size() / 2)));
                if (cut) co_return HostError{"cut", EIO};
                while (slow) co_await http::sleep_for(Milliseconds(5));
                co_return co_await writer.write(std::string_view(bytes).substr(bytes.size() / 2));
            };
            response.body = std::move(body);
        } else {
            response.body = std::move(bytes);
        }
        return response;
    }

    std::mutex mutex_;
    std::map<std::string, int> counts_;
    http::IoThreads threads_{1, "registry"};
    http::Server server_;
};

}  // namespace boxship::images
