// The security policies of TLS listeners: which versions and ciphers they allow.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace boxship::model {

struct SslPolicy {
    const char* name;
    const char* least;                          // "TLSv1.2"
    const char* most;                           // "TLSv1.3"
    std::vector<const char*> ciphers;           // OpenSSL's names, of TLS 1.2 and before
};
constexpr const char* default_ssl_policy = "ELBSecurityPolicy-2016-08";

std::span<const SslPolicy> ssl_policies();
const SslPolicy* find_ssl_policy(std::string_view name);
// "TLSv1", "TLSv1.1" …: every version of a policy, oldest first.
std::vector<std::string_view> protocols_of(const SslPolicy& policy);
// Those of TLS 1.3, which every policy that allows it has.
std::span<const char* const> tls13_ciphers();

}  // namespace boxship::model
