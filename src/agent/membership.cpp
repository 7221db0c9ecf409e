#include "agent/membership.h"

#include <boost/asio/awaitable.hpp>

#include "agent/version.h"
#include "base/log.h"
#include "wire/crypto.h"
#include "wire/http/io_threads.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr auto endpoints_lifetime = std::chrono::hours(12);

}  // namespace

Membership::Membership(ApiClient& api, Ledger& ledger, env::Clock& clock, env::Random& random, HostFacts facts, std::string instance_arn)
    : api_(api), ledger_(ledger), clock_(clock), random_(random), facts_(std::move(facts)),
      client_token_(crypto::random_hex(random, 16)), instance_arn_(std::move(instance_arn))
{
}

acs::Hello Membership::hello(bool send_credentials) const
{
    acs::Hello hello;
    hello.cluster = facts_.cluster;
    hello.container_instance_arn = instance_arn_;
    hello.agent_version = agent_version;
    hello.agent_hash = agent_hash;
    hello.docker_version = runtime_version;
    hello.send_credentials = send_credentials;
    return hello;
}

http::Async<> Membership::join()
{
    Backoff backoff(Milliseconds(100), 2.0, Milliseconds(10'000));
    bool told = false;
    bool cluster_made = false;
    for (;;) {
        Json input = registration(facts_, instance_arn_, client_token_);
        auto answer = co_await api_.call("RegisterContainerInstance", std::move(input));
        if (answer) {
            const std::string arn = (*answer)["containerInstance"].get_string("containerInstanceArn");
            LedgerBatch batch;
            batch.facts = {{instance_fact, arn}, {cluster_fact, facts_.cluster}};
            const auto kept = arn == instance_arn_ ? HostResult<>() : ledger_.commit(batch, true);
            if (!arn.empty() && kept) {
                instance_arn_ = arn;
                log_info("registered as {}", arn);
                co_return;
            }
            log_error("register: {}", arn.empty() ? "the answer names no instance" : kept.error().message);
        } else if (answer.error().code == "ClusterNotFoundException" && facts_.cluster == "default" && !cluster_made) {
            // The one cluster that comes into being by being joined.
            Json wanted = Json::object({{"clusterName", facts_.cluster}});
            const auto made = co_await api_.call("CreateCluster", std::move(wanted));
            if (!made) log_warning("create cluster {}: {}", facts_.cluster, made.error().text());
            cluster_made = made.ok();
            if (cluster_made) continue;
        } else if (!answer.error().transient() && !instance_arn_.empty() && answer.error().status == 400) {
            // Deregistered while we were away, or the control plane has lost its data: a new instance, then.
            log_warning("register again as {}: {}; registering as a new instance", instance_arn_, answer.error().text());
            instance_arn_.clear();
            client_token_ = crypto::random_hex(random_, 16);
            continue;
        } else if (!told || !answer.error().transient()) {
            log_warning("register: {}; trying until it works", answer.error().text());
            told = true;
        }
        const Milliseconds pause = backoff.pause(random_);
        co_await http::sleep_for(pause);
    }
}

http::Async<CallOutcome<PollEndpoints>> Membership::endpoints()
{
    if (endpoints_ && clock_.now() < endpoints_until_) co_return *endpoints_;
    Json input = Json::object({{"containerInstance", instance_arn_}, {"cluster", facts_.cluster}, {"zoneId", ""}});
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
