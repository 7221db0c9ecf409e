// A layer's bytes as they were before compression. The form is recognised by its first bytes, as Docker does, because
// media types in the wild are not always true: gzip (several members), zstd (several frames), anything else is plain.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "images/source.h"

struct inflate_state;
struct ZSTD_DCtx_s;

namespace boxship::images {

// Against archives that grow without end. What comes out may exceed `free_bytes` only as long as it stays within
// `ratio_max` times what went in: gzip cannot pass 1032, real layers rarely pass 20.
struct InflationLimits {
    std::uint64_t free_bytes = 1ull << 30;
    std::uint64_t ratio_max = 200;
};

enum class Compression { plain, gzip, zstd };

class Decompressor : public ByteSource {
public:
    explicit Decompressor(std::unique_ptr<ByteSource> packed, InflationLimits limits = {});
    ~Decompressor() override;
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;

    HostResult<std::string_view> next() override;
    Compression compression() const { return compression_; }  // meaningful after the first next()

private:
    HostResult<> recognise();
    HostResult<bool> refill();  // false: the packed bytes are at their end
    HostResult<std::string_view> next_gzip();
    HostResult<std::string_view> next_zstd();
    HostResult<std::string_view> counted(std::size_t produced);

    std::unique_ptr<ByteSource> packed_;
    InflationLimits limits_;
    Compression compression_ = Compression::plain;
    bool recognised_ = false;
    bool finished_ = false;
    bool between_members_ = false;   // a gzip member or zstd frame is complete: the end is allowed here
    bool output_was_full_ = false;   // the library may hold more output for input it already took
    std::string first_;              // the bytes read to recognise the form
    std::string_view input_;         // not yet consumed
    std::string output_;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
    std::unique_ptr<inflate_state> gzip_;
    ZSTD_DCtx_s* zstd_ = nullptr;
};

}  // namespace boxship::images
