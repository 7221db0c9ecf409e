// Bytes that were read already, as a body that is still to be read.
#pragma once

#include <string_view>

#include "wire/http/server.h"

namespace boxship::registry {

class BytesAsBody : public http::BodyReader {
public:
    explicit BytesAsBody(std::string_view bytes) : length_(bytes.size()), rest_(bytes) {}    // which outlive it

    http::Async<HostResult<std::size_t>> read_some(std::span<char> into) override;
    http::Async<HostResult<std::string>> read_all(std::size_t bytes_max) override;
    std::optional<std::uint64_t> content_length() const override { return length_; }
    std::size_t buffered_max() const override { return length_; }

private:
    const std::size_t length_;
    std::string_view rest_;
};

}  // namespace boxship::registry
