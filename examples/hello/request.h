// One HTTP/1.1 request out of a connection's bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hello {

struct Request {
    std::string method;
    std::string path;             // without the query
    bool keep_alive = true;
    std::size_t body_bytes = 0;   // they follow; nobody here reads them
};

// What the beginning of `bytes` is. `status`: 0 a request, whose header has `header_bytes`; -1 more bytes are needed;
// anything else is the status to refuse it with before closing.
struct Parsed {
    int status = -1;
    std::size_t header_bytes = 0;
    Request request;
};
Parsed parse_request(std::string_view bytes);

std::string render(int status, std::string_view content_type, const std::string& body, bool with_body, bool keep_alive);

}  // namespace hello
