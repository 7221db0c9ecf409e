// What HAProxy counted, for /metrics.
#include <algorithm>

#include <fmt/format.h>

#include "drive/haproxy/balancers.h"

namespace boxship::drive::haproxy {
namespace {

void append(std::string& out, const char* name, const std::string& labels, std::int64_t value, const std::string& more = {})
{
    out += fmt::format("{}{{{}{}}} {}\n", name, labels, more, value);
}

void add(const CountersSeen& counted, CountersSeen& sum)
{
    sum.requests += counted.requests;
    sum.bytes_in += counted.bytes_in;
    sum.bytes_out += counted.bytes_out;
    sum.errors += counted.errors;
    for (int i = 0; i < 6; ++i) sum.responses[i] += counted.responses[i];
}

}  // namespace

// A new process begins to count at nothing.
void Balancers::add_up_counters()
{
    const std::lock_guard lock(counters_mutex_);
    for (auto* pair : {&counters_.backends, &counters_.frontends}) {
        auto& before = pair == &counters_.backends ? counted_before_.backends : counted_before_.frontends;
        for (const auto& [name, counted] : *pair) add(counted, before[name]);
    }
    counters_ = {};
}

bool Balancers::counts_anew(const Seen& seen) const
{
    return std::ranges::any_of(seen.frontends, [&](const auto& frontend) {
        const auto before = counters_.frontends.find(frontend.first);
        return before != counters_.frontends.end() && frontend.second.requests < before->second.requests;
    });
}

void Balancers::remember_counters(const Seen& seen)
{
    const std::lock_guard lock(counters_mutex_);
    counters_ = seen;
    for (const auto& [id, group] : plan_->groups)
        if (const auto open = seen.backends.find(open_name(id)); open != seen.backends.end()) add(open->second, counters_.backends[group_name(id)]);
    labels_.clear();
    for (const auto& balancer : plan_->balancers)
        for (const auto& listener : balancer.listeners) labels_[listener_name(listener.row->id)] = fmt::format("load_balancer=\"{}\",port=\"{}\"", balancer.name, listener.row->port);
    for (const auto& [id, group] : plan_->groups)
        labels_[group_name(id)] = fmt::format("load_balancer=\"{}\",target_group=\"{}\"", plan_->balancers[group.balancer].name, group.row->name);
}

std::string Balancers::metrics() const
{
    const std::lock_guard lock(counters_mutex_);
    std::string out;
    const auto before = [](const std::map<std::string, CountersSeen>& counted, const std::string& name) {
        const auto found = counted.find(name);
        return found == counted.end() ? CountersSeen{} : found->second;
    };
    for (const auto& [name, now] : counters_.frontends) {
        const auto labels = labels_.find(name);
        if (labels == labels_.end()) continue;
        const CountersSeen past = before(counted_before_.frontends, name);
        append(out, "boxship_alb_listener_requests_total", labels->second, now.requests + past.requests);
        append(out, "boxship_alb_listener_connections", labels->second, now.sessions);
        append(out, "boxship_alb_processed_bytes_total", labels->second, now.bytes_in + now.bytes_out + past.bytes_in + past.bytes_out);
    }
    for (const auto& [name, now] : counters_.backends) {
        const auto labels = labels_.find(name);
        if (labels == labels_.end()) continue;
        const CountersSeen past = before(counted_before_.backends, name);
        append(out, "boxship_alb_requests_total", labels->second, now.requests + past.requests);
        for (int i = 2; i < 6; ++i)
            append(out, "boxship_alb_target_responses_total", labels->second, now.responses[i] + past.responses[i], fmt::format(",code=\"{}xx\"", i));
        append(out, "boxship_alb_target_errors_total", labels->second, now.errors + past.errors);
        append(out, "boxship_alb_target_response_time_milliseconds", labels->second, now.response_ms);
        append(out, "boxship_alb_healthy_targets", labels->second, now.healthy);
    }
    return out;
}

}  // namespace boxship::drive::haproxy
