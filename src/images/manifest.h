// What a registry says about an image: the manifest, the index that names one per platform, and the configuration that
// tells how to run it. Parsed from a stranger's JSON with bounds. Errors are sentences.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace boxship::images {

inline constexpr std::size_t manifest_bytes_max = 4 << 20;
inline constexpr std::size_t config_bytes_max = 8 << 20;
inline constexpr std::size_t layers_max = 500;   // overlayfs's own limit
inline constexpr std::string_view manifest_types =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

struct Platform {
    std::string os;            // "linux"
    std::string architecture;  // "amd64", "arm64", "arm"
    std::string variant;       // "v7", or empty
};
Platform host_platform();

struct Descriptor {
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;
};

struct Manifest {
    Descriptor config;
    std::vector<Descriptor> layers;  // the lowest first
};

struct ImageIndex {
    struct Entry {
        Descriptor manifest;
        std::optional<Platform> platform;
    };
    std::vector<Entry> entries;
};

Outcome<std::variant<Manifest, ImageIndex>, std::string> parse_manifest(std::string_view bytes);

// The entry that runs on `platform`; the error lists what there is.
Outcome<Descriptor, std::string> choose(const ImageIndex& index, const Platform& platform);

struct HealthCheck {
    std::vector<std::string> test;   // {"NONE"}, {"CMD", …} or {"CMD-SHELL", line}
    Milliseconds interval{0};        // 0: the runtime's default, here and below
    Milliseconds timeout{0};
    Milliseconds start_period{0};
    int retries = 0;
};

struct ImageConfig {
    std::string os;
    std::string architecture;
    std::vector<std::string> environment;    // "NAME=value"
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::string user;                        // "", "1000", "app", "1000:1000", "app:group"
    std::string working_directory;
    std::string stop_signal;                 // "SIGQUIT", "3", or empty
    std::vector<std::string> volumes;        // paths in the container
    std::vector<std::string> exposed_ports;  // "80/tcp"
    std::map<std::string, std::string> labels;
    std::optional<HealthCheck> health_check;
    std::vector<std::string> diff_ids;       // digests of the unpacked layers, the lowest first
};
Outcome<ImageConfig, std::string> parse_config(std::string_view bytes);

}  // namespace boxship::images
