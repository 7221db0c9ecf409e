// The unpacked layers and images of a host: <data>/agent/images. Several processes (the agents of simulated hosts) may
// use one store at once; what they need to agree on is on disk and under file locks, and nothing is cached in memory.
//
//     l/<n>              a layer's directory, under a short name: overlayfs takes its lower directories in one page of text
//     layers/<hex>       by diff id: which directory, and that it is whole. Without this record a directory is rubbish
//     documents/<hex>    manifests, indexes, configurations, by digest
//     images/<hex>       by manifest digest: configuration, diff ids, whether all is there. Touched at each use
//     names/<hex>        what a reference, or an index's digest, led to last
//     pins/<hex>.<holder>  who needs an image: it is not collected
//     trash/             on its way out
//
// A layer serves as soon as it is whole in this boot; it survives a power cut once it was synced, which a thread does
// behind the launch's back (a record says in which boot it was written until then).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/real/unique_fd.h"
#include "images/manifest.h"
#include "images/unpack.h"

namespace boxship::images {

struct StoredImage {
    std::string digest;                // the manifest's
    ImageConfig config;
    std::vector<std::string> layers;   // absolute directories, the topmost first; at least one
    std::uint64_t bytes = 0;           // of all layers, unpacked
};

struct NamedImage {
    std::string resolved;   // the digest the registry gave for the name: an index's or a manifest's
    std::string manifest;   // the manifest's for this host's platform
};

struct ImageUsage {
    std::string digest;
    std::vector<std::string> names;
    std::uint64_t bytes = 0;           // of its layers, shared ones included
    Time last_used;
    bool pinned = false;
};

struct Collected {
    int images = 0;
    int layers = 0;
    std::uint64_t bytes = 0;
};

class LayerStore {
public:
    // Sweeps what a crash left half done.
    static HostResult<std::unique_ptr<LayerStore>> open(std::string directory, env::Clock& clock);
    ~LayerStore();
    LayerStore(const LayerStore&) = delete;
    LayerStore& operator=(const LayerStore&) = delete;

    // Images. Every holder pins before it looks at directories, so that a collection cannot take them away; a holder
    // is a name of letters, digits, '-', '_' (a task's id, say). Pins outlive the process: see keep_only_pins.
    std::optional<NamedImage> named(const std::string& name) const;       // a complete reference, or a digest
    HostResult<std::optional<StoredImage>> pin(const std::string& manifest, const std::string& holder);
    HostResult<> unpin(const std::string& holder, const std::string& manifest = {});   // empty: all it holds
    HostResult<> keep_only_pins(const std::string& prefix, std::span<const std::string> holders);  // of holders so prefixed
    std::optional<StoredImage> find(const std::string& manifest) const;   // only if all of it is there

    HostResult<std::vector<ImageUsage>> usage() const;
    // Removes unpinned images not used for so long, and the layers that no image needs any more.
    HostResult<Collected> collect(Milliseconds unused_for);

    // What follows is for the puller, in this order.
    std::optional<std::string> document(const std::string& digest) const;  // checked against its digest
    HostResult<> keep_document(const std::string& digest, std::string_view bytes);
    // Announces and pins an image whose layers may still be missing.
    HostResult<> announce(const std::string& manifest, const std::string& config, const ImageConfig& parsed, const std::string& holder);

    class Draft;  // a directory to unpack into; removed unless kept
    bool has_layer(const std::string& diff_id) const;
    HostResult<env::UniqueFd> lock_layer(const std::string& diff_id);      // waits while another process makes it
    HostResult<Draft> begin_layer();
    HostResult<> keep_layer(Draft draft, const std::string& diff_id, const Unpacked& unpacked);

    HostResult<StoredImage> complete(const std::string& manifest);         // all layers are there
    HostResult<> remember(const std::string& name, const NamedImage& image);

    void wait_until_settled();   // all layers kept so far survive a power cut

    const std::string& directory() const { return directory_; }

private:
    LayerStore(std::string directory, env::Clock& clock, std::string boot);
    std::string at(const char* folder, std::string_view name) const;
    HostResult<env::UniqueFd> lock(int operation) const;                   // of the whole store
    HostResult<> write_record(const std::string& path, std::string_view text) const;
    std::vector<std::string> pins_of(const std::string& manifest_hex) const;
    HostResult<std::vector<std::string>> sweep();
    HostResult<> empty_trash();
    HostResult<> discard(const std::string& layer_name);
    HostResult<std::string> fixup_for(const std::vector<std::string>& diff_ids);
    void settle_layers();
    HostResult<> settle(const std::vector<std::string>& diff_ids);

    std::string directory_;
    env::Clock& clock_;
    std::string boot_;

    std::mutex mutex_;   // of what follows
    std::condition_variable changed_;
    std::vector<std::string> unsettled_;
    bool settling_ = false;
    bool stopping_ = false;
    std::thread settler_;
};

class LayerStore::Draft {
public:
    Draft(Draft&&) noexcept = default;
    Draft& operator=(Draft&&) = delete;
    ~Draft();
    const std::string& path() const { return path_; }

private:
    friend class LayerStore;
    Draft(std::string path, std::string name, env::UniqueFd lock) : path_(std::move(path)), name_(std::move(name)), lock_(std::move(lock)) {}

    std::string path_;
    std::string name_;
    env::UniqueFd lock_;   // held: no sweep takes it for rubbish
    bool kept_ = false;
};

}  // namespace boxship::images
