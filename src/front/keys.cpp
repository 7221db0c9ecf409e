#include "front/keys.h"

#include <mutex>

#include <fmt/format.h>

#include "wire/crypto.h"

namespace boxship::front {

namespace {

// As the identity service forms ids: a prefix for the kind, then letters and digits that only depend on the name.
std::string unique_id(std::string_view prefix, std::string_view name)
{
    std::string digits = crypto::sha256_hex(name).substr(0, 17);
    for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    return std::string(prefix) + digits;
}

bool is_local(std::string_view source)
{
    return source.empty() || source == "::1" || source.starts_with("127.") || source.starts_with("::ffff:127.");
}

}  // namespace

services::Principal Keys::root() const
{
    return {.kind = services::Principal::Kind::root, .arn = fmt::format("arn:aws:iam::{}:root", account_), .id = account_};
}

void Keys::add_root(const sigv4::Credentials& credentials)
{
    const std::unique_lock lock(mutex_);
    by_key_id_[credentials.access_key_id] = {root(), credentials.secret_access_key};
}

void Keys::set_hosts(const std::vector<std::pair<std::string, sigv4::Credentials>>& hosts)
{
    const std::unique_lock lock(mutex_);
    std::erase_if(by_key_id_, [](const auto& entry) { return entry.second.principal.kind == services::Principal::Kind::host; });
    for (const auto& [name, credentials] : hosts) {
        services::Principal principal;
        principal.kind = services::Principal::Kind::host;
        principal.arn = fmt::format("arn:aws:sts::{}:assumed-role/boxship-host/{}", account_, name);
        principal.id = fmt::format("{}:{}", unique_id("AROA", account_ + "/boxship-host"), name);
        principal.host = name;
        by_key_id_[credentials.access_key_id] = {std::move(principal), credentials.secret_access_key};
    }
}

void Keys::allow_test_key()
{
    const std::unique_lock lock(mutex_);
    test_key_ = true;
}

Outcome<Identity, KeyProblem> Keys::find(const sigv4::Claim& claim, std::string_view source, Time now) const
{
    const std::shared_lock lock(mutex_);
    if (test_key_ && claim.access_key_id == "test" && is_local(source)) return Identity{root(), "test"};
    const auto at = by_key_id_.find(claim.access_key_id);
    if (at == by_key_id_.end()) return claim.session_token.empty() ? KeyProblem::unknown_key : find_session(claim, now);
    if (!claim.session_token.empty()) return KeyProblem::bad_token;
    return at->second;
}

Outcome<Identity, KeyProblem> Keys::find_session(const sigv4::Claim& claim, Time now) const
{
    const auto opened = sessions_.open(claim.access_key_id, claim.session_token);
    if (!opened) return KeyProblem::bad_token;
    const wire::Session& session = opened->session;
    if (session.expires_at <= now) return KeyProblem::expired_token;
    Identity identity;
    identity.secret = opened->secret_access_key;
    identity.principal.kind = services::Principal::Kind::task;
    identity.principal.arn = wire::assumed_role_arn(session.role_arn, session.task);
    identity.principal.id = fmt::format("{}:{}", unique_id("AROA", session.role_arn), to_text(session.task));
    identity.principal.task = session.task;
    return identity;
}

}  // namespace boxship::front
