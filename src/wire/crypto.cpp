#include "wire/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace boxship::crypto {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }
unsigned char* raw(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Looked up once: every EVP_sha256() in OpenSSL 3 otherwise searches its providers.
const EVP_MD* sha256_method()
{
    static const EVP_MD* method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return method;
}

void start(EVP_MD_CTX* context) { CHECK(EVP_DigestInit_ex2(context, sha256_method(), nullptr) == 1); }

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new())
{
    CHECK(context_ != nullptr);
    start(as_context(context_));
}

Sha256::~Sha256() { EVP_MD_CTX_free(as_context(context_)); }

Sha256::Sha256(const Sha256& other) : context_(EVP_MD_CTX_new())
{
    CHECK(context_ != nullptr && EVP_MD_CTX_copy_ex(as_context(context_), as_context(other.context_)) == 1);
}

Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

Sha256& Sha256::operator=(const Sha256& other)
{
    Sha256 copy(other);
    std::swap(context_, copy.context_);
    return *this;
}

Sha256& Sha256::operator=(Sha256&& other) noexcept
{
    std::swap(context_, other.context_);
    return *this;
}

void Sha256::update(std::string_view bytes)
{
    CHECK(context_ != nullptr && EVP_DigestUpdate(as_context(context_), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish()
{
    Digest digest;
    CHECK(context_ != nullptr &&
          EVP_DigestFinal_ex(as_context(context_), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
    return digest;
}

std::string Sha256::finish_hex() { return to_hex(finish()); }

Digest sha256(std::string_view bytes)
{
    Digest digest;
    CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, sha256_method(),
                     nullptr) == 1);
    return digest;
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

Digest hmac_sha256(std::string_view key, std::string_view bytes)
{
    // RFC 2104 by hand: OpenSSL 3 needs several allocations and look-ups for each HMAC.
    std::array<char, 64> block{};
    if (key.size() > block.size()) {
        const Digest digest = sha256(key);
        std::copy_n(as_text(digest).begin(), digest.size(), block.begin());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    for (char& byte : block) byte = static_cast<char>(byte ^ 0x36);
    Sha256 hash;
    hash.update({block.data(), block.size()});
    hash.update(bytes);
    const Digest inner = hash.finish();
    for (char& byte : block) byte = static_cast<char>(byte ^ 0x36 ^ 0x5c);
    hash = Sha256();
    hash.update({block.data(), block.size()});
    hash.update(as_text(inner));
    OPENSSL_cleanse(block.data(), block.size());
    return hash.finish();
}

bool equal_in_constant_time(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info, std::size_t length)
{
    CHECK(length > 0 && length <= 255 * 32);
    const Digest extracted = hmac_sha256(salt, secret);
    std::string out;
    Digest block{};
    for (unsigned char counter = 1; out.size() < length; ++counter) {
        std::string input = out.empty() ? std::string() : std::string(as_text(block));
        input.append(info);
        input.push_back(static_cast<char>(counter));
        block = hmac_sha256(as_text(extracted), input);
        out.append(as_text(block));
    }
    out.resize(length);
    return out;
}

std::string seal(const Key& key, std::string_view plain, std::string_view context, env::Random& random)
{
    std::string sealed(nonce_bytes + plain.size() + tag_bytes, '\0');
    random.fill({reinterpret_cast<std::byte*>(sealed.data()), nonce_bytes});
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int length = 0;
    CHECK(cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                       reinterpret_cast<const unsigned char*>(key.data()), raw(sealed)) == 1);
    CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &length, raw(context), static_cast<int>(context.size())) == 1);
    CHECK(EVP_EncryptUpdate(cipher.get(), raw(sealed) + nonce_bytes, &length, raw(plain), static_cast<int>(plain.size())) == 1);
    CHECK(EVP_EncryptFinal_ex(cipher.get(), raw(sealed) + nonce_bytes + length, &length) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, raw(sealed) + nonce_bytes + plain.size()) == 1);
    return sealed;
}

std::optional<std::string> open(const Key& key, std::string_view sealed, std::string_view context)
{
    if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
    std::string tag(sealed.substr(sealed.size() - tag_bytes));
    const std::string_view body = sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes);
    std::string plain(body.size(), '\0');
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int length = 0;
    CHECK(cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                       reinterpret_cast<const unsigned char*>(key.data()), raw(sealed)) == 1);
    CHECK(EVP_DecryptUpdate(cipher.get(), nullptr, &length, raw(context), static_cast<int>(context.size())) == 1);
    CHECK(EVP_DecryptUpdate(cipher.get(), raw(plain), &length, raw(body), static_cast<int>(body.size())) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, raw(tag)) == 1);
    if (EVP_DecryptFinal_ex(cipher.get(), raw(plain) + length, &length) != 1) return std::nullopt;
    return plain;
}

std::string random_hex(env::Random& random, std::size_t bytes)
{
    std::string buffer(bytes, '\0');
    random.fill({reinterpret_cast<std::byte*>(buffer.data()), buffer.size()});
    return to_hex(as_bytes(buffer));
}

std::string to_base64url(std::string_view bytes)
{
    std::string text = to_base64(bytes);
    while (!text.empty() && text.back() == '=') text.pop_back();
    for (char& c : text) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return text;
}

std::optional<std::string> from_base64url(std::string_view text)
{
    std::string standard(text);
    for (char& c : standard) {
        if (c == '+' || c == '/' || c == '=') return std::nullopt;
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    while (standard.size() % 4 != 0) standard.push_back('=');
    return from_base64(standard);
}

}  // namespace boxship::crypto
