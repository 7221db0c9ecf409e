// Passwords for `docker login`, signed links to blobs, and ids of uploads: self-contained, checked without a look-up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "blobs/digest.h"
#include "ecr/access.h"
#include "ecr/uploads.h"
#include "env/clock.h"
#include "wire/crypto.h"

namespace boxship::registry {

constexpr Milliseconds link_lifetime{std::chrono::hours(1)};

class Tokens {
public:
    // All keys are derived from the server's own, which never leaves it.
    Tokens(const crypto::Key& server_key, env::Random& random);

    std::string issue(const ecr::Caller& caller, Time now) const;
    std::optional<ecr::Caller> verify(std::string_view password, Time now) const;

    // "/v2/…/blobs/…" → the same with a query that opens it to whoever has the link, for an hour.
    std::string sign_link(const std::string& path, Time now) const;
    bool verify_link(std::string_view path, std::string_view query, Time now) const;

    // The id of an upload that begins now: it tells the time and the algorithm, for this repository, so that nothing need be
    // written before the first bytes come. Read again it is an upload without a byte; null when it is not from here, of
    // another repository, or older than an upload may be silent.
    UploadId begin_upload(const RepositoryId& repository, blobs::Algorithm algorithm, Time now) const;
    ecr::UploadRow read_upload(const UploadId& id, const RepositoryId& repository, Time now) const;

private:
    UploadId sign_upload(UploadId::Raw raw, const RepositoryId& repository) const;
    std::string link_signature(std::string_view path, std::string_view expires) const;

    crypto::Key password_key_{};
    std::string link_key_;
    std::string upload_key_;
    env::Random& random_;
};

}  // namespace boxship::registry
