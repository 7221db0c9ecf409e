#include "ecr/manifest.h"

#include "base/strings.h"
#include "blobs/digest.h"

namespace boxship::ecr {
namespace {

using shape::Json;
using Parsed = Outcome<Descriptor, std::string>;

bool is_image(std::string_view media_type) { return media_type == media::oci_manifest || media_type == media::docker_manifest; }

bool is_schema1(std::string_view media_type)
{
    return media_type == "application/vnd.docker.distribution.manifest.v1+json" ||
           media_type == "application/vnd.docker.distribution.manifest.v1+prettyjws";
}

Parsed parse_descriptor(const Json& json, const std::string& what)
{
    if (!json.is_object()) return what + " is not a descriptor";
    Descriptor descriptor{json.get_string("mediaType"), json.get_string("digest"), json.get_int64("size", -1)};
    if (!blobs::Digest::parse(descriptor.digest)) return what + " has no valid digest";
    if (descriptor.size < 0) return what + " has no valid size";
    descriptor.elsewhere = !json["urls"].as_array().empty() ||
                           descriptor.media_type.find(".nondistributable.") != std::string::npos ||
                           descriptor.media_type.find(".rootfs.foreign.") != std::string::npos;
    return descriptor;
}

Outcome<std::vector<Descriptor>, std::string> parse_list(const Json& json, const std::string& what)
{
    std::vector<Descriptor> list;
    if (json.is_null()) return list;
    if (!json.is_array()) return what + " is not a list";
    for (std::size_t i = 0; i < json.as_array().size(); ++i) {
        Parsed descriptor = parse_descriptor(json.as_array()[i], what + "[" + std::to_string(i) + "]");
        if (!descriptor.ok()) return std::move(descriptor).error();
        list.push_back(std::move(descriptor).value());
    }
    return list;
}

}  // namespace

bool is_index(std::string_view media_type) { return media_type == media::oci_index || media_type == media::docker_list; }

Outcome<Manifest, std::string> parse_manifest(std::string_view bytes, std::string_view content_type)
{
    const auto parsed = Json::parse(bytes);
    if (!parsed.ok()) return "the manifest is not JSON: " + parsed.error();
    const Json& json = *parsed;

    Manifest manifest;
    manifest.media_type = std::string(trim(content_type.substr(0, content_type.find(';'))));
    const std::string stated = json.get_string("mediaType");
    if (manifest.media_type.empty() || manifest.media_type == "application/json") {
        if (!stated.empty()) manifest.media_type = stated;
        else if (json.has("manifests")) manifest.media_type = media::oci_index;
        else if (json.has("layers")) manifest.media_type = media::oci_manifest;
        else if (manifest.media_type.empty()) return std::string("the manifest has neither a Content-Type nor a mediaType");
    }
    if (is_schema1(manifest.media_type) || (json.get_int64("schemaVersion") == 1 && json.has("fsLayers")))
        return std::string("schema 1 manifests are not supported");
    if (!stated.empty() && stated != manifest.media_type)
        return "the mediaType " + stated + " differs from the Content-Type " + manifest.media_type;

    const bool image = is_image(manifest.media_type), index = is_index(manifest.media_type);
    if (!image && !index) return manifest;  // some other JSON: stored as it is
    if (!json.is_object()) return std::string("the manifest is not a JSON object");
    if (json.get_int64("schemaVersion") != 2) return std::string("schemaVersion is not 2");
    if (image) {
        if (json.has("manifests")) return std::string("an image manifest has no manifests");
        Parsed config = parse_descriptor(json["config"], "config");
        if (!config.ok()) return std::move(config).error();
        manifest.config = std::move(config).value();
        auto layers = parse_list(json["layers"], "layers");
        if (!layers.ok()) return std::move(layers).error();
        manifest.layers = std::move(layers).value();
    } else {
        if (json.has("layers")) return std::string("an index has no layers");
        auto children = parse_list(json["manifests"], "manifests");
        if (!children.ok()) return std::move(children).error();
        manifest.children = std::move(children).value();
    }
    if (const Json& subject = json["subject"]; !subject.is_null()) {
        Parsed descriptor = parse_descriptor(subject, "subject");
        if (!descriptor.ok()) return std::move(descriptor).error();
        manifest.subject = descriptor->digest;
    }
    manifest.artifact_type = json.get_string("artifactType");
    if (manifest.artifact_type.empty() && manifest.config) manifest.artifact_type = manifest.config->media_type;
    if (json["annotations"].is_object()) manifest.annotations = json["annotations"];
    return manifest;
}

}  // namespace boxship::ecr
