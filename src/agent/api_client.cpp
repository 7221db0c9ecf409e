#include "agent/api_client.h"

#include <boost/asio/awaitable.hpp>

#include "agent/version.h"
#include "wire/acs/session.h"
#include "wire/crypto.h"

namespace boxship::agent {
namespace {

using shape::Json;

CallOutcome<Json> read_answer(HostResult<http::ClientResponse> answer)
{
    if (!answer) return CallError{0, "", answer.error().message};
    auto body = Json::parse(answer->body.empty() ? "{}" : answer->body);
    if (answer->status / 100 == 2) {
        if (!body) return CallError{0, "", "the answer is not JSON: " + body.error()};
        return std::move(*body);
    }
    CallError error{answer->status, "", "HTTP status " + std::to_string(answer->status)};
    if (body) {
        error.code = body->get_string("__type");
        error.code.erase(0, error.code.rfind('#') + 1);        // "com.amazon…#ClientException"
        const std::string message = body->get_string("message", body->get_string("Message"));
        if (!message.empty()) error.message = message;
    }
    return error;
}

}  // namespace

ApiClient::ApiClient(ApiOptions options, HostCredentials& credentials, env::Clock& clock)
    : options_(std::move(options)), credentials_(credentials), clock_(clock),
      client_(http::ClientOptions{.connect_timeout = Milliseconds(5'000), .read_timeout = Milliseconds(42'000), .idle_connections_max = 4,
                                  .ca_file = options_.ca_file})
{
}

HostResult<http::ClientRequest> ApiClient::request(const std::string& url, const std::string& target, const std::string& service, const Json& input)
{
    ASSIGN_OR_RETURN(const auto parsed, http::parse_url(url));
    ASSIGN_OR_RETURN(const auto keys, credentials_.current());
    http::ClientRequest request{.method = "POST", .url = url, .headers = {}, .body = input.dump()};
    request.headers.set("Host", parsed.host_header());
    request.headers.set("Content-Type", "application/x-amz-json-1.1");
    request.headers.set("X-Amz-Target", target);
    request.headers.set("User-Agent", agent_name);
    request.response_bytes_max = 4 << 20;
    sigv4::sign(request.headers, request.method, parsed.target, crypto::sha256_hex(request.body), keys, {options_.region, service}, clock_.now(), &keys_);
    return request;
}

http::Async<CallOutcome<Json>> ApiClient::call(std::string operation, Json input)
{
    auto made = request(options_.url + "/", "AmazonEC2ContainerServiceV20141113." + operation, "ecs", input);
    if (!made) co_return CallError{0, "", made.error().message};
    http::ClientRequest ready = std::move(*made);
    auto answer = co_await client_.send(std::move(ready));
    co_return read_answer(std::move(answer));
}

CallOutcome<Json> ApiClient::ecr_token_blocking(std::string url, std::string registry_id)
{
    if (url.empty()) url = options_.url;
    if (url.find("://") == std::string::npos) url = "https://" + url;
    if (!url.ends_with('/')) url += '/';
    Json input = Json::object();
    if (!registry_id.empty()) input.set("registryIds", Json::array({registry_id}));
    auto made = request(url, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "ecr", input);
    if (!made) return CallError{0, "", made.error().message};
    return read_answer(client_.send_blocking(std::move(*made)));
}

HostResult<http::Headers> ApiClient::sign_upgrade(const std::string& url)
{
    ASSIGN_OR_RETURN(const auto parsed, http::parse_url(url));
    ASSIGN_OR_RETURN(const auto keys, credentials_.current());
    http::Headers headers;
    headers.set("Host", parsed.host_header());
    sigv4::sign(headers, "GET", parsed.target, sigv4::empty_payload_sha256, keys, {options_.region, "ecs"}, clock_.now(), &keys_);
    return headers;
}

HostResult<std::string> ApiClient::sign_message(const std::string& url, std::string_view json)
{
    ASSIGN_OR_RETURN(const auto parsed, http::parse_url(url));
    ASSIGN_OR_RETURN(const auto keys, credentials_.current());
    return acs::with_signed_prefix(json, parsed, keys, options_.region, clock_.now(), &keys_);
}

}  // namespace boxship::agent
