#include <algorithm>

#include "base/check.h"
#include "fuzz/targets.h"
#include "wire/http/parse.h"

namespace boxship::fuzz {
namespace {

struct Decoded {
    std::string bytes;
    bool done = false;
    bool bad = false;
    std::size_t consumed = 0;
};

// As a connection would: so many bytes arrive at once, so much room is left.
Decoded decode(std::string_view input, std::size_t piece, std::size_t room)
{
    http::ChunkDecoder decoder;
    Decoded result;
    std::string out(room, '\0');
    while (result.consumed < input.size() && !decoder.done() && !decoder.bad()) {
        const auto step = decoder.decode(input.substr(result.consumed, piece), out);
        CHECK(step.produced <= room && (step.consumed > 0 || decoder.bad()));
        result.bytes.append(out, 0, step.produced);
        result.consumed += step.consumed;
    }
    result.done = decoder.done();
    result.bad = decoder.bad();
    return result;
}

void check_chunks(std::string_view input)
{
    const Decoded whole = decode(input, input.size() + 1, 1 << 16);
    for (const std::size_t piece : {1u, 3u, 64u}) {
        const Decoded pieces = decode(input, piece, 5);
        CHECK(pieces.bytes == whole.bytes && pieces.done == whole.done && pieces.bad == whole.bad && pieces.consumed == whole.consumed);
    }
}

}  // namespace

void http(std::string_view input)
{
    std::size_t scanned = 0;
    const std::size_t end = http::find_head_end(input, scanned);
    std::size_t resumed = 0;
    std::size_t slowly = std::string_view::npos;
    for (std::size_t size = 0; size <= input.size() && slowly == std::string_view::npos; ++size)
        slowly = http::find_head_end(input.substr(0, size), resumed);
    CHECK(slowly == end);
    if (end == std::string_view::npos) return check_chunks(input);

    http::Request request;
    http::Framing framing;
    const std::string_view head = input.substr(0, end);
    if (http::parse_request_head(head, request, framing) == 0) {
        // One length or chunks, never both: whoever stands before us must not read another body than we do.
        CHECK(!framing.chunked || !framing.content_length);
        CHECK(request.headers.all("Content-Length").size() <= 1 || !framing.chunked);
        CHECK(request.path.find('\0') == std::string::npos);
        for (const auto& field : request.headers)
            CHECK(field.name.find_first_of("\r\n:") == std::string::npos && field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        if (framing.chunked) check_chunks(input.substr(end));
    }
    http::ClientResponse response;
    (void)http::parse_response_head(head, response, framing);
}

}  // namespace boxship::fuzz
