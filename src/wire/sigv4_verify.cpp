#include <algorithm>

#include "base/strings.h"
#include "base/numbers.h"
#include "wire/crypto.h"
#include "wire/sigv4.h"
#include "wire/sigv4_internal.h"

namespace boxship::sigv4 {
namespace {

constexpr std::chrono::seconds expires_max = std::chrono::hours(7 * 24);

SigV4Error malformed(std::string message) { return {ErrorKind::malformed, std::move(message)}; }

bool is_hex(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "AKID/20261120/us-east-1/ecs/aws4_request" into the claim. The key id may itself hold slashes, the rest may not.
Outcome<void, SigV4Error> read_credential(std::string_view text, Claim& claim)
{
    std::vector<std::string> parts = split(text, '/');
    if (parts.size() < 5 || parts.back() != "aws4_request")
        return malformed(fmt::format("Credential must have at least 5 slash-delimited elements, the last of them aws4_request, "
                                     "e.g. keyid/date/region/service/aws4_request, got '{}'.", text));
    claim.service = parts[parts.size() - 2];
    claim.region = parts[parts.size() - 3];
    claim.date = parts[parts.size() - 4];
    parts.resize(parts.size() - 4);
    claim.access_key_id = join(parts, "/");
    const bool digits = std::all_of(claim.date.begin(), claim.date.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (claim.access_key_id.empty() || claim.region.empty() || claim.service.empty() || claim.date.size() != 8 || !digits)
        return malformed(fmt::format("Credential '{}' is not of the form keyid/date/region/service/aws4_request.", text));
    return {};
}

Outcome<void, SigV4Error> read_signed_headers(std::string_view text, Claim& claim)
{
    claim.signed_headers = split(text, ';');
    for (const std::string& name : claim.signed_headers)
        if (name.empty() || name != to_lower(name)) return malformed(fmt::format("SignedHeaders '{}' is malformed.", text));
    if (!std::is_sorted(claim.signed_headers.begin(), claim.signed_headers.end()))
        return malformed(fmt::format("SignedHeaders '{}' is not sorted.", text));
    if (!std::binary_search(claim.signed_headers.begin(), claim.signed_headers.end(), "host"))
        return malformed("'Host' must be a 'SignedHeader' in the AWS Authorization.");
    return {};
}

Outcome<void, SigV4Error> read_signature(std::string_view text, Claim& claim)
{
    if (text.size() != 64 || !is_hex(text)) return malformed("Signature must be 64 lower-case hexadecimal digits.");
    claim.signature = std::string(text);
    return {};
}

SigV4Error unsupported(std::string_view name)
{
    if (name.starts_with("AWS4-ECDSA-P256-SHA256"))
        return {ErrorKind::unsupported, "SigV4a (AWS4-ECDSA-P256-SHA256) is not supported; sign with AWS4-HMAC-SHA256."};
    return {ErrorKind::unsupported, fmt::format("Unsupported signing algorithm '{}'; sign with AWS4-HMAC-SHA256.", name)};
}

Outcome<Claim, SigV4Error> parse_header(std::string_view value, const http::Headers& headers)
{
    const std::string_view name = value.substr(0, value.find(' '));
    if (name != algorithm) return unsupported(name);
    std::optional<std::string_view> credential, names, made;
    for (std::string_view rest = trim(value.substr(name.size())); !rest.empty();) {
        const auto comma = rest.find(',');
        const std::string_view piece = trim(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        const auto equals = piece.find('=');
        if (equals == std::string_view::npos)
            return malformed(fmt::format("'{}' not a valid key=value pair (missing equal-sign) in Authorization header.", piece));
        const std::string_view key = piece.substr(0, equals);
        if (key == "Credential") credential = piece.substr(equals + 1);
        if (key == "SignedHeaders") names = piece.substr(equals + 1);
        if (key == "Signature") made = piece.substr(equals + 1);
    }
    std::string lacking;
    if (!credential) lacking += "Authorization header requires 'Credential' parameter. ";
    if (!made) lacking += "Authorization header requires 'Signature' parameter. ";
    if (!names) lacking += "Authorization header requires 'SignedHeaders' parameter. ";
    if (!headers.has("X-Amz-Date") && !headers.has("Date"))
        lacking += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    if (!lacking.empty()) return malformed(lacking.substr(0, lacking.size() - 1));

    Claim claim;
    RETURN_IF_ERROR(read_credential(*credential, claim));
    RETURN_IF_ERROR(read_signed_headers(*names, claim));
    RETURN_IF_ERROR(read_signature(*made, claim));
    const std::string_view stamp = headers.has("X-Amz-Date") ? headers.get("X-Amz-Date") : headers.get("Date");
    const auto time = parse_basic_iso8601(stamp);
    if (!time)
        return malformed(fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
                                     stamp));
    claim.time = *time;
    claim.session_token = std::string(headers.get("X-Amz-Security-Token"));
    claim.payload_hash = std::string(headers.get("X-Amz-Content-Sha256"));
    return claim;
}

Outcome<Claim, SigV4Error> parse_presigned(std::string_view query)
{
    std::optional<std::string> name, credential, stamp, expires, names, made, token, payload;
    for (auto& [key, value] : http::parse_query(query)) {
        if (key == "X-Amz-Algorithm") name = std::move(value);
        else if (key == "X-Amz-Credential") credential = std::move(value);
        else if (key == "X-Amz-Date") stamp = std::move(value);
        else if (key == "X-Amz-Expires") expires = std::move(value);
        else if (key == "X-Amz-SignedHeaders") names = std::move(value);
        else if (key == "X-Amz-Signature") made = std::move(value);
        else if (key == "X-Amz-Security-Token") token = std::move(value);
        else if (key == "X-Amz-Content-Sha256") payload = std::move(value);
    }
    if (!name) return SigV4Error{ErrorKind::missing, "Missing Authentication Token"};
    if (*name != algorithm) return unsupported(*name);
    if (!credential || !stamp || !names || !made || !expires)
        return malformed("AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
                         "'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires'.");
    Claim claim;
    claim.presigned = true;
    RETURN_IF_ERROR(read_credential(*credential, claim));
    RETURN_IF_ERROR(read_signed_headers(*names, claim));
    RETURN_IF_ERROR(read_signature(*made, claim));
    const auto time = parse_basic_iso8601(*stamp);
    if (!time) return malformed(fmt::format("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\", got '{}'.", *stamp));
    claim.time = *time;
    const auto number = parse_number<long>(*expires);
    if (!number) return malformed("X-Amz-Expires should be a number");
    const long seconds = *number;
    if (seconds < 0) return malformed("X-Amz-Expires must be non-negative");
    if (seconds > expires_max.count()) return malformed("X-Amz-Expires must be less than a week (in seconds); that is, the given "
                                                        "X-Amz-Expires must be less than 604800 seconds");
    claim.expires = std::chrono::seconds(seconds);
    claim.session_token = token.value_or("");
    claim.payload_hash = payload.value_or("");
    return claim;
}

Outcome<void, SigV4Error> check_time(const Claim& claim, Time now)
{
    const std::string signed_at = to_basic_iso8601(claim.time);
    if (claim.time > now + skew_max)
        return SigV4Error{ErrorKind::skewed,
                          fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)", signed_at,
                                      to_basic_iso8601(now + skew_max), to_basic_iso8601(now))};
    if (claim.presigned) {
        if (now > claim.time + claim.expires) return SigV4Error{ErrorKind::expired, "Request has expired"};
        return {};
    }
    if (claim.time < now - skew_max)
        return SigV4Error{ErrorKind::skewed,
                          fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)", signed_at,
                                      to_basic_iso8601(now - skew_max), to_basic_iso8601(now))};
    return {};
}

}  // namespace

