// For this folder's tests: a raw socket with a pen and a bounded patience.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "env/real/unique_fd.h"

namespace boxship::http {

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }

    // False: the server has gone.
    bool send(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Until `end` is in what was read, the server closes, or ten seconds pass. Takes it from what is kept.
    std::string read_until(std::string_view end)
    {
        for (;;) {
            if (const auto at = kept_.find(end); at != std::string::npos) return take(at + end.size());
            if (!more()) return take(kept_.size());
        }
    }
    std::string read_bytes(std::size_t count)
    {
        while (kept_.size() < count && more()) {
        }
        return take(std::min(count, kept_.size()));
    }
    std::string read_to_end()
    {
        while (more()) {
        }
        return take(kept_.size());
    }
    // One answer with a Content-Length.
    std::string read_response()
    {
        std::string head = read_until("\r\n\r\n");
        const auto at = head.find("Content-Length: ");
        if (at != std::string::npos) head += read_bytes(std::strtoul(head.c_str() + at + 16, nullptr, 10));
        return head;
    }
    bool closed() { return read_to_end().empty() && ended_; }
    int fd() const { return fd_.get(); }

private:
    bool more()
    {
        pollfd waiting{fd_.get(), POLLIN, 0};
        if (ended_ || ::poll(&waiting, 1, 10'000) <= 0) return false;
        char buffer[65536];
        const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
        if (got <= 0) {
            ended_ = true;
            return false;
        }
        kept_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    std::string take(std::size_t count)
    {
        std::string taken = kept_.substr(0, count);
        kept_.erase(0, count);
        return taken;
    }

    env::UniqueFd fd_;
    std::string kept_;
    bool ended_ = false;
};

}  // namespace boxship::http
