#include "model/ssl_policies.h"

#include <array>

namespace boxship::model {
namespace {

constexpr std::array versions = {std::string_view("TLSv1"), std::string_view("TLSv1.1"), std::string_view("TLSv1.2"), std::string_view("TLSv1.3")};
constexpr std::array modern = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"};

using Ciphers = std::vector<const char*>;

Ciphers operator+(Ciphers a, const Ciphers& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

const Ciphers forward_gcm = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"};
const Ciphers forward_cbc = {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"};
const Ciphers forward_sha1 = {"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA"};
const Ciphers plain = {"AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256"};
const Ciphers plain_sha1 = {"AES128-SHA", "AES256-SHA"};

const std::array policies = {
    SslPolicy{"ELBSecurityPolicy-2016-08", "TLSv1", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2", "TLSv1.3", forward_gcm + forward_cbc},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "TLSv1.2", "TLSv1.3", forward_gcm},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "TLSv1.2", "TLSv1.3", forward_gcm + forward_cbc + plain},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", "TLSv1.2", "TLSv1.3", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-1-2021-06", "TLSv1.1", "TLSv1.3", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-0-2021-06", "TLSv1", "TLSv1.3", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS13-1-3-2021-06", "TLSv1.3", "TLSv1.3", {}},
    SslPolicy{"ELBSecurityPolicy-FS-1-2-Res-2020-10", "TLSv1.2", "TLSv1.2", forward_gcm},
    SslPolicy{"ELBSecurityPolicy-FS-1-2-Res-2019-08", "TLSv1.2", "TLSv1.2", forward_gcm + forward_cbc},
    SslPolicy{"ELBSecurityPolicy-FS-1-2-2019-08", "TLSv1.2", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1},
    SslPolicy{"ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1.1", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1},
    SslPolicy{"ELBSecurityPolicy-FS-2018-06", "TLSv1", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS-1-2-2017-01", "TLSv1.2", "TLSv1.2", forward_gcm + forward_cbc + plain},
    SslPolicy{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", "TLSv1.2", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
    SslPolicy{"ELBSecurityPolicy-TLS-1-1-2017-01", "TLSv1.1", "TLSv1.2", forward_gcm + forward_cbc + forward_sha1 + plain + plain_sha1},
};

}  // namespace

std::span<const SslPolicy> ssl_policies() { return policies; }

const SslPolicy* find_ssl_policy(std::string_view name)
{
    for (const auto& policy : policies)
        if (name == policy.name) return &policy;
    return nullptr;
}

std::vector<std::string_view> protocols_of(const SslPolicy& policy)
{
    std::vector<std::string_view> protocols;
    for (const auto version : versions)
        if (version >= policy.least && version <= policy.most) protocols.push_back(version);
    return protocols;
}

std::span<const char* const> tls13_ciphers() { return modern; }

}  // namespace boxship::model
