// The layers of one pull: which are missing, and how each comes from the registry to its directory.
//
//     registry ─(thread: receive)─ pipe ─ hash ─ decompress ─(thread)─ pipe ─ hash ─ untar ─ directory
//     blob file on this host ───────────── hash ─ decompress ─(thread)─ pipe ─ hash ─ untar ─ directory
#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>

#include "base/log.h"
#include "env/real/files.h"
#include "images/decompress.h"
#include "images/pipe.h"
#include "images/pull_job.h"

namespace boxship::images {
namespace {

// Receives a blob on a thread of its own into a pipe.
class Download {
public:
    Download(RegistryClient& registry, const Descriptor& blob)
        : pipe_(std::make_shared<Pipe>()), thread_([this, &registry, blob] {
              how_ = registry.stream(blob, [this](std::string_view bytes) { return pipe_->push(bytes); });
              pipe_->finish(how_.ok() ? HostResult<>() : HostResult<>(HostError{how_.error().message, EIO}));
          })
    {
    }
    ~Download() { finish(); }

    std::unique_ptr<ByteSource> source() { return std::make_unique<PipeSource>(pipe_); }
    // Ends it if it has not ended by itself.
    const PullResult<>& finish()
    {
        pipe_->close();
        if (thread_.joinable()) thread_.join();
        return how_;
    }

private:
    std::shared_ptr<Pipe> pipe_;
    PullResult<> how_;
    std::thread thread_;
};

HostResult<> drain(ByteSource& source)
{
    for (;;) {
        ASSIGN_OR_RETURN(const std::string_view piece, source.next());
        if (piece.empty()) return {};
    }
}

}  // namespace

PullResult<> Puller::Job::fetch_layers(const Found& found, const ImageConfig& config)
{
    if (store_.find(found.digest)) return {};
    return shared_.images.fly(found.digest, request_.stop, [&]() -> PullResult<> {
        std::vector<MissingLayer> missing;
        std::set<std::string> seen;
        for (std::size_t i = 0; i < config.diff_ids.size(); ++i) {
            const std::string& diff_id = config.diff_ids[i];
            if (!seen.insert(diff_id).second || store_.has_layer(diff_id)) continue;
            missing.push_back({found.manifest.layers[i], diff_id});
            progress_.bytes += found.manifest.layers[i].size;
        }
        progress_.layers = static_cast<int>(missing.size());

        std::atomic<std::size_t> next = 0;
        std::mutex mutex;
        std::optional<PullError> failure;  // the first
        const auto work = [&] {
            for (;;) {
                const std::size_t index = next++;
                if (index >= missing.size()) return;
                {
                    const std::lock_guard guard(mutex);
                    if (failure) return;
                }
                const auto fetched = fetch_layer(missing[index]);
                if (fetched.ok()) continue;
                const std::lock_guard guard(mutex);
                if (!failure) failure = fetched.error();
            }
        };
        {
            std::vector<std::jthread> threads;
            const std::size_t others = std::min<std::size_t>(missing.size(), static_cast<std::size_t>(shared_.options.layers_at_once));
            for (std::size_t i = 1; i < others; ++i) threads.emplace_back(work);
            work();
        }
        if (failure) return *failure;
        const auto completed = store_.complete(found.digest);
        if (!completed.ok()) return host_failure(completed.error(), "put together");
        return {};
    });
}

PullResult<> Puller::Job::fetch_layer(const MissingLayer& layer)
{
    RETURN_IF_ERROR(shared_.layers.fly(layer.diff_id, request_.stop, [&]() -> PullResult<> {
        const Slots::Slot slot = shared_.slots.take(request_.stop);
        if (!slot) return registry_.error(PullFailure::cancelled, "cancelled");
        const auto held = store_.lock_layer(layer.diff_id);
        if (!held.ok()) return host_failure(held.error(), {});
        if (store_.has_layer(layer.diff_id)) return {};  // another process had it in work
        return unpack_layer(layer);
    }));
    layer_done();
    return {};
}

PullResult<> Puller::Job::unpack_layer(const MissingLayer& layer)
{
    const std::string what = "layer " + layer.blob.digest;
    auto draft = store_.begin_layer();
    if (!draft.ok()) return host_failure(draft.error(), what);

    std::optional<Download> download;
    std::unique_ptr<ByteSource> packed;
    const std::string local = local_blob(layer.blob.digest);
    if (!local.empty()) {
        auto file = env::open_file(local, O_RDONLY);
        if (!file.ok()) return host_failure(file.error(), what);
        packed = std::make_unique<FileSource>(std::move(*file), local);
    } else {
        packed = download.emplace(registry_, layer.blob).source();
    }
    auto hashed = std::make_unique<HashingSource>(std::move(packed), [this](std::size_t bytes) { passed(bytes); });
    HashingSource& arriving = *hashed;
    Decompressor decompressor(std::move(hashed));

    HostResult<Unpacked> unpacked = HostError{};
    std::string diff_id;
    {
        ReadAhead ahead(decompressor);
        // What is not compressed has one digest, not two.
        const bool one_digest = layer.blob.digest == layer.diff_id;
        struct Borrowed : ByteSource {
            explicit Borrowed(ByteSource& inner) : inner(inner) {}
            HostResult<std::string_view> next() override { return inner.next(); }
            ByteSource& inner;
        };
        HashingSource plain(std::make_unique<Borrowed>(ahead));
        ByteSource& source = one_digest ? static_cast<ByteSource&>(ahead) : plain;
        unpacked = unpack(source, draft->path(), shared_.options.limits);
        if (unpacked.ok() && !one_digest) diff_id = plain.digest();
    }
    // A damaged blob shows first as damaged compression or tar; whether it is the blob or its maker's fault, the digest tells.
    if (!unpacked.ok() && unpacked.error().code == EBADMSG) static_cast<void>(drain(arriving));
    if (download) {
        const PullResult<>& arrived = download->finish();
        const bool ours = !unpacked.ok() && unpacked.error().code != EIO && unpacked.error().code != EBADMSG;
        if (!arrived.ok() && !ours) return arrived.error();
    }
    if (!unpacked.ok() && unpacked.error().code != EBADMSG) return host_failure(unpacked.error(), what);
    const std::string digest = arriving.digest();
    if (digest != layer.blob.digest || arriving.bytes() != layer.blob.size) {
        return registry_.error(PullFailure::digest_mismatch,
                               fmt::format("{} arrived as {} ({} of {} bytes): its content is damaged there. Push the image again.", what, digest,
                                           arriving.bytes(), layer.blob.size));
    }
    if (!unpacked.ok()) return host_failure(unpacked.error(), what);
    if (diff_id.empty()) diff_id = digest;
    if (diff_id != layer.diff_id) {
        return registry_.error(PullFailure::digest_mismatch,
                               fmt::format("{} unpacks to {} where the image's configuration says {}", what, diff_id, layer.diff_id));
    }
    const auto kept = store_.keep_layer(std::move(*draft), layer.diff_id, *unpacked);
    if (!kept.ok()) return host_failure(kept.error(), what);
    return {};
}

}  // namespace boxship::images
