#include "images/layer_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "base/strings.h"
#include "env/real/files.h"
#include "images/tar_fields.h"

namespace boxship::images {
namespace {

constexpr std::size_t path_bytes_max = 4095;
constexpr std::size_t name_bytes_max = 255;
constexpr int links_max = 40;  // as the kernel allows in one walk

// O_DIRECTORY below `root`, which stands for "/" on the way.
int open_below(int root, const std::string& path, std::uint64_t resolve)
{
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = resolve | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    for (;;) {
        const long fd = ::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how);
        if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
    }
}

// "./a//b/" → "a/b"; "/" → "". A leading slash means the layer's root.
HostResult<std::string> normal_form(std::string_view path)
{
    if (path.size() > path_bytes_max) return HostError{"path is too long: " + quoted(path), ENAMETOOLONG};
    if (path.find('\0') != std::string_view::npos) return HostError{"path holds a NUL: " + quoted(path), EINVAL};
    std::string normal;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") return HostError{"path holds '..'", EPERM};
        if (part.size() > name_bytes_max) return HostError{"name is too long: " + quoted(part), ENAMETOOLONG};
        if (!normal.empty()) normal += '/';
        normal += part;
    }
    return normal;
}

}  // namespace

bool is_whiteout(const struct stat& info)
{
    return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

HostResult<LayerRoot> LayerRoot::open(const std::string& directory)
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return LayerRoot(std::move(fd));
}

HostResult<LayerRoot::Place> LayerRoot::place(std::string_view path)
{
    ASSIGN_OR_RETURN(const std::string normal, normal_form(path));
    if (normal.empty()) return Place{root_.get(), {}};
    const std::size_t slash = normal.rfind('/');
    const std::string_view parent = slash == std::string::npos ? "" : std::string_view(normal).substr(0, slash);
    if (!parent_ || parent != parent_path_) {
        if (const auto entered = enter(parent); !entered.ok()) {
            if (entered.error().code != ENOENT && entered.error().code != ENOTDIR) return entered.error();
            RETURN_IF_ERROR(enter_making(parent));
        }
    }
    return Place{parent_.get(), normal.substr(slash + 1)};
}

HostResult<LayerRoot::Place> LayerRoot::existing(std::string_view path)
{
    ASSIGN_OR_RETURN(const std::string normal, normal_form(path));
    if (normal.empty()) return HostError{"a link to the root directory", EPERM};
    const std::size_t slash = normal.rfind('/');
    RETURN_IF_ERROR(enter(slash == std::string::npos ? "" : std::string_view(normal).substr(0, slash)));
    return Place{parent_.get(), normal.substr(slash + 1)};
}

HostResult<env::UniqueFd> LayerRoot::open_directory(std::string_view path) const
{
    ASSIGN_OR_RETURN(const std::string normal, normal_form(path));
    env::UniqueFd directory(open_below(root_.get(), normal, RESOLVE_IN_ROOT));
    if (!directory) return host_error("open directory " + quoted(path), errno);
    return directory;
}

HostResult<> LayerRoot::enter(std::string_view parent)
{
    parent_.reset(open_below(root_.get(), std::string(parent), RESOLVE_IN_ROOT));
    if (!parent_) return host_error("open directory " + quoted(parent), errno);
    parent_path_ = parent;
    return {};
}

HostResult<> LayerRoot::enter_making(std::string_view parent)
{
    std::deque<std::string> ahead;
    for (std::string& part : split(parent, '/')) ahead.push_back(std::move(part));
    std::vector<std::string> walked;  // real directories only
    env::UniqueFd here(open_below(root_.get(), "", RESOLVE_BENEATH));
    int links = 0;
    while (!ahead.empty()) {
        if (!here) return host_error("open directory " + quoted(join(walked, "/")), errno);
        const std::string part = std::move(ahead.front());
        ahead.pop_front();
        if (part.empty() || part == ".") continue;
        if (part == "..") {  // out of a link's target; above the root is the root
            if (!walked.empty()) walked.pop_back();
            here.reset(open_below(root_.get(), join(walked, "/"), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
            continue;
        }
        struct stat info;
        const bool present = ::fstatat(here.get(), part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (!present && errno != ENOENT) return host_error("look at " + quoted(part), errno);
        if (present && S_ISLNK(info.st_mode)) {
            if (++links > links_max) return host_error("open directory " + quoted(parent), ELOOP);
            char target[path_bytes_max + 1];
            const ssize_t size = ::readlinkat(here.get(), part.c_str(), target, sizeof target);
            if (size < 0) return host_error("read link " + quoted(part), errno);
            const std::string_view text(target, static_cast<std::size_t>(size));
            const auto parts = split(text, '/');
            if (parts.size() + ahead.size() > path_bytes_max) return host_error("open directory " + quoted(parent), ENAMETOOLONG);
            ahead.insert(ahead.begin(), parts.begin(), parts.end());
            if (text.starts_with('/')) {
                walked.clear();
                here.reset(open_below(root_.get(), "", RESOLVE_BENEATH));
            }
            continue;
        }
        walked.push_back(part);
        if (!present || is_whiteout(info)) {
            RETURN_IF_ERROR(make_directory(Place{here.get(), part}));
            if (::fstatat(here.get(), part.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
                return host_error("look at " + quoted(part), errno);
            implied_[info.st_ino] = join(walked, "/");
        } else if (!S_ISDIR(info.st_mode)) {
            return host_error("open directory " + quoted(join(walked, "/")), ENOTDIR);
        }
        here.reset(::openat(here.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    if (!here) return host_error("open directory " + quoted(parent), errno);
    parent_ = std::move(here);
    parent_path_ = parent;
    return {};
}

HostResult<> LayerRoot::remove(const Place& place)
{
    if (::unlinkat(place.parent, place.name.c_str(), 0) != 0 && errno != ENOENT) {
        if (errno != EISDIR && errno != EPERM) return host_error("replace " + quoted(place.name), errno);
        RETURN_IF_ERROR(env::remove_tree(fmt::format("/proc/self/fd/{}/{}", place.parent, place.name)));
    }
    // The directory last used may have been reached through what is gone now.
    if (place.parent != parent_.get()) parent_.reset();
    parent_path_ = "\n";
    return {};
}

HostResult<> LayerRoot::make_directory(const Place& place)
{
    bool replaced = false;
    if (::mkdirat(place.parent, place.name.c_str(), 0755) != 0) {
        if (errno != EEXIST) return host_error("make directory", errno);
        struct stat info;
        if (::fstatat(place.parent, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return host_error("look at directory", errno);
        if (S_ISDIR(info.st_mode)) return {};
        RETURN_IF_ERROR(remove(place));
        if (::mkdirat(place.parent, place.name.c_str(), 0755) != 0) return host_error("make directory", errno);
        replaced = true;
    }
    const env::UniqueFd made(::openat(place.parent, place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made) return host_error("open directory", errno);
    if (::fchmod(made.get(), 0755) != 0) return host_error("set mode", errno);  // whatever the umask
    if (replaced) return make_opaque(made.get());
    return {};
}

HostResult<> LayerRoot::make_opaque(int directory)
{
    if (::fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) != 0) return host_error("mark directory opaque", errno);
    return {};
}

std::vector<std::string> LayerRoot::implied() const
{
    std::vector<std::string> paths;
    for (const auto& [inode, path] : implied_) {
        const env::UniqueFd directory(open_below(root_.get(), path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
        struct stat info;
        if (directory && ::fstat(directory.get(), &info) == 0 && info.st_ino == inode) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace boxship::images
