// X.509 certificates of our own: an authority made at first start and the server certificates it signs. ECDSA P-256.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"

namespace boxship::crypto {

struct CertifiedKey {
    std::string certificate;  // PEM; of an issued one: itself, then its authority's
    std::string key;          // PEM, unencrypted: store it 0600
};

CertifiedKey make_authority(const std::string& common_name, Time now, int days, env::Random& random);

// `names`: DNS names and IP addresses the server answers to; the first is also its common name.
HostResult<CertifiedKey> issue_certificate(const CertifiedKey& authority, const std::vector<std::string>& names, Time now, int days,
                                           env::Random& random);

// Hex SHA-256 of the first certificate in the text, for pinning and for showing.
HostResult<std::string> certificate_fingerprint(std::string_view pem);

}  // namespace boxship::crypto
