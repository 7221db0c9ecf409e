// Those who listen to a monitor (protocol.h): the socket, its connections, what each has been told.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::runtime {

class Listeners {
public:
    explicit Listeners(int epoll) : epoll_(epoll) {}

    HostResult<> open(const std::string& directory);  // binds "sock" there
    void adopt(int fd);                               // a connection that exists already
    bool owns(int fd) const;                          // is it the socket or one of the connections?

    // To all, and to everyone who comes later. One that does not read what it is sent is dropped.
    void announce(const std::string& line);

    // What an owned descriptor has for us; `command` gets whole lines.
    void readable(int fd, const std::function<void(std::string_view)>& command);

private:
    struct Connection {
        env::UniqueFd fd;
        std::string unfinished;
    };
    bool tell(const Connection& connection, std::string_view text);

    int epoll_;
    env::UniqueFd socket_;
    std::list<Connection> connections_;
    std::string history_;
};

}  // namespace boxship::runtime
