#include "control/targets.h"

#include "decide/targets.h"

namespace boxship::control {
namespace {

constexpr int all_targets = 0;

std::optional<Time> forget_drained(state::Txn& txn, const int&, Time now)
{
    const auto plan = decide::plan_drained_targets(txn, now);
    for (const auto& key : plan.gone) txn.erase<model::Target>(key);
    return plan.wake_at;
}

}  // namespace

Targets::Targets(state::Store& store) : store_(store), loop_(store, forget_drained) {}

void Targets::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes)
            if (const auto* target = change.after_as<model::Target>(); target && target->draining()) {
                loop_.touch(all_targets);
                return;
            }
    });
}

void Targets::start() { loop_.touch(all_targets); }

}  // namespace boxship::control
