// A journal as a release wrote it, and what that release said of it: tests/journals/<version>/journal.db, described.json.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "shape/json_value.h"
#include "state/journal.h"

namespace boxship::tests {

inline constexpr Time fixture_time{1'800'000'100'000};  // when a fixture is looked at: soon after it was written

// Reads a copy of a journal.db, because opening one writes to it.
HostResult<std::shared_ptr<state::MemoryJournalData>> read_journal(const std::string& file);
// The first half as a checkpoint, the rest as groups.
HostResult<> write_journal(const state::MemoryJournalData& journal, const std::string& file);

}  // namespace boxship::tests
