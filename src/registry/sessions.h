// The uploads that are being worked on: their open files and running hashes. Only memory; what must survive is in the
// state and in incoming/. A session is used by whoever holds its lock (Registry::upload_locks_).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "blobs/incoming.h"
#include "blobs/workers.h"
#include "ecr/uploads.h"

namespace boxship::registry {

struct Session {
    Session(const UploadId& upload, blobs::Workers& workers) : id(upload), queue(std::make_shared<blobs::JobQueue>(workers)) {}

    const UploadId id;
    ecr::UploadRow begun;                          // what the id tells: Tokens::read_upload
    const std::shared_ptr<blobs::JobQueue> queue;  // every touch of `incoming` that blocks
    std::shared_ptr<blobs::Incoming> incoming;     // null until the first byte of this process's time
    std::atomic<std::int64_t> used_at{0};          // ms
    bool small_part = false;                       // of the control API: the last part was below the least size …
    bool small_part_inside = false;                // … and another came behind it
};

class Sessions {
public:
    explicit Sessions(blobs::Workers& workers) : workers_(workers) {}

    std::shared_ptr<Session> get(const UploadId& id, Time now);  // made when absent
    bool has(const UploadId& id) const;
    void drop(const UploadId& id);
    std::vector<UploadId> silent_since(Time limit) const;
    std::size_t size() const;

private:
    blobs::Workers& workers_;
    mutable std::mutex mutex_;
    std::map<UploadId, std::shared_ptr<Session>> sessions_;
};

}  // namespace boxship::registry
