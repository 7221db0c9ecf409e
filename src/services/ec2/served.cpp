#include "services/ec2/serve.h"

namespace boxship::services {

void serve_ec2(Served& served)
{
    ec2::serve_networks(served);
    ec2::serve_interfaces(served);
    ec2::serve_places(served);
}

}  // namespace boxship::services
