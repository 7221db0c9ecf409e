#include "env/real/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace boxship::env {
namespace {

std::string directory_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Removes what is below `name` of the directory `parent`, staying on the device it started on.
int remove_below(int parent, const char* name, dev_t device)
{
    struct stat info;
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISDIR(info.st_mode)) return ::unlinkat(parent, name, 0) == 0 || errno == ENOENT ? 0 : errno;
    if (info.st_dev != device) return EBUSY;
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), ::closedir);
    if (!directory) {
        const int code = errno;
        ::close(fd);
        return code;
    }
    while (const dirent* entry = ::readdir(directory.get())) {
        if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
        if (const int code = remove_below(fd, entry->d_name, device); code != 0) return code;
    }
    return ::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

HostResult<> write_new(const std::string& path, std::string_view bytes, mode_t mode, bool sync)
{
    ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    RETURN_IF_ERROR(write_all(fd.get(), bytes, path));
    if (sync && ::fdatasync(fd.get()) != 0) return host_error("sync " + path, errno);
    return {};
}

}  // namespace

HostResult<UniqueFd> open_file(const std::string& path, int flags, mode_t mode)
{
    for (;;) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
        if (fd >= 0) return UniqueFd(fd);
        if (errno != EINTR) return host_error("open " + path, errno);
    }
}

HostResult<std::string> read_file(const std::string& path, std::size_t bytes_max)
{
    ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_RDONLY));
    std::string bytes;
    char buffer[16384];
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return host_error("read " + path, errno);
        if (got == 0) return bytes;
        if (bytes.size() + static_cast<std::size_t>(got) > bytes_max) return host_error("read " + path, EFBIG);
        bytes.append(buffer, static_cast<std::size_t>(got));
    }
}

HostResult<> write_all(int fd, std::string_view bytes, const std::string& path_for_errors)
{
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return host_error("write " + path_for_errors, errno);
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

HostResult<> write_file_durably(const std::string& path, std::string_view bytes, mode_t mode)
{
    const std::string beside = path + unfinished_suffix;
    RETURN_IF_ERROR(write_new(beside, bytes, mode, true));
    if (::rename(beside.c_str(), path.c_str()) != 0) return host_error("rename to " + path, errno);
    return sync_directory(directory_of(path));
}

HostResult<> write_file(const std::string& path, std::string_view bytes, mode_t mode)
{
    return write_new(path, bytes, mode, false);
}

HostResult<> sync_directory(const std::string& path)
{
    ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(fd.get()) != 0) return host_error("sync " + path, errno);
    return {};
}

HostResult<> make_directories(const std::string& path, mode_t mode)
{
    if (::mkdir(path.c_str(), mode) == 0) return {};
    if (errno == EEXIST) {
        struct stat info;
        if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
        return host_error("make directory " + path, ENOTDIR);
    }
    if (errno != ENOENT || path.empty() || path == "/") return host_error("make directory " + path, errno);
    RETURN_IF_ERROR(make_directories(directory_of(path), 0755));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return host_error("make directory " + path, errno);
    return {};
}

HostResult<> remove_file(const std::string& path)
{
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return host_error("remove " + path, errno);
    return {};
}

HostResult<> remove_tree(const std::string& path)
{
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return host_error("remove " + path, errno);
    }
    if (const int code = remove_below(AT_FDCWD, path.c_str(), info.st_dev); code != 0)
        return host_error("remove " + path, code);
    return {};
}

HostResult<std::vector<std::string>> list_directory(const std::string& path)
{
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (!directory) {
        if (errno == ENOENT) return names;
        return host_error("list " + path, errno);
    }
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool file_exists(const std::string& path)
{
    struct stat info;
    return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace boxship::env
