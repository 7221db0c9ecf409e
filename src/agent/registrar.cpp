#include "agent/registrar.h"

#include "base/log.h"
#include "wire/crypto.h"

namespace boxship::agent {
namespace {

using shape::Json;

Backoff first_backoff() { return Backoff(Milliseconds(100), 2.0, Milliseconds(10'000)); }

}  // namespace

Registrar::Registrar(Ledger& ledger, Ids& random, HostFacts facts, std::string instance_arn)
    : ledger_(ledger), random_(random), facts_(std::move(facts)), client_token_(crypto::random_hex(random, 16)),
      instance_arn_(std::move(instance_arn)), backoff_(first_backoff())
{
}

Registrar::Request Registrar::next() const
{
    if (making_cluster_) return {"CreateCluster", Json::object({{"clusterName", facts_.cluster}})};
    return {"RegisterContainerInstance", registration(facts_, instance_arn_, client_token_)};
}

std::optional<Milliseconds> Registrar::heard(const CallOutcome<Json>& answer)
{
    if (std::exchange(making_cluster_, false)) {
        if (!answer) log_warning("create cluster {}: {}", facts_.cluster, answer.error().text());
        cluster_made_ = answer.ok();
        return cluster_made_ ? Milliseconds(0) : backoff_.pause(random_);
    }
    const auto wait = answer ? registered((*answer)["containerInstance"].get_string("containerInstanceArn")) : refused(answer.error());
    if (!wait) {
        backoff_ = first_backoff();
        told_ = cluster_made_ = false;
    }
    return wait;
}

std::optional<Milliseconds> Registrar::registered(const std::string& arn)
{
    LedgerBatch batch;
    batch.facts = {{instance_fact, arn}, {cluster_fact, facts_.cluster}};
    const auto kept = arn == instance_arn_ ? HostResult<>() : ledger_.commit(batch, true);
    if (!arn.empty() && kept) {
        instance_arn_ = arn;
        log_info("registered as {}", arn);
        return std::nullopt;
    }
    log_error("register: {}", arn.empty() ? "the answer names no instance" : kept.error().message);
    return backoff_.pause(random_);
}

std::optional<Milliseconds> Registrar::refused(const CallError& error)
{
    if (error.code == "ClusterNotFoundException" && facts_.cluster == "default" && !cluster_made_) {
        making_cluster_ = true;      // the one cluster that comes into being by being joined
        return Milliseconds(0);
    }
    if (!error.transient() && !instance_arn_.empty() && error.status == 400) {
        // Deregistered while we were away, or the control plane has lost its data: a new instance, then.
        log_warning("register again as {}: {}; registering as a new instance", instance_arn_, error.text());
        instance_arn_.clear();
        client_token_ = crypto::random_hex(random_, 16);
        return Milliseconds(0);
    }
    if (!told_ || !error.transient()) log_warning("register: {}; trying until it works", error.text());
    told_ = told_ || error.transient();
    return backoff_.pause(random_);
}

}  // namespace boxship::agent
