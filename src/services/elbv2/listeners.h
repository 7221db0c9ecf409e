// A listener with what its description needs.
#pragma once

#include "services/elbv2/actions.h"

namespace boxship::services::elbv2 {

struct ListenerRow {
    ListenerPtr listener;
    BalancerPtr balancer;
    std::string certificate;      // ARN of the default one; "" none
};

// The certificate's ARN; it is there as long as a listener names it.
std::string certificate_arn_of(const View& view, const CertificateId& id);

}  // namespace boxship::services::elbv2
