#include "drive/haproxy/sockets.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "base/numbers.h"
#include "env/real/files.h"
#include "env/real/unique_fd.h"

namespace boxship::drive::haproxy {
namespace {

constexpr auto answer_within = std::chrono::seconds(2);
constexpr std::string_view name_begins = "generation-", socket_ends = ".sock", pid_ends = ".pid";

std::string file_of(const std::string& directory, std::uint64_t generation, std::string_view ends)
{
    return fmt::format("{}/{}{}{}", directory, name_begins, generation, ends);
}

std::vector<std::uint64_t> numbers_in(const std::string& directory, std::string_view name_ends)
{
    std::vector<std::uint64_t> generations;
    const auto files = env::list_directory(directory);
    if (!files.ok()) return generations;
    for (const std::string_view file : *files) {
        if (!file.starts_with(name_begins) || !file.ends_with(name_ends)) continue;
        const auto between = file.substr(name_begins.size(), file.size() - name_begins.size() - name_ends.size());
        if (const auto number = parse_number<std::uint64_t>(between)) generations.push_back(*number);
    }
    std::ranges::sort(generations);
    return generations;
}

}  // namespace

std::string admin_socket(const std::string& directory, std::uint64_t generation) { return file_of(directory, generation, socket_ends); }
std::vector<std::uint64_t> generations_in(const std::string& directory) { return numbers_in(directory, socket_ends); }

std::string pid_file(const std::string& directory, std::uint64_t generation) { return file_of(directory, generation, pid_ends); }
std::vector<std::uint64_t> pid_files_in(const std::string& directory) { return numbers_in(directory, pid_ends); }

HostResult<std::string> ask(const std::string& path, const std::string& commands)
{
    const std::string doing = "ask HAProxy at " + path;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return host_error(doing, ENAMETOOLONG);
    path.copy(name.sun_path, path.size());
    const env::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return host_error(doing, errno);
    timeval timeout{.tv_sec = answer_within.count(), .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return host_error(doing, errno);
    RETURN_IF_ERROR(env::write_all(socket.get(), commands + "\n", path));
    std::string answer;
    char bytes[16384];
    for (;;) {
        const ssize_t size = ::read(socket.get(), bytes, sizeof bytes);
        if (size == 0) return answer;
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return host_error(doing, errno);
        answer.append(bytes, static_cast<std::size_t>(size));
    }
}

}  // namespace boxship::drive::haproxy
