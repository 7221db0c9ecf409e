// What a manifest says: its kind, and everything that it names. Pure; the bytes are never changed or stored here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shape/json_value.h"

namespace boxship::ecr {

namespace media {
constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
}  // namespace media

struct Descriptor {
    std::string media_type;
    std::string digest;
    std::int64_t size = 0;
    bool elsewhere = false;  // it has `urls` or a non-distributable type: its bytes need not be here
};

struct Manifest {
    std::string media_type;
    std::optional<Descriptor> config;
    std::vector<Descriptor> layers;
    std::vector<Descriptor> children;    // of an index
    std::string subject;                 // digest; "" none
    std::string artifact_type;           // as a list of referrers shows it: for an image without one, its config's type
    shape::Json annotations;             // null when there are none
};

// `content_type` is the header's value, parameters included; "" when it was absent. The error is a sentence.
Outcome<Manifest, std::string> parse_manifest(std::string_view bytes, std::string_view content_type);

bool is_index(std::string_view media_type);

}  // namespace boxship::ecr
