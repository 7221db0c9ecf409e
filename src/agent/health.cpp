#include "agent/health.h"

namespace boxship::agent {

std::string_view to_text(Health health)
{
    switch (health) {
        case Health::unknown: return "UNKNOWN";
        case Health::healthy: return "HEALTHY";
        case Health::unhealthy: return "UNHEALTHY";
    }
    return "UNKNOWN";
}

std::optional<HealthCheck> health_check_of(const ContainerSpec& spec)
{
    if (!spec.has_health_check) return std::nullopt;
    const shape::Json& json = spec.docker_config["Healthcheck"];
    const auto& test = json["Test"].as_array();
    if (test.size() < 2) return std::nullopt;       // absent, or {"NONE"}
    HealthCheck check;
    if (test[0].as_string() == "CMD-SHELL") {
        check.command = {"/bin/sh", "-c", test[1].as_string()};
    } else if (test[0].as_string() == "CMD") {
        for (std::size_t at = 1; at < test.size(); ++at) check.command.push_back(test[at].as_string());
    } else {
        return std::nullopt;
    }
    const auto read = [&](const char* name, Milliseconds& into) {
        if (const std::int64_t ns = json.get_int64(name); ns > 0) into = Milliseconds(ns / 1'000'000);
    };
    read("Interval", check.interval);
    read("Timeout", check.timeout);
    read("StartPeriod", check.start_period);
    if (const std::int64_t retries = json.get_int64("Retries"); retries > 0) check.retries = static_cast<int>(retries);
    return check;
}

void on_probe(HealthFacts& facts, const HealthCheck& check, Time started, bool success, int exit_code, std::string output, Time now)
{
    facts.probing = false;
    facts.next_probe = now + check.interval;
    facts.exit_code = exit_code;
    facts.output = std::move(output);
    Health health = facts.health;
    if (success) {
        facts.failures = 0;
        health = Health::healthy;
    } else if (const bool starting = now >= started && now - started < check.start_period;   // no longer, if the clock was set back
               facts.health == Health::healthy || !starting) {
        if (++facts.failures >= check.retries) health = Health::unhealthy;
    }
    if (health == facts.health) return;
    facts.health = health;
    facts.since = now;
}

}  // namespace boxship::agent
