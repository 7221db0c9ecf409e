// The journal's contract on a disk of the simulator's: slow, failing, of unknown outcome, fenced. Behaves as the SQLite one
// does, step by step, so that what is planned for that one is tried here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/stage.h"
#include "state/journal.h"

namespace boxship::sim {

// What survives every process.
struct Disk {
    std::string checkpoint;
    std::vector<std::string> groups;
    std::size_t groups_before = 0;      // covered by the checkpoint and gone
    std::int64_t fence = 0;
};

struct JournalWays {
    Stage& stage;
    Disk& disk;
    Lane& writer;                                               // of the server's process
    env::Executor& state;
    std::function<void(const std::string& blob)> durable;       // at the moment when a group is on the disk
    std::function<void(const char* why)> die;                   // the process cannot go on
};
std::unique_ptr<state::Journal> make_journal(JournalWays ways);

}  // namespace boxship::sim