Outcome<Claim, SigV4Error> parse_authorization(std::string_view, std::string_view target, const http::Headers& headers)
{
    if (const std::string* value = headers.find("Authorization")) return parse_header(*value, headers);
    const std::string_view query = split_target(target).second;
    if (query.find("X-Amz-") == std::string_view::npos) return SigV4Error{ErrorKind::missing, "Missing Authentication Token"};
    return parse_presigned(query);
}

Outcome<void, SigV4Error> verify(const Claim& claim, std::string_view method, std::string_view target,
                                 const http::Headers& headers, std::string_view payload_hash, std::string_view secret, Time now,
                                 KeyCache* keys)
{
    const std::string stamp = to_basic_iso8601(claim.time);
    if (!stamp.starts_with(claim.date))
        return SigV4Error{ErrorKind::malformed, fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                                                            "of date from HTTP: '{}' != '{}', from '{}'.",
                                                            claim.date, stamp.substr(0, 8), stamp)};
    RETURN_IF_ERROR(check_time(claim, now));
    for (const std::string& name : claim.signed_headers)
        if (!headers.has(name))
            return SigV4Error{ErrorKind::mismatch, fmt::format("The signed header '{}' is missing from the request.", name)};
    const std::string canonical =
        canonical_request(method, target, headers, claim.signed_headers, payload_hash, claim.service == "s3");
    const std::string text = string_to_sign(stamp, scope_text(claim.date, claim.region, claim.service), canonical);
    const std::string key = keys ? keys->signing_key(secret, claim.date, claim.region, claim.service)
                                 : derive_key(secret, claim.date, claim.region, claim.service);
    if (!crypto::equal_in_constant_time(signature(key, text), claim.signature))
        return SigV4Error{ErrorKind::mismatch,
                          "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                          "Access Key and signing method. Consult the service documentation for details."};
    return {};
}

std::string signed_payload_hash(const Claim& claim, std::string_view body)
{
    const bool digest = claim.payload_hash.size() == 64 && is_hex(claim.payload_hash);
    if (!claim.payload_hash.empty() && !digest) return claim.payload_hash;
    if (claim.presigned && claim.service == "s3") return std::string(unsigned_payload);
    return crypto::sha256_hex(body);
}

}  // namespace boxship::sigv4
