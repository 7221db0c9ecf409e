#include "agent/membership.h"

#include <boost/asio/awaitable.hpp>

#include "agent/version.h"
#include "wire/http/io_threads.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr auto endpoints_lifetime = std::chrono::hours(12);

}  // namespace

Membership::Membership(ApiClient& api, Ledger& ledger, env::Clock& clock, env::Random& random, HostFacts facts, std::string instance_arn)
    : api_(api), clock_(clock), registrar_(ledger, random, std::move(facts), std::move(instance_arn))
{
}

acs::Hello Membership::hello(bool send_credentials) const
{
    acs::Hello hello;
    hello.cluster = facts().cluster;
    hello.container_instance_arn = instance_arn();
    hello.agent_version = agent_version;
    hello.agent_hash = agent_hash;
    hello.docker_version = runtime_version;
    hello.send_credentials = send_credentials;
    return hello;
}

http::Async<> Membership::join()
{
    for (;;) {
        Registrar::Request request = registrar_.next();
        const auto answer = co_await api_.call(request.operation, std::move(request.input));
        const auto wait = registrar_.heard(answer);
        if (!wait) co_return;
        if (wait->count() > 0) co_await http::sleep_for(*wait);
    }
}

http::Async<CallOutcome<PollEndpoints>> Membership::endpoints()
{
    if (endpoints_ && clock_.now() < endpoints_until_) co_return *endpoints_;
    Json input = Json::object({{"containerInstance", instance_arn()}, {"cluster", facts().cluster}, {"zoneId", ""}});
    auto answer = co_await api_.call("DiscoverPollEndpoint", std::move(input));
    if (answer) {
        PollEndpoints fresh{answer->get_string("endpoint"), answer->get_string("telemetryEndpoint")};
        endpoints_ = fresh;
        endpoints_until_ = clock_.now() + endpoints_lifetime;
        co_return fresh;
    }
    if (endpoints_) co_return *endpoints_;         // better an old answer than none
    co_return std::move(answer).error();
}

}  // namespace boxship::agent
