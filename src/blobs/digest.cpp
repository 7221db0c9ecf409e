#include "blobs/digest.h"

#include <openssl/evp.h>

#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace boxship::blobs {
namespace {

const EVP_MD* method(Algorithm algorithm) { return algorithm == Algorithm::sha256 ? EVP_sha256() : EVP_sha512(); }
EVP_MD_CTX* context(void* pointer) { return static_cast<EVP_MD_CTX*>(pointer); }

}  // namespace

const char* to_text(Algorithm algorithm) { return algorithm == Algorithm::sha256 ? "sha256" : "sha512"; }

std::optional<Algorithm> parse_algorithm(std::string_view text)
{
    if (text == "sha256") return Algorithm::sha256;
    if (text == "sha512") return Algorithm::sha512;
    return std::nullopt;
}

std::optional<Digest> Digest::parse(std::string_view text)
{
    const auto colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const auto algorithm = parse_algorithm(text.substr(0, colon));
    const auto hex = text.substr(colon + 1);
    if (!algorithm || hex.size() != (*algorithm == Algorithm::sha256 ? 64u : 128u)) return std::nullopt;
    for (const char c : hex)
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
    return Digest{*algorithm, std::string(hex)};
}

std::string to_text(const Digest& digest) { return std::string(to_text(digest.algorithm)) + ":" + digest.hex; }

Hasher::Hasher(Algorithm algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new())
{
    CHECK(context_ != nullptr && EVP_DigestInit_ex(context(context_), method(algorithm), nullptr) == 1);
}

Hasher::~Hasher() { EVP_MD_CTX_free(context(context_)); }

Hasher::Hasher(const Hasher& other) : algorithm_(other.algorithm_), context_(EVP_MD_CTX_new())
{
    CHECK(context_ != nullptr && EVP_MD_CTX_copy_ex(context(context_), context(other.context_)) == 1);
}

Hasher::Hasher(Hasher&& other) noexcept : algorithm_(other.algorithm_), context_(std::exchange(other.context_, nullptr)) {}

Hasher& Hasher::operator=(const Hasher& other) { return *this = Hasher(other); }

Hasher& Hasher::operator=(Hasher&& other) noexcept
{
    std::swap(algorithm_, other.algorithm_);
    std::swap(context_, other.context_);
    return *this;
}

void Hasher::update(std::string_view bytes) { CHECK(EVP_DigestUpdate(context(context_), bytes.data(), bytes.size()) == 1); }

Digest Hasher::digest() const
{
    const Hasher copy(*this);
    std::array<std::byte, EVP_MAX_MD_SIZE> raw;
    unsigned length = 0;
    CHECK(EVP_DigestFinal_ex(context(copy.context_), reinterpret_cast<unsigned char*>(raw.data()), &length) == 1);
    return {algorithm_, to_hex({raw.data(), length})};
}

Digest digest_of(Algorithm algorithm, std::string_view bytes)
{
    Hasher hasher(algorithm);
    hasher.update(bytes);
    return hasher.digest();
}

}  // namespace boxship::blobs
