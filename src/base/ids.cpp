#include "base/ids.h"

namespace boxship {

std::uint64_t Ids::number(std::uint64_t below)
{
    // Rejection keeps it uniform: the last, incomplete range of 2^64 is thrown away.
    const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % below;
    for (;;) {
        std::uint64_t value = 0;
        fill(std::as_writable_bytes(std::span(&value, 1)));
        if (value < limit) return value % below;
    }
}

}  // namespace boxship
