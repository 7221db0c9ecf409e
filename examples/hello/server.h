// One thread, one poll loop, many connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <string>

#include "facts.h"

namespace hello {

class Server {
public:
    explicit Server(Facts& facts) : facts_(facts) {}
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Both IPv4 and IPv6. False, with the reason on stderr, when the port cannot be had.
    bool listen(std::uint16_t port);
    // Returns when `stop_fd` has become readable and every request begun by then is answered.
    void run(int stop_fd);

private:
    using Clock = std::chrono::steady_clock;

    struct Connection {
        int fd = -1;
        std::string peer;
        std::string in;
        std::string out;
        std::size_t sent = 0;
        std::size_t to_skip = 0;     // bytes of a request's body still to come
        bool last = false;           // close when `out` is sent
        bool closed = false;
        Clock::time_point deadline;  // nothing happens until then: closed
    };

    void accept_all();
    void receive(Connection& connection);
    void answer_all(Connection& connection);
    void answer(Connection& connection, const struct Request& request);
    void refuse(Connection& connection, int status);
    void send(Connection& connection);
    void log(const Connection& connection, const std::string& what, int status, std::size_t bytes);
    void write_log();

    Facts& facts_;
    int listener_ = -1;
    std::size_t allowed_ = 0;        // connections at once
    bool stopping_ = false;
    std::list<Connection> connections_;
    std::string log_;
};

}  // namespace hello
