// Ids for tests: numbered ones, and a source of them that is the same in every run.
#pragma once

#include "base/ids.h"

namespace boxship {

template <class IdType>
IdType id(int number)
{
    typename IdType::Raw raw{};
    raw[0] = static_cast<std::byte>(number);
    return IdType(raw);
}

class SameIds : public Ids {
public:
    explicit SameIds(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::byte> bytes) override
    {
        for (auto& byte : bytes) byte = static_cast<std::byte>((state_ = state_ * 6364136223846793005ull + 1442695040888963407ull) >> 56);
    }

private:
    std::uint64_t state_;
};

}  // namespace boxship
