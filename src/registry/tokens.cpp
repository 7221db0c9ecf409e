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

// An upload's id: seconds since 1970 (4 bytes, the highest first), 47 random bits and one for the algorithm, the beginning of
// an HMAC of these and the repository. Forging one gains nothing that its maker may not do anyway; what the signature keeps
// out are ids that were not given out here.
constexpr std::size_t upload_time_bytes = 4, upload_signed_bytes = 10;

}  // namespace

Tokens::Tokens(const crypto::Key& server_key, env::Random& random) : random_(random)
{
    const std::string_view secret(reinterpret_cast<const char*>(server_key.data()), server_key.size());
    const std::string password_key = crypto::hkdf_sha256(secret, "", "boxship registry passwords", password_key_.size());
    std::memcpy(password_key_.data(), password_key.data(), password_key_.size());
    link_key_ = crypto::hkdf_sha256(secret, "", "boxship registry links", 32);
    upload_key_ = crypto::hkdf_sha256(secret, "", "boxship registry uploads", 32);
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

UploadId Tokens::sign_upload(UploadId::Raw raw, const RepositoryId& repository) const
{
    std::string text(reinterpret_cast<const char*>(raw.data()), upload_signed_bytes);
    text.append(reinterpret_cast<const char*>(repository.raw().data()), repository.raw().size());
    const crypto::Digest signature = crypto::hmac_sha256(upload_key_, text);
    std::copy_n(signature.begin(), raw.size() - upload_signed_bytes, raw.begin() + upload_signed_bytes);
    return UploadId(raw);
}

UploadId Tokens::begin_upload(const RepositoryId& repository, blobs::Algorithm algorithm, Time now) const
{
    UploadId::Raw raw{};
    random_.fill(std::span(raw).subspan(upload_time_bytes, upload_signed_bytes - upload_time_bytes));
    const auto seconds = static_cast<std::uint32_t>(now.ms / 1000);
    for (std::size_t at = 0; at < upload_time_bytes; ++at) raw[at] = static_cast<std::byte>(seconds >> (24 - 8 * at));
    constexpr std::byte algorithm_bit{1};
    raw[upload_time_bytes] &= ~algorithm_bit;
    if (algorithm == blobs::Algorithm::sha512) raw[upload_time_bytes] |= algorithm_bit;
    return sign_upload(raw, repository);
}

ecr::UploadRow Tokens::read_upload(const UploadId& id, const RepositoryId& repository, Time now) const
{
    const UploadId::Raw& raw = id.raw();
    if (sign_upload(raw, repository) != id) return nullptr;
    std::int64_t seconds = 0;
    for (std::size_t at = 0; at < upload_time_bytes; ++at) seconds = seconds << 8 | std::to_integer<std::int64_t>(raw[at]);
    const Time begun{seconds * 1000};
    if (begun + ecr::upload_silence_max <= now) return nullptr;
    const auto algorithm = std::to_integer<int>(raw[upload_time_bytes]) & 1 ? blobs::Algorithm::sha512 : blobs::Algorithm::sha256;
    return std::make_shared<const model::Upload>(
        model::Upload{.id = id, .repository = repository, .algorithm = std::string(to_text(algorithm)), .last_activity = begun});
}

}  // namespace boxship::registry
