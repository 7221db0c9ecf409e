#include "ecr/collect.h"

namespace boxship::ecr {

bool release_links(Txn& txn, Time now, std::size_t count)
{
    std::vector<model::InRepository> expired;
    bool more = false;
    for (const auto& [until, id] : txn.entries<state::LinksByPromise>()) {
        if (until > now) break;
        if (expired.size() == count) {
            more = true;
            break;
        }
        expired.push_back(id);
    }
    for (const auto& id : expired) {
        if (!txn.any<state::ImagesByBlob>(id)) {
            unlink_blob(txn, id, now);
            continue;
        }
        model::BlobLink held = *txn.get<model::BlobLink>(id);
        held.kept_until = {};
        txn.put(std::move(held));
    }
    return more;
}

std::vector<Removal> due_removals(const View& view, Time now, std::size_t count)
{
    std::vector<Removal> removals;
    for (const auto& [time, digest] : view.entries<state::BlobsByCondemnation>()) {
        if (removals.size() == count || time + condemned_rest > now) break;
        removals.push_back({digest, view.get<model::Blob>(digest)->generation});
    }
    return removals;
}

bool remove_blob(Txn& txn, const Removal& removal, Time now)
{
    const auto blob = txn.get<model::Blob>(removal.digest);
    if (!blob || blob->state != model::BlobState::condemned || blob->generation != removal.generation) return false;
    if (blob->condemned_at + condemned_rest > now) return false;
    txn.erase<model::Blob>(removal.digest);
    return true;
}

}  // namespace boxship::ecr
