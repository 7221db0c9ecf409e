#include "base/check.h"
#include "fuzz/targets.h"
#include "wire/http/message.h"
#include "wire/sigv4.h"

namespace boxship::fuzz {

// The first line is "METHOD TARGET", each further one "Name: value".
void sigv4(std::string_view input)
{
    const auto take_line = [&] {
        const auto end = std::min(input.find('\n'), input.size());
        const std::string_view line = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        return line;
    };
    const std::string_view first = take_line();
    const auto space = std::min(first.find(' '), first.size());
    const std::string_view method = first.substr(0, space);
    const std::string_view target = first.substr(std::min(space + 1, first.size()));
    http::Headers headers;
    while (!input.empty()) {
        const std::string_view line = take_line();
        const auto colon = line.find(": ");
        if (colon != std::string_view::npos) headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
    }
    const auto claim = sigv4::parse_authorization(method, target, headers);
    if (!claim.ok()) {
        CHECK(claim.error().kind == sigv4::ErrorKind::missing || !claim.error().message.empty());
        return;
    }
    const std::string hash = sigv4::signed_payload_hash(*claim, "body");
    (void)sigv4::verify(*claim, method, target, headers, hash, "secret", claim->time);
    // Nobody can have the signature of a secret that is never used for signing.
    CHECK(!sigv4::verify(*claim, method, target, headers, hash, "no one's secret", claim->time).ok());
}

}  // namespace boxship::fuzz
