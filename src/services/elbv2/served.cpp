#include "services/elbv2/serve.h"

namespace boxship::services {

void serve_elbv2(Served& served)
{
    elbv2::serve_load_balancers(served);
    elbv2::serve_load_balancer_network(served);
    elbv2::serve_listeners(served);
    elbv2::serve_listener_certificates(served);
    elbv2::serve_rules(served);
    elbv2::serve_target_groups(served);
    elbv2::serve_targets(served);
    elbv2::serve_attributes(served);
    elbv2::serve_tags(served);
    elbv2::serve_limits(served);
}

}  // namespace boxship::services
