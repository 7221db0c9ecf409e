// Out-of-memory kills in a container's memory cgroup, v1 or v2.
#pragma once

#include <cstdint>
#include <string>

#include "env/real/unique_fd.h"

namespace boxship::runtime {

class OomWatch {
public:
    explicit OomWatch(std::string memory_cgroup);  // empty: watches nothing

    // A descriptor that becomes readable when the count may have grown: an eventfd (v1) or an inotify (v2). -1: the
    // kernel offers none; the count can still be read.
    int open();
    void drain();  // after it became readable

    bool grown();  // have there been kills since the last question?
    std::uint64_t kills() const { return seen_ - start_; }  // processes, as far as grown() has looked

private:
    std::uint64_t count() const;

    std::string directory_;
    env::UniqueFd control_;
    env::UniqueFd event_;
    std::uint64_t start_ = 0;
    std::uint64_t seen_ = 0;
};

}  // namespace boxship::runtime
