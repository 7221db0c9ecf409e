#include "runtime/inside.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

#include "base/strings.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t file_max = 4 << 20;

}  // namespace

HostResult<env::UniqueFd> open_inside(int root, const std::string& path, int flags)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    for (;;) {
        env::UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
        if (fd) return fd;
        if (errno != EAGAIN && errno != EINTR) return host_error("open " + path + " in the image", errno);
    }
}

HostResult<std::string> read_inside(int root, const std::string& path)
{
    auto fd = open_inside(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd && (fd.error().code == ENOENT || fd.error().code == ENOTDIR)) return std::string();
    if (!fd) return std::move(fd).error();
    struct stat info;
    if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) return HostError{path + " in the image is no file", EINVAL};
    std::string text;
    char buffer[8192];
    for (;;) {
        const ssize_t got = ::read(fd->get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return host_error("read " + path + " in the image", errno);
        if (got == 0) return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > file_max) return host_error("read " + path + " in the image", EFBIG);
    }
}

HostResult<> make_directory_inside(int root, const std::string& path, unsigned uid, unsigned gid)
{
    std::string so_far = "/";
    for (const auto& name : split(path, '/')) {
        if (name.empty() || name == ".") continue;
        const std::string next = so_far + name;
        if (auto there = open_inside(root, next, O_PATH | O_DIRECTORY); there || there.error().code != ENOENT) {
            if (!there) return std::move(there).error();
        } else {
            ASSIGN_OR_RETURN(const env::UniqueFd parent, open_inside(root, so_far, O_PATH | O_DIRECTORY));
            if (::mkdirat(parent.get(), name.c_str(), 0755) == 0) {
                if (::fchownat(parent.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) return host_error("own " + next, errno);
            } else if (errno != EEXIST) {
                return host_error("make directory " + next + " in the image", errno);
            }
        }
        so_far = next + "/";
    }
    return {};
}

}  // namespace boxship::runtime
