// A closed loop of HTTP/1.1 requests over keep-alive connections, one thread, as few cycles as possible: on a small machine the
// generator shares the processors with what it measures. Requests are complete (signed) before the clock starts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace boxship::bench {

struct Request {
    std::string head;      // ends with the empty line
    std::string body;      // empty: the shared one
};

struct Outcome {
    double seconds = 0;
    std::vector<float> ms;          // one per answered request
    std::uint64_t refused = 0;      // status other than 2xx, or an answer that `check` did not accept
    std::uint64_t reconnects = 0;   // the peer closed; connected again inside the clock
    std::string complaint;          // the first answer refused
};

// Sends every request once. `check` sees the body of each 2xx answer. Exits the process when nobody listens.
using Check = std::function<bool(std::string_view body)>;
Outcome run(std::uint16_t port, int connections, const std::vector<Request>& requests, std::string_view shared_body, const Check& check);

}  // namespace boxship::bench
