#include "bin/api_client.h"

#include "env/real/real_env.h"
#include "wire/crypto.h"

namespace boxship::bin {

using shape::Json;

http::ClientRequest ApiClient::signed_post(const std::string& path, const std::string& service, std::string body, http::Headers headers)
{
    env::RealClock clock;
    http::ClientRequest request{.method = "POST", .url = connection_.endpoint + path, .headers = std::move(headers)};
    if (const auto url = http::parse_url(connection_.endpoint); url.ok()) request.headers.set("Host", url->host_header());
    sigv4::sign(request.headers, request.method, path, crypto::sha256_hex(body), connection_.credentials,
                {connection_.region, service}, clock.now());
    request.body = std::move(body);
    return request;
}

HostResult<Json> ApiClient::answer(HostResult<http::ClientResponse> response)
{
    if (!response.ok())
        return HostError{"the platform at " + connection_.endpoint + " does not answer (" + response.error().message +
                         "); start it with: boxship up --detach"};
    auto json = Json::parse(response->body.empty() ? "{}" : response->body);
    if (response->status / 100 != 2) {
        const std::string message = json.ok() ? json->get_string("message", json->get_string("Message")) : "";
        return HostError{message.empty() ? "the platform answered " + std::to_string(response->status) : message, response->status};
    }
    if (!json.ok()) return HostError{"the platform's answer is not JSON: " + json.error()};
    return std::move(json).value();
}

HostResult<Json> ApiClient::ecs(const std::string& operation, const Json& request)
{
    return answer(client_.send_blocking(signed_post("/", "ecs", request.dump(),
                                                    {{"Content-Type", "application/x-amz-json-1.1"},
                                                     {"X-Amz-Target", "AmazonEC2ContainerServiceV20141113." + operation}})));
}

HostResult<Json> ApiClient::own(const std::string& name, const Json& request)
{
    return answer(client_.send_blocking(
        signed_post("/_boxship/v1/" + name, "boxship", request.dump(), {{"Content-Type", "application/json"}})));
}

HostResult<> ApiClient::own_stream(const std::string& name, const Json& request, http::Sink sink)
{
    auto post = signed_post("/_boxship/v1/" + name, "boxship", request.dump(), {{"Content-Type", "application/json"}});
    post.read_timeout = std::chrono::hours(24);  // following a quiet container
    auto response = client_.send_streaming_blocking(std::move(post), std::move(sink));
    if (response.ok() && response->status / 100 == 2) return {};
    return answer(std::move(response)).error();
}

bool ApiClient::healthy()
{
    const auto response = client_.send_blocking({.url = connection_.endpoint + "/health", .read_timeout = Milliseconds(2000)});
    return response.ok() && response->status == 200;
}

}  // namespace boxship::bin
