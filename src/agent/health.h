// Health checks of containers: commands run inside them, as the task definition says. Pure; the engine runs the probes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/task_spec.h"
#include "base/time.h"

namespace boxship::agent {

struct HealthCheck {
    std::vector<std::string> command;
    Milliseconds interval{30'000};
    Milliseconds timeout{5'000};
    Milliseconds start_period{0};    // failures in it do not count
    int retries = 3;
};

// Of dockerConfig.config.Healthcheck, when healthCheckType asks for it. Nothing: the container has none.
std::optional<HealthCheck> health_check_of(const ContainerSpec& spec);

enum class Health : std::uint8_t { unknown, healthy, unhealthy };
std::string_view to_text(Health health);     // HEALTHY, UNHEALTHY, UNKNOWN

struct HealthFacts {
    Health health = Health::unknown;
    Time since;
    Time next_probe;                 // 0: with the first look after the start
    bool probing = false;
    int failures = 0;                // in a row
    int exit_code = 0;               // of the last probe
    std::string output;
};

void on_probe(HealthFacts& facts, const HealthCheck& check, Time started, bool success, int exit_code, std::string output, Time now);

}  // namespace boxship::agent
