// What is in a certificate's PEM, checked: the facts that ACM tells of an imported certificate.
#pragma once

#include <string>

#include "base/result.h"
#include "model/elbv2.h"

namespace boxship::services::acm {

// Fills the facts of `row` (names, dates, algorithms) from its certificate, and answers with the certificate and the chain
// as they are kept. Refuses what does not belong together: a key that is not the certificate's, an encrypted key, a chain
// that does not verify, a certificate that is not valid yet. `key` is the private key's PEM; nothing of it is kept or told.
Result<> read_certificate(const std::string& certificate, const std::string& key, const std::string& chain, Time now, model::Certificate& row);

}  // namespace boxship::services::acm
