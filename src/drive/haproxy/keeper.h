// The parent of HAProxy's processes, one a generation of the configuration, and the owner of the sockets that they listen on. It
// lives as long as the load balancers serve, whoever started it.
//
//     SIGUSR2   a new generation beside those that serve
//     SIGTERM   all end
//
// A newest generation that crashes is begun anew at once. Nothing is refused meanwhile: the sockets are the keeper's, and connections
// wait in them. A keeper that is killed leaves its HAProxies serving; the next one finds them by their pid files and takes the sockets
// back from the newest.
//
// Why not HAProxy's own master: it tells the older worker to stop by SIGUSR1, and then HAProxy closes its descriptors of network
// namespaces. From there on that worker reaches no target by a new connection: what it has accepted already, and the last request
// on each kept-alive connection, would be answered 503. Here nobody sends that signal; an older generation is told at its admin
// socket to listen no more (Balancers::follow_older).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "drive/haproxy/binds.h"
#include "env/real/unique_fd.h"

namespace boxship::drive::haproxy {

class Keeper {
public:
    // `configuration`: the file's path. Admin sockets and pid files are beside it.
    Keeper(std::string configuration, EnterNetwork enter);
    int run();                                  // the exit code; call it before there is any thread

private:
    struct Generation {
        std::uint64_t number = 0;
        pid_t pid = 0;
        env::UniqueFd end;                      // readable when it has ended
    };
    void adopt();                               // those of a keeper that was killed
    HostResult<> begin();
    HostResult<std::string> hold_sockets(const std::string& configuration);
    [[noreturn]] void become_haproxy(std::uint64_t number, int configuration);
    bool reap();                                // false: nobody serves, and beginning anew is of no use
    void end_all();
    int again_in_ms() const;                    // -1: nothing is to be begun anew

    const std::string configuration_, directory_;
    const EnterNetwork enter_;
    env::UniqueFd signals_;
    std::map<Bind, env::UniqueFd> sockets_;
    std::vector<env::UniqueFd> found_;          // sockets of adopted generations, until it is known what for
    std::vector<Generation> generations_;       // oldest first
    bool crashed_ = false;                      // the newest has; it is to be begun anew
    bool restarted_ = false;                    // the newest was begun in the place of one that crashed
    std::chrono::steady_clock::time_point begun_{};
};

// Ends what a killed keeper has left in the directory.
void end_generations(const std::string& directory);

}  // namespace boxship::drive::haproxy
