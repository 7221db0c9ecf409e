// What leaves the store: rubbish of crashes at its start, and what nobody has used for long.
//
// Under the store's exclusive lock records go and directories move to trash/; removing the trees, which takes long,
// comes after it. So a holder either pins in time or finds no record.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/log.h"
#include "env/real/files.h"
#include "images/records.h"
#include "images/reference.h"
#include "images/store.h"

namespace boxship::images {
namespace {

Time modified(const std::string& path)
{
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return {};
    return {info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace

HostResult<> LayerStore::discard(const std::string& layer_name)
{
    const std::string from = at("l", layer_name);
    const std::string to = at("trash", fmt::format("{}.{}.{}", layer_name, clock_.now().ms, ::gettid()));
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return host_error("move " + from, errno);
    return {};
}

HostResult<> LayerStore::empty_trash()
{
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_ + "/trash"));
    for (const std::string& name : names) RETURN_IF_ERROR(env::remove_tree(at("trash", name)));
    return {};
}

// Removes what a crash left. Returns the layers of this boot that were not synced yet.
HostResult<std::vector<std::string>> LayerStore::sweep()
{
    ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_EX));
    for (const char* folder : {"layers", "documents", "images", "names"}) {
        ASSIGN_OR_RETURN(const auto records, env::list_directory(directory_ + "/" + folder));
        for (const std::string& name : records) {
            if (name.ends_with(".new")) RETURN_IF_ERROR(env::remove_file(at(folder, name)));
        }
    }
    std::vector<std::string> unsettled;
    std::set<std::string> known;
    ASSIGN_OR_RETURN(const auto layers, env::list_directory(directory_ + "/layers"));
    for (const std::string& hex : layers) {
        if (!is_digest("sha256:" + hex)) continue;
        const auto record = load_layer(at("layers", hex));
        if (!record || (!record->boot.empty() && record->boot != boot_) || !env::file_exists(at("l", record->name))) {
            RETURN_IF_ERROR(env::remove_file(at("layers", hex)));
            continue;
        }
        known.insert(record->name);
        if (!record->boot.empty()) unsettled.push_back("sha256:" + hex);
    }
    ASSIGN_OR_RETURN(const auto images, env::list_directory(directory_ + "/images"));
    for (const std::string& hex : images) {
        if (const auto record = load_image(at("images", hex)); record && !record->fixup.empty()) known.insert(record->fixup);
    }
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_ + "/l"));
    for (const std::string& name : names) {
        if (known.contains(name)) continue;
        ASSIGN_OR_RETURN(const env::UniqueFd directory, env::open_file(at("l", name), O_RDONLY | O_DIRECTORY));
        if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) continue;  // a draft of a process that lives
        RETURN_IF_ERROR(discard(name));
    }
    return unsettled;
}

std::vector<std::string> LayerStore::pins_of(const std::string& manifest_hex) const
{
    std::vector<std::string> holders;
    const auto pins = env::list_directory(directory_ + "/pins");
    if (!pins.ok()) return holders;
    for (const std::string& pin : *pins) {
        if (pin.starts_with(manifest_hex + ".")) holders.push_back(pin.substr(65));
    }
    return holders;
}

HostResult<std::vector<ImageUsage>> LayerStore::usage() const
{
    std::map<std::string, ImageUsage> images;
    ASSIGN_OR_RETURN(const auto hexes, env::list_directory(directory_ + "/images"));
    for (const std::string& hex : hexes) {
        const auto record = load_image(at("images", hex));
        if (!record || !is_digest("sha256:" + hex)) continue;
        ImageUsage usage{"sha256:" + hex, {}, 0, modified(at("images", hex)), !pins_of(hex).empty()};
        for (const std::string& diff_id : std::set<std::string>(record->diff_ids.begin(), record->diff_ids.end())) {
            if (const auto layer = load_layer(at("layers", digest_hex(diff_id)))) usage.bytes += layer->bytes;
        }
        images.emplace(usage.digest, std::move(usage));
    }
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_ + "/names"));
    for (const std::string& name : names) {
        const auto record = load_name(at("names", name));
        if (!record || is_digest(record->name)) continue;
        if (const auto image = images.find(record->manifest); image != images.end()) image->second.names.push_back(record->name);
    }
    std::vector<ImageUsage> list;
    for (auto& [digest, usage] : images) list.push_back(std::move(usage));
    return list;
}

HostResult<Collected> LayerStore::collect(Milliseconds unused_for)
{
    Collected collected;
    {
        ASSIGN_OR_RETURN(const env::UniqueFd held, lock(LOCK_EX));
        const Time before = clock_.now() - unused_for;
        std::set<std::string> needed_layers;
        std::set<std::string> needed_documents;
        ASSIGN_OR_RETURN(const auto images, env::list_directory(directory_ + "/images"));
        for (const std::string& hex : images) {
            const std::string path = at("images", hex);
            const auto record = load_image(path);
            if (record && (modified(path) > before || !pins_of(hex).empty())) {
                needed_layers.insert(record->diff_ids.begin(), record->diff_ids.end());
                needed_documents.insert({hex, digest_hex(record->config)});
                continue;
            }
            RETURN_IF_ERROR(env::remove_file(path));
            if (record && !record->fixup.empty()) RETURN_IF_ERROR(discard(record->fixup));
            ++collected.images;
        }
        ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_ + "/names"));
        for (const std::string& name : names) {
            const auto record = load_name(at("names", name));
            if (record && needed_documents.contains(digest_hex(record->manifest)))
                needed_documents.insert(digest_hex(record->resolved));
            else if (modified(at("names", name)) <= before)
                RETURN_IF_ERROR(env::remove_file(at("names", name)));
        }
        ASSIGN_OR_RETURN(const auto documents, env::list_directory(directory_ + "/documents"));
        for (const std::string& hex : documents) {
            if (!needed_documents.contains(hex) && modified(at("documents", hex)) <= before)
                RETURN_IF_ERROR(env::remove_file(at("documents", hex)));
        }
        ASSIGN_OR_RETURN(const auto layers, env::list_directory(directory_ + "/layers"));
        for (const std::string& hex : layers) {
            const std::string path = at("layers", hex);
            if (!is_digest("sha256:" + hex) || needed_layers.contains("sha256:" + hex)) continue;
            const auto record = load_layer(path);
            RETURN_IF_ERROR(env::remove_file(path));
            if (!record) continue;
            RETURN_IF_ERROR(discard(record->name));
            ++collected.layers;
            collected.bytes += record->bytes;
        }
    }
    RETURN_IF_ERROR(empty_trash());
    return collected;
}

}  // namespace boxship::images
