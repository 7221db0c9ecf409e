// The parts of serve_ec2().
#pragma once

#include "services/served.h"

namespace boxship::services::ec2 {

void serve_networks(Served& served);
void serve_interfaces(Served& served);
void serve_places(Served& served);

}  // namespace boxship::services::ec2
