#include "images/decompress.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <cerrno>

namespace boxship::images {
namespace {

constexpr std::size_t output_bytes = 256 << 10;
constexpr int zstd_window_log_max = 27;       // 128 MiB, what `zstd --ultra` may ask for without --long

HostError damaged(const std::string& what)
{
    return {"decompress layer: " + what, EBADMSG};
}

std::string_view gzip_fault(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK:
    case ISAL_INVALID_SYMBOL:
    case ISAL_INVALID_LOOKBACK: return "invalid data";
    case ISAL_INVALID_WRAPPER: return "invalid header";
    case ISAL_UNSUPPORTED_METHOD: return "unknown method of compression";
    case ISAL_INCORRECT_CHECKSUM: return "the checksum does not match";
    default: return "cannot be read";
    }
}

}  // namespace

Decompressor::Decompressor(std::unique_ptr<ByteSource> packed, InflationLimits limits)
    : packed_(std::move(packed)), limits_(limits)
{
}

Decompressor::~Decompressor()
{
    ZSTD_freeDCtx(zstd_);
}

HostResult<bool> Decompressor::refill()
{
    ASSIGN_OR_RETURN(input_, packed_->next());
    bytes_in_ += input_.size();
    return !input_.empty();
}

HostResult<> Decompressor::recognise()
{
    recognised_ = true;
    while (first_.size() < 4) {
        ASSIGN_OR_RETURN(const bool more, refill());
        if (!more) break;
        first_ += input_;
    }
    input_ = first_;
    if (first_.starts_with("\x1f\x8b")) {
        compression_ = Compression::gzip;
        gzip_ = std::make_unique<inflate_state>();
        isal_inflate_init(gzip_.get());
        gzip_->crc_flag = ISAL_GZIP;
    } else if (first_.starts_with("\x28\xb5\x2f\xfd")) {
        compression_ = Compression::zstd;
        zstd_ = ZSTD_createDCtx();
        if (zstd_ == nullptr) return host_error("decompress layer", ENOMEM);
        ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, zstd_window_log_max);
    }
    if (compression_ != Compression::plain) output_.resize(output_bytes);
    return {};
}

HostResult<std::string_view> Decompressor::next()
{
    if (!recognised_) {
        RETURN_IF_ERROR(recognise());
        if (compression_ == Compression::plain) return input_;
    }
    if (finished_) return std::string_view();
    switch (compression_) {
    case Compression::gzip: return next_gzip();
    case Compression::zstd: return next_zstd();
    case Compression::plain: break;
    }
    return packed_->next();
}

HostResult<std::string_view> Decompressor::counted(std::size_t produced)
{
    bytes_out_ += produced;
    if (bytes_out_ > limits_.free_bytes && bytes_out_ / limits_.ratio_max > bytes_in_)
        return HostError{fmt::format("decompress layer: {} bytes grew to more than {} times as many", bytes_in_, limits_.ratio_max), EFBIG};
    return std::string_view(output_).substr(0, produced);
}

HostResult<std::string_view> Decompressor::next_gzip()
{
    inflate_state& stream = *gzip_;
    for (;;) {
        if (input_.empty() && !output_was_full_) {
            ASSIGN_OR_RETURN(const bool more, refill());
            if (!more) {
                finished_ = true;
                if (!between_members_) return damaged("gzip data ends too early");
                return std::string_view();
            }
        }
        if (between_members_) {
            // Some tools pad the end with zeros, as gzip(1) tolerates; anything else must be another member.
            while (!input_.empty() && input_.front() == '\0') input_.remove_prefix(1);
            if (input_.empty()) continue;
            isal_inflate_reset(&stream);
            between_members_ = false;
        }
        stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input_.data()));
        stream.avail_in = static_cast<std::uint32_t>(input_.size());
        stream.next_out = reinterpret_cast<std::uint8_t*>(output_.data());
        stream.avail_out = static_cast<std::uint32_t>(output_.size());
        const int code = isal_inflate(&stream);
        if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) return damaged(fmt::format("gzip: {}", gzip_fault(code)));
        input_.remove_prefix(input_.size() - stream.avail_in);
        const std::size_t produced = output_.size() - stream.avail_out;
        between_members_ = stream.block_state == ISAL_BLOCK_FINISH;
        output_was_full_ = stream.avail_out == 0 && !between_members_;
        if (produced > 0) return counted(produced);
    }
}

HostResult<std::string_view> Decompressor::next_zstd()
{
    for (;;) {
        if (input_.empty() && !output_was_full_) {
            ASSIGN_OR_RETURN(const bool more, refill());
            if (!more) {
                finished_ = true;
                if (!between_members_) return damaged("zstd data ends too early");
                return std::string_view();
            }
        }
        ZSTD_inBuffer in{input_.data(), input_.size(), 0};
        ZSTD_outBuffer out{output_.data(), output_.size(), 0};
        const std::size_t hint = ZSTD_decompressStream(zstd_, &out, &in);
        if (ZSTD_isError(hint)) return damaged(fmt::format("zstd: {}", ZSTD_getErrorName(hint)));
        input_.remove_prefix(in.pos);
        between_members_ = hint == 0;
        output_was_full_ = out.pos == out.size && hint != 0;
        if (out.pos > 0) return counted(out.pos);
    }
}

}  // namespace boxship::images
