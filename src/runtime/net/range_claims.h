// Which VPC ranges the platforms of this machine hold. A platform that starts chooses a range which no other has and which the host has
// no route to; until its own route is there, and while it is down to its supervisor, its claim speaks for it.
//
// A claim is a lock on a file that is named after the range. It ends with the last process that has it open, whatever ends that.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/net/address.h"

namespace boxship::runtime::net {

inline constexpr const char* range_claims_directory = "/run/boxship/ranges";

class RangeClaims {
public:
    // While it lives, nobody else looks or claims: hold it from the look to the claim, and no longer.
    static HostResult<RangeClaims> open(const std::string& directory = range_claims_directory);

    // The ranges that somebody holds. What the dead left behind is removed.
    HostResult<std::vector<Ipv4Net>> held();
    // Held for as long as the result is open, here or in a child. An error when it overlaps what another holds.
    HostResult<env::UniqueFd> claim(const Ipv4Net& range);
    // By who holds it, before it ends. The last one takes the directory along.
    HostResult<> release(const Ipv4Net& range);

private:
    RangeClaims(std::string directory, env::UniqueFd lock) : directory_(std::move(directory)), lock_(std::move(lock)) {}

    std::string directory_;
    env::UniqueFd lock_;
};

}  // namespace boxship::runtime::net
