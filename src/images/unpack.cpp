#include "images/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>

#include "images/layer_root.h"
#include "images/tar.h"
#include "images/tar_fields.h"

namespace boxship::images {
namespace {

using Place = LayerRoot::Place;

// What containers may be handed. The rest is the host's (trusted.*, security.selinux) or depends on its user ids.
bool may_carry(std::string_view attribute)
{
    if (attribute.starts_with("user.overlay.")) return false;
    return attribute == "security.capability" || attribute.starts_with("user.");
}

// aufs's own files, which old images carry.
bool is_housekeeping(std::string_view path)
{
    while (path.starts_with('/') || path.starts_with("./")) path.remove_prefix(path.front() == '/' ? 1 : 2);
    return path.starts_with(".wh..wh.") && path != ".wh..wh..opq";
}

HostResult<> write_piece(int fd, TarPiece piece)
{
    while (!piece.bytes.empty()) {
        const ssize_t wrote = ::pwrite(fd, piece.bytes.data(), piece.bytes.size(), static_cast<off_t>(piece.offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return host_error("write", errno);
        piece.bytes.remove_prefix(static_cast<std::size_t>(wrote));
        piece.offset += static_cast<std::uint64_t>(wrote);
    }
    return {};
}

class Unpacker {
public:
    Unpacker(ByteSource& source, LayerRoot root, const UnpackLimits& limits)
        : tar_(source), root_(std::move(root)), limits_(limits)
    {
    }

    HostResult<Unpacked> run();

private:
    HostResult<> take(const TarEntry& entry);
    HostResult<> take_whiteout(const Place& place);
    HostResult<> take_file(const TarEntry& entry, const Place& place);
    HostResult<> take_directory(const TarEntry& entry, const Place& place);
    HostResult<> take_hard_link(const TarEntry& entry, const Place& place);
    HostResult<> take_symbolic_link(const TarEntry& entry, const Place& place);
    HostResult<> take_device(const TarEntry& entry, const Place& place);
    HostResult<> describe(int fd, const TarEntry& entry);
    HostResult<> set_directory_times();

    // Runs `make`, which fails with EEXIST if something is there; then that is removed and `make` runs again.
    template <class Make>
    HostResult<> replacing(const Place& place, const char* doing, Make make)
    {
        if (make() == 0) return {};
        if (errno != EEXIST) return host_error(doing, errno);
        RETURN_IF_ERROR(root_.remove(place));
        if (make() != 0) return host_error(doing, errno);
        return {};
    }

    struct DirectoryTime {
        std::string path;
        timespec modified;
    };

    TarReader tar_;
    LayerRoot root_;
    UnpackLimits limits_;
    Unpacked done_;
    std::uint64_t declared_bytes_ = 0;
    std::vector<DirectoryTime> directory_times_;
};

HostResult<Unpacked> Unpacker::run()
{
    TarEntry entry;
    for (;;) {
        ASSIGN_OR_RETURN(const bool any, tar_.next(entry));
        if (!any) break;
        if (++done_.entries > limits_.entries_max) return HostError{fmt::format("more than {} entries", limits_.entries_max), EFBIG};
        if (entry.size > limits_.bytes_max - declared_bytes_) return HostError{fmt::format("more than {} bytes", limits_.bytes_max), EFBIG};
        declared_bytes_ += entry.size;
        if (const auto taken = take(entry); !taken.ok()) return taken.error().within(quoted(entry.path));
    }
    RETURN_IF_ERROR(set_directory_times());
    done_.implied = root_.implied();
    return std::move(done_);
}

HostResult<> Unpacker::take(const TarEntry& entry)
{
    if (is_housekeeping(entry.path)) return {};
    ASSIGN_OR_RETURN(const Place place, root_.place(entry.path));
    if (place.name.starts_with(".wh.")) return take_whiteout(place);
    if (entry.kind == TarEntry::Kind::directory) return take_directory(entry, place);
    if (place.name.empty()) return HostError{"the root must be a directory", EBADMSG};
    if (entry.kind == TarEntry::Kind::file) return take_file(entry, place);
    if (entry.kind == TarEntry::Kind::hard_link) return take_hard_link(entry, place);
    if (entry.kind == TarEntry::Kind::symbolic_link) return take_symbolic_link(entry, place);
    return take_device(entry, place);
}

// Whiteouts hide what lower layers have, whatever this layer itself has under that name, before or after.
HostResult<> Unpacker::take_whiteout(const Place& place)
{
    if (place.name == ".wh..wh..opq") return root_.make_opaque(place.parent);
    const std::string hidden = place.name.substr(4);
    if (hidden.empty() || hidden == "." || hidden == "..") return HostError{"a whiteout of nothing", EBADMSG};
    if (::mknodat(place.parent, hidden.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
    if (errno != EEXIST) return host_error("make whiteout", errno);
    struct stat info;
    if (::fstatat(place.parent, hidden.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return host_error("look at", errno);
    if (!S_ISDIR(info.st_mode)) return {};
    const env::UniqueFd directory(::openat(place.parent, hidden.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return host_error("open directory", errno);
    return root_.make_opaque(directory.get());
}

HostResult<> Unpacker::take_file(const TarEntry& entry, const Place& place)
{
    env::UniqueFd file;
    RETURN_IF_ERROR(replacing(place, "create", [&] {
        file.reset(::openat(place.parent, place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        return file ? 0 : -1;
    }));
    for (;;) {
        ASSIGN_OR_RETURN(const TarPiece piece, tar_.read());
        if (piece.bytes.empty()) break;
        done_.bytes += piece.bytes.size();
        RETURN_IF_ERROR(write_piece(file.get(), piece));
    }
    if (entry.sparse && ::ftruncate(file.get(), static_cast<off_t>(entry.size)) != 0) return host_error("set size", errno);
    RETURN_IF_ERROR(describe(file.get(), entry));
    const timespec times[2] = {entry.modified, entry.modified};
    if (::futimens(file.get(), times) != 0) return host_error("set times", errno);
    return {};
}

HostResult<> Unpacker::take_directory(const TarEntry& entry, const Place& place)
{
    if (!place.name.empty()) RETURN_IF_ERROR(root_.make_directory(place));
    const char* name = place.name.empty() ? "." : place.name.c_str();
    const env::UniqueFd directory(::openat(place.parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return host_error("open directory", errno);
    struct stat info;
    if (::fstat(directory.get(), &info) != 0) return host_error("look at directory", errno);
    root_.declare(info.st_ino);
    RETURN_IF_ERROR(describe(directory.get(), entry));
    directory_times_.push_back({entry.path, entry.modified});
    return {};
}

HostResult<> Unpacker::take_hard_link(const TarEntry& entry, const Place& place)
{
    const env::UniqueFd parent(::fcntl(place.parent, F_DUPFD_CLOEXEC, 0));  // looking for the target ends `place`
    if (!parent) return host_error("hard link", errno);
    const Place link{parent.get(), place.name};
    const std::string doing = "hard link to " + quoted(entry.target);
    const auto target = root_.existing(entry.target);
    if (!target.ok()) return target.error().within(doing);
    struct stat info;
    if (::fstatat(target->parent, target->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return host_error(doing, errno);
    if (S_ISDIR(info.st_mode)) return host_error(doing, EISDIR);
    struct stat there;
    if (::fstatat(link.parent, link.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
        if (there.st_ino == info.st_ino) return {};
        RETURN_IF_ERROR(root_.remove(link));
    }
    if (::linkat(target->parent, target->name.c_str(), link.parent, link.name.c_str(), 0) != 0) return host_error(doing, errno);
    return {};
}

HostResult<> Unpacker::take_symbolic_link(const TarEntry& entry, const Place& place)
{
    RETURN_IF_ERROR(replacing(place, "symbolic link",
                              [&] { return ::symlinkat(entry.target.c_str(), place.parent, place.name.c_str()); }));
    if (::fchownat(place.parent, place.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
        return host_error("set owner", errno);
    const timespec times[2] = {entry.modified, entry.modified};
    if (::utimensat(place.parent, place.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return host_error("set times", errno);
    return {};
}

HostResult<> Unpacker::take_device(const TarEntry& entry, const Place& place)
{
    const mode_t type = entry.kind == TarEntry::Kind::fifo                ? S_IFIFO
                        : entry.kind == TarEntry::Kind::character_device ? S_IFCHR
                                                                         : S_IFBLK;
    const dev_t device = type == S_IFIFO ? 0 : makedev(entry.device_major, entry.device_minor);
    RETURN_IF_ERROR(replacing(place, "make device",
                              [&] { return ::mknodat(place.parent, place.name.c_str(), type | 0600, device); }));
    // Not through a descriptor: opening a device or a FIFO has effects. Nobody else can swap the name meanwhile.
    if (::fchownat(place.parent, place.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
        return host_error("set owner", errno);
    if (::fchmodat(place.parent, place.name.c_str(), entry.mode, 0) != 0) return host_error("set mode", errno);
    const timespec times[2] = {entry.modified, entry.modified};
    if (::utimensat(place.parent, place.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return host_error("set times", errno);
    return {};
}

// Owner first: a change of owner clears setuid bits and capabilities.
HostResult<> Unpacker::describe(int fd, const TarEntry& entry)
{
    if (::fchown(fd, entry.uid, entry.gid) != 0) return host_error("set owner", errno);
    if (::fchmod(fd, entry.mode) != 0) return host_error("set mode", errno);
    for (const auto& [name, value] : entry.attributes) {
        if (!may_carry(name)) continue;
        if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
        // A file system without attributes loses user.* quietly, as tar does; a lost capability would break a program.
        if (errno == ENOTSUP && name.starts_with("user.")) continue;
        return host_error("set attribute " + quoted(name), errno);
    }
    return {};
}

// Last, because what is made in a directory changes its time.
HostResult<> Unpacker::set_directory_times()
{
    for (const DirectoryTime& directory : directory_times_) {
        const auto opened = root_.open_directory(directory.path);
        if (!opened.ok()) {
            if (opened.error().code == ENOENT || opened.error().code == ENOTDIR) continue;  // replaced by a later entry
            return opened.error();
        }
        const timespec times[2] = {directory.modified, directory.modified};
        if (::futimens(opened->get(), times) != 0) return host_error("set times of " + quoted(directory.path), errno);
    }
    return {};
}

}  // namespace

HostResult<Unpacked> unpack(ByteSource& tar, const std::string& directory, const UnpackLimits& limits)
{
    ASSIGN_OR_RETURN(LayerRoot root, LayerRoot::open(directory));
    return Unpacker(tar, std::move(root), limits).run();
}

}  // namespace boxship::images
