// The store's records as text. What does not parse, after a power cut say, counts as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace boxship::images {

struct LayerRecord {
    std::string name;                  // of its directory in l/
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
    std::string boot;                  // written in this boot and not yet synced; empty: synced
    std::vector<std::string> implied;
};

struct ImageRecord {
    std::string config;                // digest
    std::vector<std::string> diff_ids; // the lowest first
    bool complete = false;
    std::string fixup;                 // directory in l/ that goes on top, or empty
};

struct NameRecord {
    std::string name;
    std::string resolved;
    std::string manifest;
};

std::string to_text(const LayerRecord& record);
std::string to_text(const ImageRecord& record);
std::string to_text(const NameRecord& record);

// Absent or damaged: nothing.
std::optional<LayerRecord> load_layer(const std::string& path);
std::optional<ImageRecord> load_image(const std::string& path);
std::optional<NameRecord> load_name(const std::string& path);

}  // namespace boxship::images
