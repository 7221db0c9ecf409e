#include "agent/ledger.h"

#include <algorithm>
#include <cerrno>

namespace boxship::agent {

std::string LedgerContents::fact(std::string_view name) const
{
    for (const auto& [key, value] : facts) {
        if (key == name) return value;
    }
    return {};
}

HostResult<> MemoryLedger::commit(const LedgerBatch& batch, bool durable)
{
    if (failing) return HostError{"commit: the ledger fails", EIO};
    if (durable) ++durable_commits;
    auto& tasks = contents_.tasks;
    for (const LedgerTask& put : batch.puts) {
        const auto at = std::find_if(tasks.begin(), tasks.end(), [&](const LedgerTask& task) { return task.arn == put.arn; });
        if (at == tasks.end()) {
            tasks.push_back(put);
        } else {
            at->state = put.state;
            if (put.payload) at->payload = put.payload;
        }
    }
    for (const std::string& arn : batch.erases) std::erase_if(tasks, [&](const LedgerTask& task) { return task.arn == arn; });
    for (const auto& fact : batch.facts) {
        std::erase_if(contents_.facts, [&](const auto& old) { return old.first == fact.first; });
        contents_.facts.push_back(fact);
    }
    return {};
}

}  // namespace boxship::agent
