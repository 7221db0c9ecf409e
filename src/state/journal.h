// Where committed groups go before anyone hears of them, and where the state comes from at start.
//
// One record per group: (sequence, fence, blob, checksum), plus a checkpoint: all rows, rewritten in slices beside the
// old one and then switched to. Loading is checkpoint plus tail. A group's blob is a run of operations (operations.h).
// Operations carry whole rows, so replaying one twice changes nothing; that is what lets a checkpoint be written while
// the state moves on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/clock.h"
#include "state/operations.h"

namespace boxship::state {

constexpr int journal_format = 1;  // raised when an older program could not read what we write

class Journal {
public:
    virtual ~Journal() = default;

    // Calls `row(table, key, bytes)` for each row of the checkpoint, then `group(blob)` for each later group, in order.
    // A journal that is damaged or newer than this program is refused with a sentence that says what to do; it is never
    // overwritten. Takes the fence: an older owner's appends fail from now on.
    using RowVisitor = std::function<HostResult<>(std::uint8_t, std::string_view, std::string_view)>;
    using GroupVisitor = std::function<HostResult<>(std::string_view)>;
    virtual HostResult<> load(const RowVisitor& row, const GroupVisitor& group) = 0;

    // Makes the group durable, then calls `done` on the state's executor. Groups are durable in the order given. An error
    // means: certainly not written. When that cannot be known, the process ends instead, to start again from what is.
    virtual void append(std::string blob, std::function<void(HostResult<>)> done) = 0;

    // A checkpoint: begin, slices, finish. The groups appended before `begin` was called are covered by it once it is
    // finished; a failure abandons it and leaves the old one in force. Slices are written in order with the groups.
    virtual void begin_checkpoint() = 0;
    virtual void add_slice(std::string operations) = 0;                          // runs of "put" operations, as in a group
    virtual void finish_checkpoint(std::function<void(HostResult<>)> done) = 0;

    // Bytes of groups since the last finished checkpoint (or the start).
    virtual std::uint64_t tail_bytes() const = 0;
};

// In a file, through SQLite (WAL, synchronous=FULL: one fdatasync a group) on a thread of its own.
std::unique_ptr<Journal> make_sqlite_journal(const std::string& path, env::Executor& state_executor);

// In memory, for tests and the simulator: the same contract without the disk.
struct MemoryJournalData {
    std::string checkpoint;                 // operations
    std::vector<std::string> groups;
};
std::unique_ptr<Journal> make_memory_journal(std::shared_ptr<MemoryJournalData> data, env::Executor& state_executor);

}  // namespace boxship::state
