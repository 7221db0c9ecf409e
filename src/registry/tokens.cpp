#include "registry/tokens.h"

#include <cstring>

#include "base/numbers.h"
#include "base/strings.h"
#include "ecr/data_path.h"
#include "wire/http/message.h"

namespace boxship::registry {
namespace {

constexpr std::string_view context = "boxship registry password 1";
constexpr std::string_view expires_name = "X-Boxship-Expires";
constexpr std::string_view signature_name = "X-Boxship-Signature";

}  // namespace

Tokens::Tokens(const crypto::Key& server_key, env::Random& random) : random_(random)
{
    const std::string_view secret(reinterpret_cast<const char*>(server_key.data()), server_key.size());
    const std::string password_key = crypto::hkdf_sha256(secret, "", "boxship registry passwords", password_key_.size());
    std::memcpy(password_key_.data(), password_key.data(), password_key_.size());
    link_key_ = crypto::hkdf_sha256(secret, "", "boxship registry links", 32);
}

std::string Tokens::issue(const ecr::Caller& caller, Time now) const
{
    const std::string kind = caller.kind == ecr::Caller::Kind::root ? "root" : "host";
    const std::string plain = join({kind, std::to_string((now + ecr::password_lifetime).ms), caller.arn, caller.name}, "\n");
    return crypto::to_base64url(crypto::seal(password_key_, plain, context, random_));
}

std::optional<ecr::Caller> Tokens::verify(std::string_view password, Time now) const
{
    const auto sealed = crypto::from_base64url(password);
    if (!sealed) return std::nullopt;
    const auto plain = crypto::open(password_key_, *sealed, context);
    if (!plain) return std::nullopt;
    const auto parts = split(*plain, '\n');
    if (parts.size() != 4 || (parts[0] != "root" && parts[0] != "host")) return std::nullopt;
    const auto expires = parse_number<std::int64_t>(parts[1]);
    if (!expires || *expires <= now.ms) return std::nullopt;
    return ecr::Caller{parts[0] == "root" ? ecr::Caller::Kind::root : ecr::Caller::Kind::host, parts[2], parts[3]};
}

std::string Tokens::link_signature(std::string_view path, std::string_view expires) const
{
    std::string text(path);
    text.append("\n").append(expires);
    return crypto::to_base64url(crypto::as_text(crypto::hmac_sha256(link_key_, text)));
}

std::string Tokens::sign_link(const std::string& path, Time now) const
{
    const std::string expires = std::to_string((now + link_lifetime).ms);
    return path + "?" + std::string(expires_name) + "=" + expires + "&" + std::string(signature_name) + "=" +
           link_signature(path, expires);
}

bool Tokens::verify_link(std::string_view path, std::string_view query, Time now) const
{
    const auto expires = http::query_value(query, expires_name), signature = http::query_value(query, signature_name);
    if (!expires || !signature || !crypto::equal_in_constant_time(*signature, link_signature(path, *expires))) return false;
    const auto until = parse_number<std::int64_t>(*expires);
    return until && *until > now.ms;
}

}  // namespace boxship::registry
