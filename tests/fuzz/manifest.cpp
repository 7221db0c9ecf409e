#include "base/check.h"
#include "ecr/manifest.h"
#include "fuzz/targets.h"
#include "images/manifest.h"

namespace boxship::fuzz {

void manifest(std::string_view input)
{
    if (const auto read = images::parse_manifest(input); read.ok()) {
        if (const auto* index = std::get_if<images::ImageIndex>(&*read)) {
            (void)images::choose(*index, images::host_platform());
        } else {
            const auto& image = std::get<images::Manifest>(*read);
            CHECK(image.layers.size() <= images::layers_max);
        }
    }
    (void)images::parse_config(input);
    for (const std::string_view type : {std::string_view(), ecr::media::oci_manifest, ecr::media::oci_index, ecr::media::docker_manifest, ecr::media::docker_list}) {
        const auto read = ecr::parse_manifest(input, type);
        if (!read.ok()) continue;
        CHECK(!read->media_type.empty());
        for (const auto& layer : read->layers) CHECK(layer.size >= 0 && !layer.digest.empty());
        for (const auto& child : read->children) CHECK(child.size >= 0 && !child.digest.empty());
    }
}

}  // namespace boxship::fuzz
