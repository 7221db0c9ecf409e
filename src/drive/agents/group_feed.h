// The security groups and the routes, told to whoever enforces them: the rules of all groups and the addresses of their members. Everything at
// first, then each change when it is committed. A frame is a JSON object, every part of which may be absent:
//
//   {"kind": "groups", "all": true?, "groups": [{"router", "id", "rules": [{"egress", "protocol", "from", "to", "range" | "group"}],
//    "members": ["172.31.5.9"]?}], "left": [{"router", "id", "address"}], "joined": [the same], "gone": [{"router", "id"}],
//    "ways": [{"router", "subnets": [{"subnet": "172.31.0.0/20", "to": [{"first", "last"}]}]}]}
//
// "ways": what the subnets of a VPC reach outside of it, all of them at once, as their route tables say (decide/ways_out.h).
// "router" is what agents call the router of the group's VPC. Without "members" a group keeps those it has.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "shape/json_value.h"
#include "state/store.h"

namespace boxship::drive {

// "default" for the default VPC's, whatever its id, else "vpc-…".
std::string router_name(const model::Vpc& vpc);

class GroupFeed {
public:
    using Sink = std::function<void(const shape::Json& frame)>;

    explicit GroupFeed(state::Store& store) : store_(store) {}
    GroupFeed(const GroupFeed&) = delete;

    void follow();                              // before the store's load()

    // On the state's thread. add() tells everything before it returns.
    void add(const void* who, Sink sink);
    void remove(const void* who);

private:
    void tell(const state::Changes& changes);
    std::string router_of(const VpcId& vpc);
    shape::Json ways_json(const VpcId& vpc);
    shape::Json group_json(const model::SecurityGroup& group, bool with_members);

    state::Store& store_;
    std::map<VpcId, std::string> routers_;      // of VPCs that may be gone by now
    std::map<const void*, Sink> sinks_;
};

}  // namespace boxship::drive
