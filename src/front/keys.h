// The keys of an installation: root, hosts, tasks' sessions, and test/test where that was asked for.
#pragma once

#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "front/authenticate.h"
#include "wire/session_token.h"

namespace boxship::front {

// Safe from any thread. Make one, fill it, and give [&keys](…) { return keys.find(…); } to the Authenticator.
class Keys {
public:
    Keys(std::string account, const wire::SessionTokens& sessions) : account_(std::move(account)), sessions_(sessions) {}

    void add_root(const sigv4::Credentials& credentials);
    // The hosts that there are, each with the name that rows call it by: keys of others are none (any more).
    void set_hosts(const std::vector<std::pair<std::string, sigv4::Credentials>>& hosts);
    // The key "test" with the secret "test" is root too, for callers on this machine.
    void allow_test_key();

    // A task's session is known by its token alone; whether the task still lives is asked on the state's thread.
    Outcome<Identity, KeyProblem> find(const sigv4::Claim& claim, std::string_view source, Time now) const;

private:
    Outcome<Identity, KeyProblem> find_session(const sigv4::Claim& claim, Time now) const;
    services::Principal root() const;

    std::string account_;
    const wire::SessionTokens& sessions_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, Identity, std::less<>> by_key_id_;
    bool test_key_ = false;
};

}  // namespace boxship::front
