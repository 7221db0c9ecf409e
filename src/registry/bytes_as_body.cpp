#include "registry/bytes_as_body.h"

#include <algorithm>
#include <cerrno>

#include <boost/asio/awaitable.hpp>

namespace boxship::registry {

http::Async<HostResult<std::size_t>> BytesAsBody::read_some(std::span<char> into)
{
    const std::size_t count = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), count, into.begin());
    rest_.remove_prefix(count);
    co_return count;
}

http::Async<HostResult<std::string>> BytesAsBody::read_all(std::size_t bytes_max)
{
    if (rest_.size() > bytes_max) co_return HostError{"the body is larger than what is taken here", EMSGSIZE};
    co_return std::string(std::exchange(rest_, {}));
}

}  // namespace boxship::registry
