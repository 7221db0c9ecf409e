// AWS Signature Version 4: making signatures and checking them, in headers and in presigned URLs.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/http/message.h"

namespace boxship::sigv4 {

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view empty_payload_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr Milliseconds skew_max = std::chrono::minutes(15);

struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;  // empty: none
};

struct Scope {
    std::string region;
    std::string service;  // the signing name; "s3" encodes paths once, all others twice
};

// Signing keys derived so far, so that a request costs one HMAC instead of five. Bounded; safe from any thread.
class KeyCache {
public:
    explicit KeyCache(std::size_t keys_max = 1024);
    ~KeyCache();
    // `date` is "20261120". The 32 bytes of the signing key.
    std::string signing_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Signs what `headers` holds (Host must be among them) and adds X-Amz-Date, X-Amz-Security-Token, Authorization, and,
// for s3 or an unsigned payload, X-Amz-Content-Sha256. Authorization, Connection, Expect, User-Agent and the like are
// left out of the signature. `target` is path and query as on the wire; `payload_hash` hex SHA-256 or unsigned_payload.
void sign(http::Headers& headers, std::string_view method, std::string_view target, std::string_view payload_hash,
          const Credentials& credentials, const Scope& scope, Time now, KeyCache* keys = nullptr);

// The target with the signature in its query. Only Host is signed; the payload is not.
std::string presign(std::string_view method, std::string_view target, std::string_view host, const Credentials& credentials,
                    const Scope& scope, Time now, std::chrono::seconds expires);

// What a request says about its signer; nothing is checked yet.
struct Claim {
    std::string access_key_id;
    std::string date;                        // of the scope: "20261120"
    std::string region;
    std::string service;
    Time time;                               // X-Amz-Date, else Date
    std::vector<std::string> signed_headers; // lower case, sorted
    std::string signature;                   // 64 hexadecimal digits
    std::string session_token;               // empty: none
    std::string payload_hash;                // X-Amz-Content-Sha256 as sent, or "" (then hash the body)
    bool presigned = false;
    std::chrono::seconds expires{0};         // presigned only
};

enum class ErrorKind {
    missing,      // no signature at all
    malformed,
    unsupported,  // another algorithm; the message names it
    skewed,       // header form, more than 15 minutes off
    expired,      // presigned, past its time
    mismatch,
};

struct SigV4Error {
    ErrorKind kind = ErrorKind::missing;
    std::string message;
};

Outcome<Claim, SigV4Error> parse_authorization(std::string_view method, std::string_view target, const http::Headers& headers);

// `payload_hash`: the hex SHA-256 of the body, or for a claim that says otherwise what it says (unsigned, streaming);
// see signed_payload_hash. Checks time first, then the signature.
Outcome<void, SigV4Error> verify(const Claim& claim, std::string_view method, std::string_view target,
                                 const http::Headers& headers, std::string_view payload_hash, std::string_view secret, Time now,
                                 KeyCache* keys = nullptr);

// What to give verify: the claim's own words when it names no digest ("UNSIGNED-PAYLOAD", "STREAMING-…"; presigned
// requests), else the digest of `body`. A digest that the client states is thus compared with the body's, not trusted.
std::string signed_payload_hash(const Claim& claim, std::string_view body);

// The pieces, for chunk signatures and tests.
std::string canonical_request(std::string_view method, std::string_view target, const http::Headers& headers,
                              const std::vector<std::string>& signed_headers, std::string_view payload_hash, bool encode_path_once);
std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical_request);
std::string signature(std::string_view signing_key, std::string_view string_to_sign);

}  // namespace boxship::sigv4
