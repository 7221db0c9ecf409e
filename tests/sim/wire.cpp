#include "sim/wire.h"

namespace boxship::sim {

void Wire::send(Side from, std::string text)
{
    if (closed_[from] || hung_) return;
    if (from == server && ear_) ear_(text);
    if (stage_.unlucky("wire: breaks", 400)) return cut();
    if (stage_.unlucky("wire: hangs", 800)) return hang();
    deliver(from == agent ? server : agent, [from, text = std::move(text)](Wire& wire) {
        const Side to = from == agent ? server : agent;
        if (wire.closed_[to] || !wire.ends_[to].message) return;
        const auto message = wire.ends_[to].message;
        message(text);
    });
}

void Wire::close(Side by)
{
    if (closed_[by]) return;
    closed_[by] = true;
    ends_[by] = {};
    if (hung_) return;
    const Side other = by == agent ? server : agent;
    deliver(other, [other](Wire& wire) {
        if (wire.closed_[other]) return;
        wire.closed_[other] = true;
        const End end = std::move(wire.ends_[other]);
        wire.ends_[other] = {};
        if (end.closed) end.closed();
    });
}

void Wire::cut()
{
    for (const Side side : {agent, server}) {
        if (closed_[side]) continue;
        deliver(side, [side](Wire& wire) {
            if (wire.closed_[side]) return;
            wire.closed_[side] = true;
            const End end = std::move(wire.ends_[side]);
            wire.ends_[side] = {};
            if (end.closed) end.closed();
        });
    }
}

void Wire::deliver(Side to, std::function<void(Wire&)> what)
{
    const Milliseconds delay = stage_.unlucky("wire: slow", 60) ? stage_.random.between(Milliseconds(100), Milliseconds(8000))
                                                               : stage_.random.between(Milliseconds(0), Milliseconds(4));
    busy_until_[to] = std::max(busy_until_[to], stage_.timeline.now() + delay);
    stage_.fate.post_after(busy_until_[to] - stage_.timeline.now(), [self = shared_from_this(), to, what = std::move(what)] {
        if (!self->hung_) what(*self);
    });
}

}  // namespace boxship::sim
