// Bytes from a connection into an upload: the socket's thread fills one buffer while a worker hashes and writes another.
// Memory is bounded by the buffers whatever the size; the disk is kept busy behind, so that the last sync is short.
#include "registry/registry.h"

#include "base/log.h"
#include "env/real/crash_point.h"

namespace boxship::registry {
namespace {

// Measured with 1 GiB on two cores: 256 KiB is received, written and hashed while it is still in a core's cache; buffers
// of 1 MiB halve the throughput.
constexpr std::size_t buffer_bytes = 256 << 10;
constexpr std::size_t buffers_max = 8;

// Shared by the receiving coroutine and its jobs, and alive until the last of them is done. Everything is touched on the
// connection's thread only, except `broken`, which belongs to the session's queue.
struct Pipe {
    http::Executor executor;
    std::vector<std::unique_ptr<char[]>> buffers;
    std::vector<std::size_t> free;        // indexes of buffers
    std::size_t working = 0;              // jobs under way
    HostResult<> disk;
    std::function<void()> waiting;
    bool broken = false;                  // an append failed: what was queued behind it must not land
    bool syncing = false;

    void finished(HostResult<> outcome)
    {
        --working;
        if (disk.ok() && !outcome.ok()) disk = std::move(outcome);
        if (waiting) std::exchange(waiting, nullptr)();
    }
};

http::Async<> wait_for_job(std::shared_ptr<Pipe> pipe)
{
    std::function<void(std::function<void()>)> start = [pipe](std::function<void()> resume) { pipe->waiting = std::move(resume); };
    co_await http::suspend(std::move(start));
}

}  // namespace

http::Async<Registry::Received> Registry::receive(http::BodyReader& body, SessionPointer session)
{
    const auto pipe = std::make_shared<Pipe>();
    pipe->executor = co_await http::this_executor();
    std::uint64_t posted = 0, sync_posted = 0;
    HostResult<> client;
    bool ended = false;
    while (!ended && pipe->disk.ok()) {
        while (pipe->free.empty() && pipe->buffers.size() == buffers_max && pipe->disk.ok()) co_await wait_for_job(pipe);
        if (!pipe->disk.ok()) break;
        if (pipe->free.empty()) {
            pipe->free.push_back(pipe->buffers.size());
            pipe->buffers.push_back(std::make_unique_for_overwrite<char[]>(buffer_bytes));
        }
        const std::size_t index = pipe->free.back();
        pipe->free.pop_back();
        char* const buffer = pipe->buffers[index].get();
        std::size_t filled = 0;
        while (filled < buffer_bytes) {
            const std::span<char> room(buffer + filled, buffer_bytes - filled);
            const HostResult<std::size_t> got = co_await body.read_some(room);
            if (!got.ok()) client = got.error();
            ended = !got.ok() || *got == 0;
            if (ended) break;
            filled += *got;
        }
        if (filled == 0) break;
        posted += filled;
        ++pipe->working;
        session->queue->post([pipe, session, index, buffer, filled] {
            HostResult<> outcome;
            if (!pipe->broken) outcome = session->incoming->append({buffer, filled});
            env::crash_point("registry.chunk_written");
            pipe->broken = pipe->broken || !outcome.ok();
            http::post(pipe->executor, [pipe, index, outcome = std::move(outcome)]() mutable {
                pipe->free.push_back(index);
                pipe->finished(std::move(outcome));
            });
        });
        if (posted - sync_posted < options_.sync_step || pipe->syncing) continue;
        // Bytes on the disk now need no second transfer when the connection breaks. Beside the queue, not in it: the next
        // buffers are written meanwhile.
        sync_posted = posted;
        pipe->syncing = true;
        ++pipe->working;
        session->queue->post([this, pipe, session] {
            const std::uint64_t offset = session->incoming->offset();
            workers_.post([this, pipe, session, offset] {
                HostResult<> outcome = session->incoming->sync();
                if (outcome.ok()) {
                    const auto note = [id = session->id, begun = session->begun, offset, now = now()](state::Txn& txn) {
                        ecr::note_offset(txn, id, begun, static_cast<std::int64_t>(offset), now);
                    };
                    store_.update(note, [](HostResult<>) {});  // a failure shows at the end, when the whole is noted
                }
                http::post(pipe->executor, [pipe, outcome = std::move(outcome)]() mutable {
                    pipe->syncing = false;
                    pipe->finished(std::move(outcome));
                });
            });
        });
    }
    while (pipe->working > 0) co_await wait_for_job(pipe);
    co_return Received{pipe->disk, client};
}

}  // namespace boxship::registry
