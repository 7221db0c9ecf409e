// SHA-256, HMAC, AES-256-GCM, HKDF and tokens, over OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "env/clock.h"

namespace boxship::crypto {

using Digest = std::array<std::byte, 32>;
using Key = std::array<std::byte, 32>;

// SHA-256 of bytes that come in pieces. Copying copies the state.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256& other);
    Sha256(Sha256&& other) noexcept;
    Sha256& operator=(const Sha256& other);
    Sha256& operator=(Sha256&& other) noexcept;

    void update(std::string_view bytes);
    Digest finish();           // afterwards only assignment is allowed
    std::string finish_hex();  // 64 lower-case digits

private:
    void* context_;            // EVP_MD_CTX
};

Digest sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);
inline std::string_view as_text(const Digest& digest)
{
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

bool equal_in_constant_time(std::string_view a, std::string_view b);  // the lengths may leak

// HKDF-SHA256 (RFC 5869), 1 … 8160 bytes.
std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info, std::size_t length);

// AES-256-GCM: nonce (12 bytes, random), ciphertext, tag (16). `context` is bound in but not carried.
std::string seal(const Key& key, std::string_view plain, std::string_view context, env::Random& random);
std::optional<std::string> open(const Key& key, std::string_view sealed, std::string_view context);

std::string random_hex(env::Random& random, std::size_t bytes);
std::string to_base64url(std::string_view bytes);                         // no padding
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace boxship::crypto
