// Where records of tasks survive the process. One commit carries the changes of many tasks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace boxship::agent {

struct LedgerTask {
    std::string arn;
    std::optional<std::string> payload;   // the task as sent, without secrets; nothing: unchanged
    std::string state;                    // record.h: save()
};

struct LedgerBatch {
    std::vector<LedgerTask> puts;
    std::vector<std::string> erases;                            // ARNs
    std::vector<std::pair<std::string, std::string>> facts;     // of the agent itself: "instance", "timeline"

    bool empty() const { return puts.empty() && erases.empty() && facts.empty(); }
};

struct LedgerContents {
    std::vector<LedgerTask> tasks;        // with payload
    std::vector<std::pair<std::string, std::string>> facts;

    std::string fact(std::string_view name) const;   // "" when absent
};

class Ledger {
public:
    virtual ~Ledger() = default;
    virtual HostResult<LedgerContents> load() = 0;
    // All or nothing. Survives the end of the process; with `durable` a power cut too, at the price of one fdatasync.
    virtual HostResult<> commit(const LedgerBatch& batch, bool durable) = 0;
};

// One file. A newer agent's file is refused. Safe from any thread.
HostResult<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path);

// For tests and the simulator. What was committed outlives the engine that committed it.
class MemoryLedger : public Ledger {
public:
    HostResult<LedgerContents> load() override { return contents_; }
    HostResult<> commit(const LedgerBatch& batch, bool durable) override;

    int durable_commits = 0;
    bool failing = false;

private:
    LedgerContents contents_;
};

}  // namespace boxship::agent
