#include "runtime/monitor/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "env/real/files.h"

namespace boxship::runtime {

HostResult<env::UniqueFd> listen_for_terminal(const std::string& directory)
{
    ASSIGN_OR_RETURN(const env::UniqueFd folder, env::open_file(directory, O_PATH | O_DIRECTORY));
    env::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return host_error("socket", errno);
    ::unlinkat(folder.get(), "console.sock", 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/console.sock", folder.get());
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    if (bound != 0 || ::listen(socket.get(), 1) != 0) return host_error("listen for a terminal in " + directory, errno);
    return socket;
}

env::UniqueFd receive_terminal(int listening)
{
    const env::UniqueFd connection(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return {};
    char name[256];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec part{name, sizeof name};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC) < 0) return {};
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return env::UniqueFd(fd);
}

void resize_terminal(int terminal, unsigned rows, unsigned columns)
{
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ::ioctl(terminal, TIOCSWINSZ, &size);
}

}  // namespace boxship::runtime
