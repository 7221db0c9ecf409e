// Where new ids and random choices come from. Passed in, never fetched: the same code runs seeded in simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/id.h"
#include "base/time.h"

namespace boxship {

class Ids {
public:
    virtual ~Ids() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;

    template <class IdType>
    IdType next()
    {
        typename IdType::Raw raw;
        fill(raw);
        return IdType(raw);
    }
    // For what comes by the million: ids that are made one after the other stand side by side in every table and index, which
    // costs a tenth of the cache misses. Ten bytes are random; the last eight begin with the time.
    template <class IdType>
        requires(IdType::has_time)
    IdType next(Time now)
    {
        typename IdType::Raw raw;
        fill(raw);
        for (std::size_t i = 0; i < 6; ++i) raw[8 + i] = static_cast<std::byte>(static_cast<std::uint64_t>(now.ms) >> (40 - 8 * i));
        return IdType(raw);
    }
    std::uint64_t number(std::uint64_t below);  // uniform in [0, below); below > 0
};

}  // namespace boxship
