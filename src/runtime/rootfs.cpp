#include "runtime/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>

#include "env/real/files.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t options_max = 4095;  // one page, as mount(2) takes it

// A directory as a short name free of separators: mount options are limited to a page, and ":" and "," would cut them.
HostResult<std::string> by_descriptor(const std::string& path, std::vector<env::UniqueFd>& open)
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_PATH | O_DIRECTORY));
    std::string name = "/proc/self/fd/" + std::to_string(fd.get());
    open.push_back(std::move(fd));
    return name;
}

}  // namespace

HostResult<bool> is_mounted(const std::string& path)
{
    struct stat here;
    struct stat above;
    if (::lstat(path.c_str(), &here) != 0) {
        if (errno == ENOENT) return false;
        return host_error("look at " + path, errno);
    }
    if (::lstat((path + "/..").c_str(), &above) != 0) return host_error("look at " + path + "/..", errno);
    return here.st_dev != above.st_dev;
}

HostResult<> mount_rootfs(const RootfsPaths& paths, const std::vector<std::string>& layers)
{
    ASSIGN_OR_RETURN(const bool mounted, is_mounted(paths.mount));
    if (mounted) return {};
    // Left from an attempt that got no further, or from before a reboot ("volatile" forbids a second use).
    RETURN_IF_ERROR(env::remove_tree(paths.writable));
    RETURN_IF_ERROR(env::make_directories(paths.writable, 0700));
    RETURN_IF_ERROR(env::make_directories(paths.mount, 0755));
    const std::string upper = paths.writable + "/upper";
    const std::string work = paths.writable + "/work";
    const std::string empty = paths.writable + "/empty";
    for (const auto& directory : {upper, work, empty})
        if (::mkdir(directory.c_str(), 0755) != 0) return host_error("make directory " + directory, errno);
    // The root directory itself belongs to the topmost layer, for its owner and mode too.
    if (struct stat top; !layers.empty() && ::stat(layers.front().c_str(), &top) == 0)
        if (::chown(upper.c_str(), top.st_uid, top.st_gid) != 0 || ::chmod(upper.c_str(), top.st_mode & 07777) != 0)
            return host_error("own " + upper, errno);

    std::vector<env::UniqueFd> open;
    std::string options = "lowerdir=";
    for (const auto& layer : layers.empty() ? std::vector<std::string>{empty} : layers) {
        ASSIGN_OR_RETURN(const std::string name, by_descriptor(layer, open));
        if (options.back() != '=') options += ':';
        options += name;
    }
    ASSIGN_OR_RETURN(const std::string upper_name, by_descriptor(upper, open));
    ASSIGN_OR_RETURN(const std::string work_name, by_descriptor(work, open));
    // volatile: nothing of a container's own layer is needed after a power cut, so no sync() of it has to reach the
    // disk, and unmounting does not write back the whole file system below.
    options += ",upperdir=" + upper_name + ",workdir=" + work_name + ",volatile";
    if (options.size() > options_max) return HostError{"the image has too many layers (" + std::to_string(layers.size()) + ")", E2BIG};
    if (::mount("overlay", paths.mount.c_str(), "overlay", 0, options.c_str()) != 0) return host_error("mount overlay on " + paths.mount, errno);
    // Private: its end must not wait for copies in other mount namespaces.
    if (::mount(nullptr, paths.mount.c_str(), nullptr, MS_PRIVATE, nullptr) != 0) return host_error("make " + paths.mount + " private", errno);
    return {};
}

HostResult<> ensure_tmpfs(const std::string& path)
{
    RETURN_IF_ERROR(env::make_directories(path, 0711));
    struct statfs info;
    if (::statfs(path.c_str(), &info) != 0) return host_error("look at " + path, errno);
    if (info.f_type == TMPFS_MAGIC) return {};
    if (::mount("boxship", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0711") != 0)
        return host_error("mount a tmpfs on " + path, errno);
    return {};
}

HostResult<> unmount(const std::string& path)
{
    for (;;) {
        if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;  // once more: mounted twice?
        if (errno == EINVAL || errno == ENOENT) return {};
        return host_error("unmount " + path, errno);
    }
}

HostResult<> remove_rootfs(const RootfsPaths& paths)
{
    RETURN_IF_ERROR(unmount(paths.mount));
    RETURN_IF_ERROR(env::remove_tree(paths.mount));
    return env::remove_tree(paths.writable);
}

}  // namespace boxship::runtime
