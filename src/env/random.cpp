#include "env/clock.h"

namespace boxship::env {

std::uint64_t next_number(Random& random, std::uint64_t below)
{
    // Rejection keeps it uniform: the last, incomplete range of 2^64 is thrown away.
    const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % below;
    for (;;) {
        std::uint64_t number = 0;
        random.fill(std::as_writable_bytes(std::span(&number, 1)));
        if (number < limit) return number % below;
    }
}

}  // namespace boxship::env
