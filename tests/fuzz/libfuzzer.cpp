// libFuzzer's way in, compiled once per target with FUZZ_TARGET set.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    boxship::fuzz::FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
    return 0;
}
