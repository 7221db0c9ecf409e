// The name of content: "sha256:<64 hex>" or "sha512:<128 hex>", and the hash that computes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxship::blobs {

enum class Algorithm : std::uint8_t { sha256, sha512 };
const char* to_text(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view text);

struct Digest {
    Algorithm algorithm = Algorithm::sha256;
    std::string hex;  // lower case, exact length

    // Nothing for a malformed text or an algorithm that is not served.
    static std::optional<Digest> parse(std::string_view text);
    friend std::string to_text(const Digest& digest);
    bool operator==(const Digest&) const = default;
};

// Hash of bytes that come in pieces. Copying copies the state.
class Hasher {
public:
    explicit Hasher(Algorithm algorithm);
    ~Hasher();
    Hasher(const Hasher& other);
    Hasher(Hasher&& other) noexcept;
    Hasher& operator=(const Hasher& other);
    Hasher& operator=(Hasher&& other) noexcept;

    void update(std::string_view bytes);
    Digest digest() const;  // of everything so far; more may follow
    Algorithm algorithm() const { return algorithm_; }

private:
    Algorithm algorithm_;
    void* context_;  // EVP_MD_CTX
};

Digest digest_of(Algorithm algorithm, std::string_view bytes);

}  // namespace boxship::blobs
