#include "bin/routes.h"

#include <boost/asio/awaitable.hpp>

namespace boxship::bin {
namespace {

constexpr std::string_view own_prefix = "/_boxship/v1/";

http::Response refused(const ApiError& error)
{
    return admin::json_error(error.status ? error.status : 403, error.message);
}

}  // namespace

http::Async<http::Response> Routes::handle(http::Request& request, http::BodyReader& body)
{
    const std::string& path = request.path;
    if (path == "/v2" || path.starts_with("/v2/")) co_return co_await registry_.handle(request, body);
    if (path == "/acs/ws" || path == "/tcs/ws" || path == "/_boxship/agent/ws") co_return co_await agent_channel(request);
    if (path.starts_with("/_boxship/")) co_return co_await own_call(request, body);
    co_return co_await front_.handle(request, body);
}

http::Async<http::Response> Routes::agent_channel(http::Request& request)
{
    const auto caller = authenticator_.authenticate(request, "ecs");
    if (!caller.ok()) co_return refused(caller.error());
    if (caller->kind != services::Principal::Kind::host) co_return admin::json_error(403, "Only a host's agent may connect here.");
    if (!request.wants_websocket()) co_return admin::json_error(400, "This is a websocket.");
    if (request.path == "/acs/ws") co_return co_await hub_.accept_acs(request, caller->host);
    if (request.path == "/tcs/ws") co_return co_await hub_.accept_tcs(request, caller->host);
    co_return co_await hub_.accept_control(request, caller->host);
}

http::Async<http::Response> Routes::own_call(http::Request& request, http::BodyReader& body)
{
    auto text = co_await body.read_all();
    if (!text.ok()) co_return http::refuse_body(text.error());
    request.body = std::move(*text);
    const auto caller = authenticator_.authenticate(request, "boxship");
    if (!caller.ok()) co_return refused(caller.error());
    if (caller->kind != services::Principal::Kind::root) co_return admin::json_error(403, "Only the owner of the platform may ask this.");
    if (request.method != "POST" || !request.path.starts_with(own_prefix)) co_return admin::json_error(404, "There is nothing at " + request.path + ".");
    co_return co_await admin_.handle(request.path.substr(own_prefix.size()), request.body);
}

}  // namespace boxship::bin
