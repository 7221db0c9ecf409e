#include "floor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "wire/crypto.h"

namespace boxship::bench {
namespace {

[[noreturn]] void give_up(const char* doing)
{
    std::perror(doing);
    std::exit(1);
}

void take(int connection, const std::string& directory, int number)
{
    std::uint64_t left = 0;
    if (::recv(connection, &left, sizeof left, MSG_WAITALL) != sizeof left) give_up("receive the length");
    const std::string path = directory + "/incoming" + std::to_string(number);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    std::vector<char> buffer(256 << 10);
    crypto::Sha256 hash;
    while (left > 0) {
        const ssize_t got = ::recv(connection, buffer.data(), std::min<std::uint64_t>(buffer.size(), left), 0);
        if (got <= 0) give_up("receive");
        hash.update({buffer.data(), static_cast<std::size_t>(got)});
        if (file < 0 || ::write(file, buffer.data(), static_cast<std::size_t>(got)) != got) give_up("write");
        left -= static_cast<std::uint64_t>(got);
    }
    if (::fsync(file) != 0 || ::rename(path.c_str(), (directory + "/" + hash.finish_hex()).c_str()) != 0) give_up("keep");
    const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (::fsync(folder) != 0) give_up("fsync the directory");
    ::close(folder);
    ::close(file);
    if (::send(connection, "1", 1, MSG_NOSIGNAL) != 1) give_up("answer");
    ::close(connection);
}

}  // namespace

int serve_floor(const char* directory)
{
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 16) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        give_up("listen");
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    std::thread([] {
        char byte;
        while (::read(0, &byte, 1) > 0) {}
        ::_exit(0);
    }).detach();
    for (int number = 0;; ++number) {
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) give_up("accept");
        std::thread(take, connection, std::string(directory), number).detach();
    }
}

}  // namespace boxship::bench
