#include "wire/session_token.h"

#include <cstring>

#include "base/arn.h"
#include "base/bytes.h"

namespace boxship::wire {
namespace {

constexpr char version = 1;
constexpr std::string_view key_prefix = "ASIA";

// version, task (16), expiry (8, little-endian), role ARN
std::string pack(const Session& session)
{
    std::string bytes(1, version);
    bytes.append(reinterpret_cast<const char*>(session.task.raw().data()), session.task.raw().size());
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(session.expires_at.ms >> (8 * i));
    return bytes + session.role_arn;
}

std::optional<Session> unpack(std::string_view bytes)
{
    if (bytes.size() < 25 || bytes[0] != version) return std::nullopt;
    Session session;
    TaskId::Raw raw;
    std::memcpy(raw.data(), bytes.data() + 1, raw.size());
    session.task = TaskId(raw);
    for (int i = 0; i < 8; ++i) session.expires_at.ms |= static_cast<std::int64_t>(static_cast<unsigned char>(bytes[17 + i])) << (8 * i);
    session.role_arn = bytes.substr(25);
    return session;
}

}  // namespace

SessionTokens::SessionTokens(const crypto::Key& server_key)
{
    const std::string_view key(reinterpret_cast<const char*>(server_key.data()), server_key.size());
    const std::string seal = crypto::hkdf_sha256(key, "", "boxship task session seal", seal_key_.size());
    std::memcpy(seal_key_.data(), seal.data(), seal_key_.size());
    derive_key_ = crypto::hkdf_sha256(key, "", "boxship task session secret", 32);
}

std::string SessionTokens::secret_for(std::string_view token) const
{
    return to_base64(crypto::as_text(crypto::hmac_sha256(derive_key_, token))).substr(0, 40);
}

sigv4::Credentials SessionTokens::issue(const Session& session, env::Random& random) const
{
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string id(key_prefix);
    for (int i = 0; i < 16; ++i) id += digits[random.number(32)];
    // The access key is bound in: a token cannot be presented under another name.
    const std::string token = crypto::to_base64url(crypto::seal(seal_key_, pack(session), id, random));
    return {id, secret_for(token), token};
}

std::optional<SessionTokens::Opened> SessionTokens::open(std::string_view access_key_id, std::string_view token) const
{
    const auto sealed = crypto::from_base64url(token);
    if (!sealed) return std::nullopt;
    const auto plain = crypto::open(seal_key_, *sealed, access_key_id);
    if (!plain) return std::nullopt;
    const auto session = unpack(*plain);
    if (!session) return std::nullopt;
    return Opened{*session, secret_for(token)};
}

std::string assumed_role_arn(std::string_view role_arn, const TaskId& task)
{
    const auto arn = Arn::parse(role_arn);
    if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) return {};
    const std::string name = arn->resource.substr(arn->resource.rfind('/') + 1);
    return "arn:aws:sts::" + arn->account + ":assumed-role/" + name + "/" + to_text(task);
}

}  // namespace boxship::wire
