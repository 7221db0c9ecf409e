// What the verbs of ACM share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "acm/ops.h"
#include "model/elbv2_arns.h"
#include "services/served.h"

namespace boxship::acm {}

namespace boxship::services::acm {

namespace api = ::boxship::acm;
using state::View;
using CertificatePtr = std::shared_ptr<const model::Certificate>;

Result<CertificatePtr> find_certificate(const View& view, const Call& call, std::string_view arn);
// ARNs of the load balancers whose listeners show it.
std::vector<std::string> users_of(const View& view, const CertificateId& id);

struct Done {};
// The operations that answer with nothing have records without members.
template <class Response>
Response render_nothing(const Done&) { return {}; }

void serve_certificates(Served& served);
void serve_tags(Served& served);

}  // namespace boxship::services::acm
