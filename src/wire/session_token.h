// Task credentials that carry themselves: the session token seals who it is for and until when with the server's key, and
// the secret is derived from it. Nothing is stored per session; a token of a stopped task is refused by whoever looks the
// task up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "env/clock.h"
#include "wire/crypto.h"
#include "wire/sigv4.h"

namespace boxship::wire {

struct Session {
    TaskId task;
    std::string role_arn;      // arn:aws:iam::<account>:role/<name>
    Time expires_at;
};

class SessionTokens {
public:
    explicit SessionTokens(const crypto::Key& server_key);

    sigv4::Credentials issue(const Session& session, env::Random& random) const;

    // What a token says, or nothing: not ours, altered, or not for this access key. Expiry is the caller's to judge.
    struct Opened {
        Session session;
        std::string secret_access_key;
    };
    std::optional<Opened> open(std::string_view access_key_id, std::string_view token) const;

private:
    std::string secret_for(std::string_view token) const;

    crypto::Key seal_key_;
    std::string derive_key_;
};

// arn:aws:sts::<account>:assumed-role/<role name>/<task id>; empty when the role's ARN is malformed.
std::string assumed_role_arn(std::string_view role_arn, const TaskId& task);

}  // namespace boxship::wire
