#include "base/check.h"
#include "fuzz/targets.h"
#include "images/decompress.h"
#include "images/tar.h"

namespace boxship::fuzz {
namespace {

constexpr std::uint64_t inflated_max = 4 << 20;

// The first byte says in what pieces the layer arrives. True when it was read to its end.
bool read_layer(std::string_view bytes, std::size_t piece, std::uint64_t& data_bytes)
{
    images::Decompressor plain(std::make_unique<images::MemorySource>(std::string(bytes), piece),
                               {.free_bytes = inflated_max, .ratio_max = 1});
    images::TarReader tar(plain);
    images::TarEntry entry;
    for (;;) {
        const auto any = tar.next(entry);
        if (!any.ok()) return false;
        if (!*any) return true;
        std::uint64_t end = 0;
        for (;;) {
            const auto data = tar.read();
            if (!data.ok()) return false;
            if (data->bytes.empty()) break;
            CHECK(data->offset >= end);  // pieces come in order and do not overlap
            end = data->offset + data->bytes.size();
            data_bytes += data->bytes.size();
        }
        CHECK(end <= entry.size);
        CHECK(entry.kind == images::TarEntry::Kind::file || end == 0);
    }
}

}  // namespace

void layer(std::string_view input)
{
    if (input.empty()) return;
    const std::size_t piece = 1 + static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    std::uint64_t in_pieces = 0;
    std::uint64_t at_once = 0;
    const bool read = read_layer(input, piece, in_pieces);
    CHECK(read_layer(input, input.size() + 1, at_once) == read);
    if (read) CHECK(in_pieces == at_once);
}

}  // namespace boxship::fuzz
