#include "services/served.h"

namespace boxship::services {

void serve_ec2(Served&) {}

}  // namespace boxship::services
