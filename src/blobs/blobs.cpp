#include "blobs/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "env/real/files.h"

namespace boxship::blobs {
namespace {

constexpr mode_t incoming_mode = 0600;
constexpr mode_t stored_mode = 0444;

}  // namespace

HostResult<> Blobs::prepare()
{
    RETURN_IF_ERROR(env::make_directories(root_, 0700));
    for (const char* name : {"sha256", "sha512", "incoming", "quarantine"})
        RETURN_IF_ERROR(env::make_directories(root_ + "/" + name, 0700));
    if (!env::file_exists(root_ + "/oci-layout"))
        RETURN_IF_ERROR(env::write_file_durably(root_ + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})", 0644));
    RETURN_IF_ERROR(env::sync_directory(root_));
    return {};
}

std::string Blobs::path_of(const Digest& digest) const { return root_ + "/" + to_text(digest.algorithm) + "/" + digest.hex; }

HostResult<std::shared_ptr<Incoming>> Blobs::create(const std::string& id, Algorithm algorithm)
{
    const std::string path = incoming_path(id);
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, incoming_mode));
    return std::make_shared<Incoming>(path, std::move(fd), Hasher(algorithm), 0);
}

HostResult<std::shared_ptr<Incoming>> Blobs::resume(const std::string& id, Algorithm algorithm, std::uint64_t noted_offset)
{
    const std::string path = incoming_path(id);
    // An upload of no byte so far needs no file from before: the directory entry was never made durable.
    const int make = noted_offset == 0 ? O_CREAT : 0;
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_NOFOLLOW | make, incoming_mode));
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return host_error("stat " + path, errno);
    if (static_cast<std::uint64_t>(info.st_size) < noted_offset)
        return HostError{"resume " + path + ": it is shorter than what was noted", ENODATA};
    auto incoming = std::make_shared<Incoming>(path, std::move(fd), Hasher(algorithm), 0);
    RETURN_IF_ERROR(incoming->cut(noted_offset));
    return incoming;
}

HostResult<> Blobs::discard(const std::string& id) { return env::remove_file(incoming_path(id)); }

HostResult<> Blobs::move_in(const std::string& from, const Digest& digest)
{
    const std::string to = path_of(digest);
    if (::rename(from.c_str(), to.c_str()) != 0) return host_error("rename " + from + " to " + to, errno);
    return env::sync_directory(root_ + "/" + to_text(digest.algorithm));
}

HostResult<> Blobs::commit(Incoming& incoming, const Digest& expected)
{
    ASSIGN_OR_RETURN(const Digest actual, incoming.digest(expected.algorithm));
    if (actual != expected)
        return HostError{"the bytes have the digest " + to_text(actual) + ", not " + to_text(expected), EBADMSG};
    if (::fchmod(incoming.fd_.get(), stored_mode) != 0) return host_error("protect " + incoming.path(), errno);
    RETURN_IF_ERROR(incoming.sync());
    return move_in(incoming.path(), expected);
}

HostResult<> Blobs::put(const Digest& digest, std::string_view bytes)
{
    const std::string path = incoming_path("put-" + std::to_string(puts_++) + "-" + digest.hex.substr(0, 16));
    RETURN_IF_ERROR(env::remove_file(path));  // of an earlier run
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, incoming_mode));
    Incoming incoming(path, std::move(fd), Hasher(digest.algorithm), 0);
    HostResult<> outcome = incoming.append(bytes);
    if (outcome.ok()) outcome = commit(incoming, digest);
    if (!outcome.ok()) RETURN_IF_ERROR(env::remove_file(path));
    return outcome;
}

HostResult<OpenFile> Blobs::open(const Digest& digest) const
{
    const std::string path = path_of(digest);
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDONLY | O_NOFOLLOW));
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return host_error("stat " + path, errno);
    return OpenFile{std::make_shared<const env::UniqueFd>(std::move(fd)), static_cast<std::uint64_t>(info.st_size)};
}

HostResult<std::string> Blobs::read(const Digest& digest, std::size_t bytes_max) const
{
    ASSIGN_OR_RETURN(std::string bytes, env::read_file(path_of(digest), bytes_max));
    if (digest_of(digest.algorithm, bytes) != digest)
        return HostError{"read " + path_of(digest) + ": the bytes are not what the name says", EBADMSG};
    return bytes;
}

HostResult<> Blobs::remove(const Digest& digest) { return env::remove_file(path_of(digest)); }

HostResult<> Blobs::quarantine(const Digest& digest)
{
    const std::string from = path_of(digest);
    const std::string to = root_ + "/quarantine/" + to_text(digest.algorithm) + "-" + digest.hex;
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return host_error("rename " + from + " to " + to, errno);
    return {};
}

HostResult<bool> Blobs::verify(const Digest& digest) const
{
    ASSIGN_OR_RETURN(const OpenFile file, open(digest));
    Hasher hasher(digest.algorithm);
    std::vector<char> buffer(1 << 20);
    for (std::uint64_t at = 0;;) {
        const ssize_t got = ::pread(file.fd->get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return host_error("read " + path_of(digest), errno);
        if (got == 0) return hasher.digest() == digest;
        hasher.update({buffer.data(), static_cast<std::size_t>(got)});
        at += static_cast<std::uint64_t>(got);
    }
}

HostResult<std::vector<StoredFile>> Blobs::list_incoming() const { return list_files(root_ + "/incoming"); }
HostResult<std::vector<StoredFile>> Blobs::list(Algorithm algorithm) const { return list_files(root_ + "/" + to_text(algorithm)); }

HostResult<std::vector<StoredFile>> Blobs::list_files(const std::string& directory) const
{
    ASSIGN_OR_RETURN(std::vector<std::string> names, env::list_directory(directory));
    std::vector<StoredFile> files;
    files.reserve(names.size());
    for (std::string& name : names) {
        struct stat info;
        if (::lstat((directory + "/" + name).c_str(), &info) != 0) {
            if (errno == ENOENT) continue;
            return host_error("stat " + directory + "/" + name, errno);
        }
        files.push_back({std::move(name), Time{info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000},
                         static_cast<std::uint64_t>(info.st_size)});
    }
    return files;
}

}  // namespace boxship::blobs
