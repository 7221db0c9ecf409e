// Where new ids and random choices come from. Passed in, never fetched: the same code runs seeded in simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/id.h"

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
    std::uint64_t number(std::uint64_t below);  // uniform in [0, below); below > 0
};

}  // namespace boxship
