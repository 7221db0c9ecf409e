#include "bin/instance_types.h"

#include <algorithm>
#include <charconv>

#include "base/strings.h"

namespace boxship::bin {
namespace {

// Sizes that were seen registered; of the others a thirtieth is taken off.
constexpr struct {
    std::string_view name;
    int cpu;
    int memory;
} seen[] = {
    {"t2.micro", 1024, 952},    {"t2.small", 1024, 1933},  {"t2.medium", 2048, 3884},  {"t3.micro", 2048, 933},
    {"t3.small", 2048, 1914},   {"t3.medium", 2048, 3837}, {"t3.large", 2048, 7763},   {"m5.large", 2048, 7680},
    {"m5.xlarge", 4096, 15650}, {"c5.large", 2048, 3686},  {"c5.xlarge", 4096, 7629},  {"r5.large", 2048, 15660},
};

constexpr struct {
    std::string_view family;
    int gib_per_vcpu;
    std::string_view sizes;
} families[] = {
    {"m4", 4, "large xlarge 2xlarge 4xlarge 10xlarge 16xlarge"},
    {"m5", 4, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
    {"m5a", 4, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
    {"m6i", 4, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
    {"m6a", 4, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
    {"m7i", 4, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
    {"c5", 2, "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge"},
    {"c5a", 2, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
    {"c6i", 2, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
    {"c6a", 2, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge"},
    {"c7i", 2, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
    {"r5", 8, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
    {"r5a", 8, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"},
    {"r6i", 8, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"},
    {"r7i", 8, "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"},
};

// The burstable families follow no rule.
constexpr struct {
    std::string_view size;
    int vcpus_t2;
    int vcpus_t3;
    int half_gib;
} burstable[] = {{"nano", 1, 2, 1},  {"micro", 1, 2, 2},   {"small", 1, 2, 4},   {"medium", 2, 2, 8},
                 {"large", 2, 2, 16}, {"xlarge", 4, 4, 32}, {"2xlarge", 8, 8, 64}};

int registered(int half_gib) { return half_gib * 512 - half_gib * 512 / 30; }

int vcpus_of(std::string_view size)
{
    if (size == "large") return 2;
    int times = 1;
    std::from_chars(size.data(), size.data() + size.size(), times);
    return 4 * times;
}

}  // namespace

std::optional<InstanceType> find_instance_type(std::string_view name)
{
    for (const auto& type : seen)
        if (type.name == name) return InstanceType{std::string(name), type.cpu, type.memory};
    const auto dot = name.find('.');
    if (dot == name.npos) return std::nullopt;
    const auto family = name.substr(0, dot), size = name.substr(dot + 1);
    if (family == "t2" || family == "t3" || family == "t3a") {
        for (const auto& type : burstable)
            if (type.size == size) return InstanceType{std::string(name), 1024 * (family == "t2" ? type.vcpus_t2 : type.vcpus_t3), registered(type.half_gib)};
        return std::nullopt;
    }
    for (const auto& known : families) {
        if (known.family != family) continue;
        const auto sizes = split(known.sizes, ' ');
        if (std::ranges::find(sizes, size) == sizes.end()) return std::nullopt;
        const int vcpus = vcpus_of(size);
        return InstanceType{std::string(name), 1024 * vcpus, registered(2 * vcpus * known.gib_per_vcpu)};
    }
    return std::nullopt;
}

std::string instance_type_names()
{
    std::string names = "t2, t3, t3a (nano to 2xlarge)";
    for (const auto& known : families) names += ", " + std::string(known.family);
    return names + " (large, xlarge, 2xlarge …)";
}

}  // namespace boxship::bin
