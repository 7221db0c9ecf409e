#include "wire/crypto.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "env/real/real_env.h"

namespace boxship::crypto {
namespace {

std::string hex(std::string_view bytes) { return to_hex(as_bytes(bytes)); }

std::string unhex(std::string_view text)
{
    std::string bytes(text.size() / 2, '\0');
    EXPECT_TRUE(from_hex(text, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()}));
    return bytes;
}

TEST(Crypto, sha256_in_one_go_and_in_pieces)
{
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 hash;
    hash.update("a");
    Sha256 copy = hash;
    hash.update("bc");
    EXPECT_EQ(hash.finish_hex(), sha256_hex("abc"));
    copy.update("xy");
    Sha256 moved = std::move(copy);
    EXPECT_EQ(moved.finish_hex(), sha256_hex("axy"));
}

TEST(Crypto, hmac_follows_rfc_4231)
{
    EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, hkdf_follows_rfc_5869)
{
    EXPECT_EQ(hex(hkdf_sha256(std::string(22, '\x0b'), unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"), 42)),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    EXPECT_EQ(hex(hkdf_sha256(std::string(22, '\x0b'), "", "", 42)),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Crypto, what_is_sealed_opens_only_whole_and_in_its_context)
{
    env::RealRandom random;
    Key key{};
    key[0] = std::byte{1};
    const std::string sealed = seal(key, "secret", "context", random);
    EXPECT_EQ(sealed.size(), 12 + 6 + 16u);
    EXPECT_NE(sealed, seal(key, "secret", "context", random));
    EXPECT_EQ(open(key, sealed, "context"), "secret");
    EXPECT_EQ(open(key, seal(key, "", "", random), ""), "");
    EXPECT_EQ(open(key, sealed, "other"), std::nullopt);
    EXPECT_EQ(open(Key{}, sealed, "context"), std::nullopt);
    EXPECT_EQ(open(key, "short", "context"), std::nullopt);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string damaged = sealed;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_EQ(open(key, damaged, "context"), std::nullopt);
    }
}

TEST(Crypto, texts)
{
    env::RealRandom random;
    EXPECT_EQ(random_hex(random, 16).size(), 32u);
    EXPECT_NE(random_hex(random, 16), random_hex(random, 16));
    EXPECT_EQ(to_base64url("\xfb\xff\xfe?"), "-__-Pw");
    EXPECT_EQ(from_base64url("-__-Pw"), "\xfb\xff\xfe?");
    EXPECT_EQ(from_base64url("-__-Pw=="), std::nullopt);
    EXPECT_EQ(from_base64url("a"), std::nullopt);
    EXPECT_TRUE(equal_in_constant_time("ab", "ab"));
    EXPECT_FALSE(equal_in_constant_time("ab", "ac"));
    EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
}

}  // namespace
}  // namespace boxship::crypto
