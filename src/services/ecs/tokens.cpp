#include "services/ecs/tokens.h"

#include <array>

#include <openssl/evp.h>

#include "shape/write.h"

namespace boxship::services::ecs {

std::string request_digest(shape::ConstRecordRef request)
{
    const std::string text = shape::write_json(request);
    std::array<std::byte, 32> digest{};
    unsigned length = 0;
    CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_sha256(), nullptr) == 1);
    return to_hex(digest);
}

}  // namespace boxship::services::ecs
