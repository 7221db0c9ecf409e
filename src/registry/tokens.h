// Passwords for `docker login` and signed links to blobs: self-contained, checked without a look-up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ecr/access.h"
#include "env/clock.h"
#include "wire/crypto.h"

namespace boxship::registry {

constexpr Milliseconds link_lifetime{std::chrono::hours(1)};

class Tokens {
public:
    // Both keys are derived from the server's own, which never leaves it.
    Tokens(const crypto::Key& server_key, env::Random& random);

    std::string issue(const ecr::Caller& caller, Time now) const;
    std::optional<ecr::Caller> verify(std::string_view password, Time now) const;

    // "/v2/…/blobs/…" → the same with a query that opens it to whoever has the link, for an hour.
    std::string sign_link(const std::string& path, Time now) const;
    bool verify_link(std::string_view path, std::string_view query, Time now) const;

private:
    std::string link_signature(std::string_view path, std::string_view expires) const;

    crypto::Key password_key_{};
    std::string link_key_;
    env::Random& random_;
};

}  // namespace boxship::registry
