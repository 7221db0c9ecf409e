// Images of the store: what they are made of, who needs them.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "env/real/files.h"
#include "images/fixup.h"
#include "images/records.h"
#include "images/reference.h"
#include "images/store.h"
#include "wire/crypto.h"

namespace boxship::images {
namespace {

bool is_holder(std::string_view text)
{
    return !text.empty() && text.size() <= 150 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

// Now is when the image was last used.
void touch(const std::string& path)
{
    static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0));  // gone meanwhile: nothing to note
}

}  // namespace

std::optional<NamedImage> LayerStore::named(const std::string& name) const
{
    const auto record = load_name(at("names", crypto::sha256_hex(name)));
    if (!record || record->name != name) return std::nullopt;
    return NamedImage{record->resolved, record->manifest};
}

HostResult<> LayerStore::remember(const std::string& name, const NamedImage& image)
{
    return write_record(at("names", crypto::sha256_hex(name)), to_text(NameRecord{name, image.resolved, image.manifest}));
}

std::optional<StoredImage> LayerStore::find(const std::string& manifest) const
{
    if (!is_digest(manifest)) return std::nullopt;
    const auto record = load_image(at("images", digest_hex(manifest)));
    if (!record || !record->complete) return std::nullopt;
    const auto document_bytes = document(record->config);
    if (!document_bytes) return std::nullopt;
    auto config = parse_config(*document_bytes);
    if (!config.ok() || config->diff_ids != record->diff_ids) return std::nullopt;
    StoredImage image{manifest, std::move(config).value(), {}, 0};
    for (const std::string& diff_id : record->diff_ids) {
        const auto layer = load_layer(at("layers", digest_hex(diff_id)));
        if (!layer || (!layer->boot.empty() && layer->boot != boot_)) return std::nullopt;
        // An image may name a layer twice (two equal steps of its build); overlayfs refuses that, and the upper decides.
        const std::string path = at("l", layer->name);
        if (const auto same = std::find(image.layers.begin(), image.layers.end(), path); same != image.layers.end())
            image.layers.erase(same);
        else
            image.bytes += layer->bytes;
        image.layers.push_back(path);
    }
    std::reverse(image.layers.begin(), image.layers.end());
    if (!record->fixup.empty()) {
        const std::string path = at("l", record->fixup);
        if (!env::file_exists(path)) return std::nullopt;
        image.layers.insert(image.layers.begin(), path);
    }
    if (image.layers.empty()) image.layers.push_back(directory_ + "/empty");
    return image;
}

HostResult<std::optional<StoredImage>> LayerStore::pin(const std::string& manifest, const std::string& holder)
{
    CHECK(is_holder(holder));
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));
    std::optional<StoredImage> image = find(manifest);
    if (!image) return image;
    RETURN_IF_ERROR(env::write_file(at("pins", digest_hex(manifest) + "." + holder), "", 0600));
    touch(at("images", digest_hex(manifest)));
    return image;
}

HostResult<> LayerStore::unpin(const std::string& holder, const std::string& manifest)
{
    CHECK(is_holder(holder));
    ASSIGN_OR_RETURN(const auto pins, env::list_directory(directory_ + "/pins"));
    for (const std::string& pin : pins) {
        if (std::string_view(pin).substr(std::min<std::size_t>(65, pin.size())) != holder) continue;
        if (!manifest.empty() && !pin.starts_with(digest_hex(manifest))) continue;
        touch(at("images", pin.substr(0, 64)));
        RETURN_IF_ERROR(env::remove_file(at("pins", pin)));
    }
    return {};
}

HostResult<> LayerStore::keep_only_pins(const std::string& prefix, std::span<const std::string> holders)
{
    ASSIGN_OR_RETURN(const auto pins, env::list_directory(directory_ + "/pins"));
    for (const std::string& pin : pins) {
        const std::string holder = pin.substr(std::min<std::size_t>(65, pin.size()));
        if (!holder.starts_with(prefix) || std::find(holders.begin(), holders.end(), holder) != holders.end()) continue;
        touch(at("images", pin.substr(0, 64)));
        RETURN_IF_ERROR(env::remove_file(at("pins", pin)));
    }
    return {};
}

HostResult<> LayerStore::announce(const std::string& manifest, const std::string& config, const ImageConfig& parsed, const std::string& holder)
{
    CHECK(is_holder(holder));
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));
    const std::string path = at("images", digest_hex(manifest));
    if (!load_image(path)) RETURN_IF_ERROR(write_record(path, to_text(ImageRecord{config, parsed.diff_ids, false, {}})));
    return env::write_file(at("pins", digest_hex(manifest) + "." + holder), "", 0600);
}

HostResult<StoredImage> LayerStore::complete(const std::string& manifest)
{
    if (auto image = find(manifest)) return std::move(*image);  // another task was as quick
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_SH));  // no sweep before the record names the new directory
    const std::string path = at("images", digest_hex(manifest));
    auto record = load_image(path);
    if (!record) return host_error("read " + path, ENOENT);
    ASSIGN_OR_RETURN(record->fixup, fixup_for(record->diff_ids));
    record->complete = true;
    RETURN_IF_ERROR(write_record(path, to_text(*record)));
    auto image = find(manifest);
    if (!image) return HostError{"image " + manifest + " lost a layer while it was put together", EAGAIN};
    return std::move(*image);
}

HostResult<std::string> LayerStore::fixup_for(const std::vector<std::string>& diff_ids)
{
    std::vector<LayerView> views;
    bool any_implied = false;
    for (auto id = diff_ids.rbegin(); id != diff_ids.rend(); ++id) {
        auto layer = load_layer(at("layers", digest_hex(*id)));
        if (!layer) return HostError{"layer " + *id + " is not there", ENOENT};
        any_implied = any_implied || !layer->implied.empty();
        views.push_back({at("l", layer->name), std::move(layer->implied)});
    }
    if (!any_implied || views.size() < 2) return std::string();
    ASSIGN_OR_RETURN(Draft draft, begin_layer());
    ASSIGN_OR_RETURN(const bool needed, make_fixup(views, draft.path()));
    if (!needed) return std::string();
    draft.kept_ = true;
    return draft.name_;
}

}  // namespace boxship::images
