#include "sim/plane.h"

#include "decide/targets.h"

namespace boxship::sim {

using namespace model;

void Plane::begin()
{
    lane_.post_after(random_.between(Milliseconds(300), Milliseconds(3'000)), [this] {
        if (!store_.view().rows<Target>().empty()) store_.update([this](state::Txn& txn) { look(txn); }, [](HostResult<>) {});
        begin();
    });
}

void Plane::look(state::Txn& txn)
{
    std::vector<Target> changed;
    for (const auto& [key, row] : txn.rows<Target>()) {
        Target target = *row;
        if (target.draining()) {
            if (target.drained || !random_.chance(3)) continue;     // requests are under way
            target.drained = true;
            changed.push_back(std::move(target));
            continue;
        }
        if (!decide::is_attached(txn, key.group)) continue;
        const auto address = decide::address_of(txn, target);
        const bool up = address && answers_(address->address) && !stage_.unlucky("plane: a check fails", 40);
        if (target.state == TargetState::initial && !up && random_.chance(2)) continue;
        const TargetState state = up ? TargetState::healthy : TargetState::unhealthy;
        if (target.state == state) continue;
        target.state = state;
        target.reason = up ? TargetReason::none : TargetReason::timeout;
        target.since = store_.env().clock.now();
        changed.push_back(std::move(target));
    }
    for (auto& target : changed) txn.put(std::move(target));
}

}  // namespace boxship::sim
