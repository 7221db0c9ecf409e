// The parent of HAProxy's processes, one a generation of the configuration. It lives as long as the load balancers serve, whoever
// started it, and they die with it.
//
//     SIGUSR2   a new generation, which takes the listening sockets over from the newest one
//     SIGTERM   all end
//
// Why not HAProxy's own master: it tells the older worker to stop by SIGUSR1, and then HAProxy closes its descriptors of network
// namespaces. From there on that worker reaches no target by a new connection: what it has accepted already, and the last request
// on each kept-alive connection, would be answered 503. Here nobody sends that signal; an older generation is told at its admin
// socket to listen no more (Balancers::follow_older).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace boxship::drive::haproxy {

class Keeper {
public:
    // `configuration`: the file's path. Admin sockets are beside it.
    explicit Keeper(std::string configuration);
    int run();                                  // the exit code; call it before there is any thread

private:
    bool begin();
    bool reap();                                // false: the newest one has ended
    void end_all();

    const std::string configuration_;
    std::vector<pid_t> processes_;              // oldest first
};

}  // namespace boxship::drive::haproxy
