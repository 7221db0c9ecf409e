#include "images/manifest.h"

#include <sys/utsname.h>

#include <algorithm>

#include "images/reference.h"
#include "shape/json_value.h"

namespace boxship::images {
namespace {

using shape::Json;

Outcome<Descriptor, std::string> parse_descriptor(const Json& json, std::string_view what)
{
    Descriptor descriptor{json.get_string("mediaType"), json.get_string("digest"), 0};
    const std::int64_t size = json.get_int64("size", -1);
    if (!is_digest(descriptor.digest)) return fmt::format("the {} has the digest '{}', which is not supported", what, descriptor.digest);
    if (size < 0) return fmt::format("the {} names no size", what);
    descriptor.size = static_cast<std::uint64_t>(size);
    return descriptor;
}

std::vector<std::string> strings(const Json& json)
{
    std::vector<std::string> texts;
    for (const Json& element : json.as_array()) texts.push_back(element.as_string());
    return texts;
}

std::vector<std::string> keys(const Json& json)
{
    std::vector<std::string> names;
    for (const shape::JsonMember& member : json.as_object()) names.push_back(member.key);
    return names;
}

Milliseconds milliseconds(const Json& nanoseconds)
{
    return Milliseconds(nanoseconds.as_int64() / 1'000'000);
}

std::string describe(const Platform& platform)
{
    return platform.os + "/" + platform.architecture + (platform.variant.empty() ? "" : "/" + platform.variant);
}

// How well an image for `offered` suits `host`: 0 not at all, else the higher the better.
int suitability(const Platform& offered, const Platform& host)
{
    if (offered.os != host.os || offered.architecture != host.architecture) return 0;
    if (offered.variant == host.variant) return 100;
    if (offered.variant.empty()) return 90;
    if (host.architecture == "arm64") return offered.variant == "v8" ? 95 : 0;
    // A processor of 32-bit ARM runs what older ones run: v7 runs v7, v6, v5.
    if (host.architecture == "arm") return offered.variant <= host.variant ? 10 + offered.variant.back() - '0' : 0;
    return 0;  // amd64/v2 and above may need instructions that this processor lacks
}

}  // namespace

Platform host_platform()
{
    utsname name{};
    static_cast<void>(::uname(&name));  // cannot fail with a valid pointer
    const std::string machine = name.machine;
    if (machine == "x86_64") return {"linux", "amd64", ""};
    if (machine == "aarch64") return {"linux", "arm64", ""};
    if (machine.starts_with("armv")) return {"linux", "arm", "v" + machine.substr(4, 1)};
    return {"linux", machine, ""};
}

Outcome<std::variant<Manifest, ImageIndex>, std::string> parse_manifest(std::string_view bytes)
{
    using Parsed = std::variant<Manifest, ImageIndex>;
    if (bytes.size() > manifest_bytes_max) return std::string("the manifest is larger than 4 MiB");
    const auto parsed = Json::parse(bytes);
    if (!parsed.ok()) return "the manifest is not JSON: " + parsed.error();
    const Json& json = *parsed;
    if (json.get_int64("schemaVersion") == 1) return std::string("the manifest has the old schema 1; push the image again with a current tool");
    if (json["manifests"].is_array()) {
        ImageIndex index;
        for (const Json& element : json["manifests"].as_array()) {
            const auto descriptor = parse_descriptor(element, "manifest in the index");
            if (!descriptor.ok()) return descriptor.error();
            ImageIndex::Entry entry{*descriptor, std::nullopt};
            const Json& platform = element["platform"];
            if (platform.is_object())
                entry.platform = Platform{platform.get_string("os"), platform.get_string("architecture"), platform.get_string("variant")};
            index.entries.push_back(std::move(entry));
        }
        return Parsed(std::move(index));
    }
    if (!json["config"].is_object() || !json["layers"].is_array()) return std::string("the manifest is not one of a container image");
    Manifest manifest;
    const auto config = parse_descriptor(json["config"], "configuration");
    if (!config.ok()) return config.error();
    manifest.config = *config;
    if (json["layers"].as_array().size() > layers_max) return fmt::format("the image has more than {} layers", layers_max);
    for (const Json& element : json["layers"].as_array()) {
        const auto layer = parse_descriptor(element, "layer");
        if (!layer.ok()) return layer.error();
        manifest.layers.push_back(*layer);
    }
    return Parsed(std::move(manifest));
}

Outcome<Descriptor, std::string> choose(const ImageIndex& index, const Platform& platform)
{
    const ImageIndex::Entry* best = nullptr;
    int best_score = 0;
    std::string offered;
    for (const ImageIndex::Entry& entry : index.entries) {
        if (!entry.platform) continue;
        const int score = suitability(*entry.platform, platform);
        if (score > best_score) {
            best = &entry;
            best_score = score;
        }
        if (entry.platform->os != "unknown") offered += (offered.empty() ? "" : ", ") + describe(*entry.platform);
    }
    if (best != nullptr) return best->manifest;
    if (index.entries.size() == 1 && !index.entries.front().platform) return index.entries.front().manifest;
    return fmt::format("no image for {}; there is {}", describe(platform), offered.empty() ? "none that names a platform" : offered);
}

Outcome<ImageConfig, std::string> parse_config(std::string_view bytes)
{
    if (bytes.size() > config_bytes_max) return std::string("the image configuration is too large");
    const auto parsed = Json::parse(bytes);
    if (!parsed.ok()) return "the image configuration is not JSON: " + parsed.error();
    const Json& json = *parsed;
    ImageConfig config;
    config.os = json.get_string("os");
    config.architecture = json.get_string("architecture");
    if (!json["rootfs"]["diff_ids"].is_array()) return std::string("the configuration is not one of a container image");
    config.diff_ids = strings(json["rootfs"]["diff_ids"]);
    for (const std::string& id : config.diff_ids) {
        if (!is_digest(id)) return fmt::format("the configuration names the layer '{}', which is not supported", id);
    }
    const Json& run = json["config"];
    config.environment = strings(run["Env"]);
    config.entrypoint = strings(run["Entrypoint"]);
    config.command = strings(run["Cmd"]);
    config.user = run.get_string("User");
    config.working_directory = run.get_string("WorkingDir");
    config.stop_signal = run.get_string("StopSignal");
    config.volumes = keys(run["Volumes"]);
    config.exposed_ports = keys(run["ExposedPorts"]);
    for (const shape::JsonMember& label : run["Labels"].as_object()) config.labels[label.key] = label.value.as_string();
    if (const Json& check = run["Healthcheck"]; check.is_object()) {
        config.health_check = HealthCheck{strings(check["Test"]), milliseconds(check["Interval"]), milliseconds(check["Timeout"]),
                                          milliseconds(check["StartPeriod"]), static_cast<int>(check.get_int64("Retries"))};
    }
    return config;
}

}  // namespace boxship::images
