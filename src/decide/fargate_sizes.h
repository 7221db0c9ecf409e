// The sizes that Fargate offers: a task names a CPU and one of the memory sizes that belong to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boxship::decide {

struct FargateCpu {
    std::int32_t cpu = 0;                // CPU units, 1024 a core
    std::vector<std::int32_t> memory;    // MiB, ascending
};

// Every pair, from 0.25 to 16 vCPU, by ascending CPU.
const std::vector<FargateCpu>& fargate_sizes();
bool fargate_size_exists(std::int32_t cpu, std::int32_t memory);

constexpr std::int32_t fargate_storage_default_gib = 20;
constexpr std::int32_t fargate_storage_min_gib = 21;      // what may be asked for
constexpr std::int32_t fargate_storage_max_gib = 200;

// Task sizes as AWS reads them: "256", "1024", ".25 vCPU", "1 vCPU" (case and spaces are free) → CPU units.
std::optional<std::int32_t> parse_cpu(std::string_view text);
// "512", "1GB", "0.5 GB" → MiB.
std::optional<std::int32_t> parse_memory(std::string_view text);

}  // namespace boxship::decide
