// What the control plane tells of security groups (drive/agents/group_feed.h), for the routers of this machine.
#pragma once

#include "runtime/net/group_book.h"
#include "shape/json_value.h"

namespace boxship::agent {

// What cannot be read is left out: a rule that is not understood allows nothing.
runtime::net::GroupNews read_group_news(const shape::Json& frame);

}  // namespace boxship::agent
