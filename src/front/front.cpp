#include "front/front.h"

#include <algorithm>
#include <cerrno>

#include <boost/asio/awaitable.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "base/strings.h"
#include "front/dispatch.h"
#include "front/members.h"
#include "front/render.h"
#include "shape/json_value.h"
#include "shape/services.h"
#include "shape/slots.h"

namespace boxship::front {

using services::ServedOperation;

namespace {

// The record of the answer is made, written and dropped here.
http::Response render_answer(const ServedOperation::Render& made, const shape::OperationInfo& info, shape::Protocol protocol,
                             const std::string& request_id)
{
    if (is_json(protocol) && made.json) return render_json(made.json(), protocol, request_id);
    const shape::TextArena arena;
    const std::shared_ptr<const void> response = made.record();
    return render(info, protocol, {*info.response, response.get()}, request_id);
}

}  // namespace

// What is known about one request so far; the access log is written from it.
struct Front::Exchange {
    std::string request_id;
    Milliseconds began{0};
    Signer signer;
    Target target;
    std::string error_code;
    std::string source;
};

Front::Front(state::Store& store, const services::Served& served, const services::Installation& installation,
             Authenticator& authenticator, env::Clock& clock, env::Random& random, Options options)
    : store_(store), installation_(installation), authenticator_(authenticator), clock_(clock), random_(random),
      options_(std::move(options))
{
    CHECK(!options_.regions.empty());
    for (const ServedOperation& operation : served.operations()) {
        CHECK(served_.emplace(operation.info, &operation).second);
        for (const auto* members : {&operation.ignored, &operation.refused}) {
            for (const std::string& member : *members) {
                if (member_exists(*operation.info->request, member)) continue;
                log_error("{}: no member '{}'", operation.info->name, member);
                CHECK(!"a served operation lists a member that its model lacks");
            }
        }
    }
}

std::string Front::new_request_id()
{
    std::array<std::byte, 16> raw;
    random_.fill(raw);
    raw[6] = (raw[6] & std::byte{0x0F}) | std::byte{0x40};
    raw[8] = (raw[8] & std::byte{0x3F}) | std::byte{0x80};
    std::string text = to_hex(raw);
    for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
    return text;
}

http::Response Front::health() const
{
    const Health health = options_.health ? options_.health() : Health{};
    shape::Json body = shape::Json::object({{"status", health.ready ? "ok" : "starting"}});
    if (!health.detail.empty()) body.set("detail", health.detail);
    return http::text_response(health.ready ? 200 : 503, body.dump() + "\n", "application/json");
}

http::Response Front::metrics() const
{
    std::string text = metrics_.text();
    for (const auto& source : options_.metrics) text += source();
    return http::text_response(200, std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

http::Async<http::Response> Front::handle(http::Request& request, http::BodyReader& body)
{
    Exchange exchange;
    exchange.request_id = new_request_id();
    exchange.began = clock_.uptime();
    exchange.source = request.remote_address;
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && (request.path == "/health" || request.path == "/metrics")) {
        http::Response response = request.path == "/health" ? health() : metrics();
        response.headers.set("x-amzn-RequestId", exchange.request_id);
        co_return response;
    }

    http::Response response = co_await answer(exchange, request, body);

    const Target& target = exchange.target;
    const Milliseconds took = clock_.uptime() - exchange.began;
    const std::string_view service = target.service ? target.service->name : "other";
    const std::string_view operation = target.operation ? target.operation->name : "unknown";
    metrics_.count(service, operation, response.status, took);
    // Callers choose the names of what we do not know; they must not write lines of our log.
    log_info("request {} from {} by {}: {}:{} {} {} {} bytes in, {} ms", exchange.request_id, exchange.source,
             exchange.signer.identity.principal.arn.empty() ? "nobody" : exchange.signer.identity.principal.arn, service, operation,
             response.status, exchange.error_code.empty() ? "ok" : exchange.error_code, request.body.size(), took.count());
    co_return response;
}

http::Async<http::Response> Front::answer(Exchange& exchange, http::Request& request, http::BodyReader& body)
{
    const auto refuse = [&](const ApiError& error) {
        exchange.error_code = error.code;
        const Target& target = exchange.target;
        if (target.is_rest) return render_rest_error(error, target.service_name, exchange.request_id);
        return render_error(error, target.protocol, target.service, exchange.request_id);
    };

    // The key is looked up before the body is read, so that strangers cannot make us hold large bodies.
    const auto claim = sigv4::parse_authorization(request.method, request.target, request.headers);
    exchange.target = identify(request, claim.ok() ? &*claim : nullptr);
    auto signer = authenticator_.find_signer(request, exchange.target.protocol);
    if (!signer.ok()) co_return refuse(signer.error());
    exchange.signer = std::move(*signer);

    const std::size_t bytes_max = body_bytes_max(request);
    auto bytes = co_await body.read_all(bytes_max);
    if (!bytes.ok()) {
        const bool large = bytes.error().code == EMSGSIZE;
        ApiError error{"RequestTimeout", "The request body did not arrive: " + bytes.error().message, 408};
        if (large) error = {"RequestEntityTooLarge", fmt::format("The request body exceeds {} bytes.", bytes_max), 413};
        http::Response response = refuse(error);
        response.close = true;
        co_return response;
    }
    request.body = std::move(*bytes);
    exchange.target = identify(request, &exchange.signer.claim);

    const auto verified = verify(exchange, request);
    if (!verified.ok()) co_return refuse(verified.error());
    const auto served = find_served(exchange);
    if (!served.ok()) co_return refuse(served.error());
    auto response = co_await call(exchange, **served, request);
    if (!response.ok()) co_return refuse(response.error());
    co_return std::move(*response);
}

// The signature, then whether it was made for this service and a region of ours.
Result<> Front::verify(Exchange& exchange, const http::Request& request)
{
    const shape::Protocol protocol = exchange.target.protocol;
    const shape::ServiceInfo* service = exchange.target.service;
    const std::string_view signing_name = service ? service->signing_name : std::string_view();
    RETURN_IF_ERROR(authenticator_.verify(exchange.signer, request, signing_name, protocol));
    if (!service) return {};
    const auto& regions = options_.regions;
    const bool global = service->name == "sts" && exchange.signer.claim.region == "us-east-1";  // where old clients send it
    if (!global && std::find(regions.begin(), regions.end(), exchange.signer.claim.region) == regions.end())
        return wrong_scope(fmt::format("Credential should be scoped to a valid region: '{}' is not served here; served: {}.",
                                       exchange.signer.claim.region, join(regions, ", ")), protocol);
    return {};
}

Result<const ServedOperation*> Front::find_served(const Exchange& exchange) const
{
    const Target& target = exchange.target;
    if (!target.service) {
        std::vector<std::string> names;
        for (const shape::ServiceInfo* service : shape::services()) {
            if (!service->operations.empty()) names.emplace_back(service->name);
        }
        return ApiError{"NotImplemented", fmt::format("The service '{}' is not served here; served: {}.", target.service_name, join(names, ", ")), 501};
    }
    if (!target.operation) {
        const shape::ServiceInfo& service = *target.service;
        if (is_json(target.protocol))
            return ApiError{"UnknownOperationException", fmt::format("{} has no operation '{}'.", service.name, target.operation_name), 400};
        if (target.operation_name.empty())
            return ApiError{"MissingAction", "The request must contain the parameter Action.", 400};
        if (target.protocol == shape::Protocol::query)
            return ApiError{"InvalidAction", fmt::format("Could not find operation {} for version {}", target.operation_name, service.version), 400};
        std::vector<std::string> names;
        for (const shape::OperationInfo* operation : service.operations) names.emplace_back(operation->name);
        return ApiError{"InvalidAction", fmt::format("The action {} is not valid for this web service. Known here: {}.",
                                                     target.operation_name, join(names, ", ")), 400};
    }
    const auto at = served_.find(target.operation);
    if (at == served_.end())
        return ApiError{"NotImplemented", fmt::format("{}:{} is known to this server but not implemented.", target.service->name, target.operation->name), 501};
    return at->second;
}

http::Async<Result<http::Response>> Front::call(Exchange& exchange, const ServedOperation& served, const http::Request& request)
{
    const shape::OperationInfo& info = *served.info;
    const shape::Protocol protocol = exchange.target.protocol;
    const std::shared_ptr<void> record = shape::new_record(*info.request);
    const shape::RecordRef into(*info.request, record.get());
    Ask ask;
    const auto read = protocol == shape::Protocol::query ? shape::read_query(exchange.target.form, into, &ask.unknown)
                      : protocol == shape::Protocol::ec2 ? shape::read_ec2(exchange.target.form, into, &ask.unknown)
                                                         : shape::read_json(request.body, into, &ask.unknown);
    if (!read.ok()) co_return read.error();
    if (const auto member = first_refused(into, served.refused)) co_return refusal(info, *member);

    const bool known_region = std::find(options_.regions.begin(), options_.regions.end(), exchange.signer.claim.region) != options_.regions.end();
    ask.operation = &served;
    ask.protocol = protocol;
    ask.request = record;
    ask.principal = exchange.signer.identity.principal;
    ask.scope.account = options_.account;
    ask.scope.region = known_region ? exchange.signer.claim.region : options_.regions.front();
    ask.request_id = exchange.request_id;
    ask.source = exchange.source;
    ask.installation = &installation_;

    using Answer = Result<ServedOperation::Render>;
    state::Store& store = store_;
    std::function<void(std::function<void(Answer)>)> start = [&store, ask = std::move(ask)](std::function<void(Answer)> done) {
        dispatch(store, ask, std::move(done));
    };
    Answer answer = co_await http::from_callback<Answer>(std::move(start));
    if (!answer.ok()) co_return std::move(answer).error();
    co_return render_answer(*answer, info, protocol, exchange.request_id);
}

}  // namespace boxship::front
