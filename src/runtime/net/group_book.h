// The security groups of all VPCs as this process was told of them, and the filters in its routers that follow.
//
// Until the first complete news everything stays as it is in the kernel, which outlives us: what was open stays open, and an
// address that is admitted meanwhile is closed, apart from groups that the table knows.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "runtime/net/group_filter.h"

namespace boxship::runtime::net {

struct GroupNews {
    struct Member {
        std::string router;
        std::string group;
        Ipv4 address;
    };
    struct Change {
        std::string router;
        std::string group;
        std::vector<GroupRule> rules;
        std::optional<std::set<Ipv4>> members;   // nothing: as they were
    };
    bool all = false;                            // nothing else exists
    std::vector<Change> groups;                  // new, or with other rules
    std::vector<Member> left, joined;            // in this order
    std::vector<std::pair<std::string, std::string>> gone;   // router, group
    std::vector<std::pair<std::string, std::vector<WaysOut>>> ways = {};   // by router: all of its subnets
};

class GroupBook {
public:
    explicit GroupBook(std::vector<Ipv4> resolvers) : resolvers_(std::move(resolvers)) {}

    // All may be called from any thread. take() brings every router as far as it can, once for all the news, and returns the first
    // error; what it could not do is tried again with the next news, or by settle().
    HostResult<> take(std::span<const GroupNews> news);
    HostResult<> take(const GroupNews& news) { return take(std::span(&news, 1)); }
    HostResult<> settle();

    // From now on; `router` outlives the book, or is removed or forgotten. `standing`: it was made by an earlier process.
    HostResult<> enforce(const Router& router, bool standing = false);
    std::vector<std::string> deserted();                     // routers of VPCs that are gone: their last group is
    // Before an address is attached, with the groups that it was given; what we were told of it since then counts more.
    HostResult<> admit(const Router& router, Ipv4 address, std::span<const std::string> groups);
    HostResult<> dismiss(const Router& router, Ipv4 address);
    HostResult<> sweep(const Router& router);
    HostResult<> remove(const Router& router);               // takes the table away
    void forget(const Router& router);                       // the router is gone, and the table with it

private:
    struct Place {
        RouterRules rules;
        std::unique_ptr<GroupFilter> filter;                 // nullptr: there is no such router here
        bool behind = false;                                 // the filter lacks what `rules` has
        bool had_groups = false;                             // it is no VPC that we are yet to be told of
    };
    HostResult<> note(const GroupNews& news);
    HostResult<> settle_locked();
    HostResult<> change_member(const GroupNews::Member& member, bool joins);
    HostResult<GroupFilter*> filter_of(const Router& router);

    const std::vector<Ipv4> resolvers_;
    std::mutex mutex_;
    bool told_ = false;
    std::map<std::string, Place> places_;                    // by router
};

// The nameservers of the machine's /etc/resolv.conf, which tasks use as well.
std::vector<Ipv4> host_resolvers();

}  // namespace boxship::runtime::net
