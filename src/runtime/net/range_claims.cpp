#include "runtime/net/range_claims.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "env/real/files.h"

namespace boxship::runtime::net {
namespace {

// "172.31.0.0/16" as a file's name: "172.31.0.0-16".
std::string name_of(const Ipv4Net& range)
{
    std::string name = to_text(range);
    std::ranges::replace(name, '/', '-');
    return name;
}

std::optional<Ipv4Net> range_of(std::string name)
{
    std::ranges::replace(name, '-', '/');
    return Ipv4Net::parse(name);
}

// Whether nobody else has it locked; if so, it is ours while `fd` is open.
HostResult<bool> lock_at_once(const env::UniqueFd& fd, const std::string& path)
{
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) return host_error("lock " + path, errno);
    }
    return true;
}

// The last one to leave removes the directory: then the lock is on what nobody will find.
bool is_still(const std::string& path, const env::UniqueFd& fd)
{
    struct stat there {}, ours {};
    return ::stat(path.c_str(), &there) == 0 && ::fstat(fd.get(), &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

}  // namespace

HostResult<RangeClaims> RangeClaims::open(const std::string& directory)
{
    for (;;) {
        RETURN_IF_ERROR(env::make_directories(directory));
        auto fd = env::open_file(directory, O_RDONLY | O_DIRECTORY);
        if (!fd.ok() && fd.error().code == ENOENT) continue;
        if (!fd.ok()) return fd.error();
        while (::flock(fd->get(), LOCK_EX) != 0)
            if (errno != EINTR) return host_error("lock " + directory, errno);
        if (is_still(directory, *fd)) return RangeClaims(directory, std::move(*fd));
    }
}

HostResult<std::vector<Ipv4Net>> RangeClaims::held()
{
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_));
    std::vector<Ipv4Net> ranges;
    for (const std::string& name : names) {
        const auto range = range_of(name);
        if (!range) continue;
        const std::string path = directory_ + "/" + name;
        ASSIGN_OR_RETURN(const env::UniqueFd fd, env::open_file(path, O_RDWR));
        ASSIGN_OR_RETURN(const bool free, lock_at_once(fd, path));
        if (free) RETURN_IF_ERROR(env::remove_file(path));
        else ranges.push_back(*range);
    }
    return ranges;
}

HostResult<env::UniqueFd> RangeClaims::claim(const Ipv4Net& range)
{
    ASSIGN_OR_RETURN(const auto ranges, held());
    for (const Ipv4Net& other : ranges)
        if (other.overlaps(range))
            return HostError{"the VPC range " + to_text(range) + " overlaps " + to_text(other) + ", which another boxship on this machine uses", EADDRINUSE};
    const std::string path = directory_ + "/" + name_of(range);
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT, 0600));
    ASSIGN_OR_RETURN(const bool free, lock_at_once(fd, path));
    if (!free) return HostError{path + " is locked by a process that should not have it", EADDRINUSE};
    return fd;
}

HostResult<> RangeClaims::release(const Ipv4Net& range)
{
    RETURN_IF_ERROR(env::remove_file(directory_ + "/" + name_of(range)));
    if (::rmdir(directory_.c_str()) != 0 && errno != ENOTEMPTY) return host_error("remove " + directory_, errno);
    return {};
}

}  // namespace boxship::runtime::net
