#include "images/records.h"

#include "env/real/files.h"
#include "images/reference.h"
#include "shape/json_value.h"

namespace boxship::images {
namespace {

using shape::Json;

constexpr int version = 1;

Json texts(const std::vector<std::string>& strings)
{
    return Json(Json::Array(strings.begin(), strings.end()));
}

std::vector<std::string> strings(const Json& json)
{
    std::vector<std::string> texts;
    for (const Json& element : json.as_array()) texts.push_back(element.as_string());
    return texts;
}

std::optional<Json> load(const std::string& path)
{
    const auto bytes = env::read_file(path, 64 << 20);
    if (!bytes.ok()) return std::nullopt;
    auto json = Json::parse(*bytes);
    if (!json.ok() || json->get_int64("version") < 1 || json->get_int64("version") > version) return std::nullopt;
    return std::move(json).value();
}

}  // namespace

std::string to_text(const LayerRecord& record)
{
    return Json::object({{"version", version},
                         {"name", record.name},
                         {"bytes", record.bytes},
                         {"entries", record.entries},
                         {"boot", record.boot},
                         {"implied", texts(record.implied)}})
        .dump();
}

std::string to_text(const ImageRecord& record)
{
    return Json::object({{"version", version},
                         {"config", record.config},
                         {"layers", texts(record.diff_ids)},
                         {"complete", record.complete},
                         {"fixup", record.fixup}})
        .dump();
}

std::string to_text(const NameRecord& record)
{
    return Json::object({{"version", version}, {"name", record.name}, {"resolved", record.resolved}, {"manifest", record.manifest}}).dump();
}

std::optional<LayerRecord> load_layer(const std::string& path)
{
    const auto json = load(path);
    if (!json) return std::nullopt;
    LayerRecord record{json->get_string("name"), static_cast<std::uint64_t>(json->get_int64("bytes")),
                       static_cast<std::uint64_t>(json->get_int64("entries")), json->get_string("boot"), strings((*json)["implied"])};
    if (record.name.empty() || record.name.find('/') != std::string::npos) return std::nullopt;
    return record;
}

std::optional<ImageRecord> load_image(const std::string& path)
{
    const auto json = load(path);
    if (!json) return std::nullopt;
    ImageRecord record{json->get_string("config"), strings((*json)["layers"]), json->get_bool("complete"), json->get_string("fixup")};
    if (!is_digest(record.config)) return std::nullopt;
    for (const std::string& id : record.diff_ids) {
        if (!is_digest(id)) return std::nullopt;
    }
    return record;
}

std::optional<NameRecord> load_name(const std::string& path)
{
    const auto json = load(path);
    if (!json) return std::nullopt;
    NameRecord record{json->get_string("name"), json->get_string("resolved"), json->get_string("manifest")};
    if (!is_digest(record.resolved) || !is_digest(record.manifest)) return std::nullopt;
    return record;
}

}  // namespace boxship::images
