#include "images/source.h"

#include <fcntl.h>

#include <cerrno>

namespace boxship::images {

FileSource::FileSource(env::UniqueFd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)), buffer_(256 << 10, '\0')
{
    // Advice only: a refusal costs speed and nothing else.
    static_cast<void>(::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
}

HostResult<std::string_view> FileSource::next()
{
    for (;;) {
        const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
        if (got >= 0) return std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
        if (errno != EINTR) return host_error("read " + path_, errno);
    }
}

}  // namespace boxship::images
