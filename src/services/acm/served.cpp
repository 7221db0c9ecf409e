#include "services/acm/common.h"

namespace boxship::services {

void serve_acm(Served& served)
{
    acm::serve_certificates(served);
    acm::serve_tags(served);
}

}  // namespace boxship::services
