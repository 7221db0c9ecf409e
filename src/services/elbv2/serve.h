// The parts of serve_elbv2().
#pragma once

#include "services/served.h"

namespace boxship::services::elbv2 {

void serve_load_balancers(Served& served);
void serve_load_balancer_network(Served& served);
void serve_listeners(Served& served);
void serve_listener_certificates(Served& served);
void serve_rules(Served& served);
void serve_target_groups(Served& served);
void serve_targets(Served& served);
void serve_attributes(Served& served);
void serve_tags(Served& served);
void serve_limits(Served& served);

}  // namespace boxship::services::elbv2
