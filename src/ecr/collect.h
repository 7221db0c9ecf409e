// Collection while everything runs: which bytes may go, and when. Each step is a short transaction.
//
//     release_links   links whose promise ran out: gone, unless an image of the repository names the blob
//                     (the last link of a blob condemns it: from that moment it is absent)
//     due_removals    blobs condemned ten minutes ago
//     remove_blob     under the digest's lock (the data path's): still condemned, of the same generation → the record
//                     goes; once that is durable the caller unlinks the file, and only then gives the lock back
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ecr/links.h"

namespace boxship::ecr {

constexpr Milliseconds condemned_rest{std::chrono::minutes(10)};

// Looks at no more than `count` links; true: call again, there are more.
bool release_links(Txn& txn, Time now, std::size_t count);

struct Removal {
    std::string digest;
    std::int64_t generation = 0;
};
std::vector<Removal> due_removals(const View& view, Time now, std::size_t count);
bool remove_blob(Txn& txn, const Removal& removal, Time now);

}  // namespace boxship::ecr
