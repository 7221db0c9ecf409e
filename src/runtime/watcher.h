// Listens to all monitors on one thread and tells, once per container, that it ended, however that came about.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "env/real/unique_fd.h"
#include "runtime/paths.h"

namespace boxship::runtime {

class Watcher {
public:
    using Sink = std::function<void(const ContainerEvent&)>;
    // What to do about a container whose monitor vanished: it has nobody any more and must end.
    using Lost = std::function<void(const ContainerId&)>;

    Watcher(Paths paths, Sink sink, Lost lost);
    ~Watcher();  // containers and monitors go on

    // `rest` was read from the connection already. `monitor`: its process, awaited at the end.
    void add(const ContainerId& id, env::UniqueFd connection, std::string rest, pid_t monitor);
    void forget(const ContainerId& id);  // no more events about it
    bool watches(const ContainerId& id);
    bool await(const ContainerId& id, Milliseconds patience);  // true: it is watched no longer, its end has been told

private:
    struct Watched {
        ContainerId id;
        env::UniqueFd connection;
        std::string rest;
        pid_t monitor = 0;
        bool ended = false;  // its last line has come; only the end of the stream is missing
        Exit exit;
    };
    void run();
    void serve(int fd);
    bool take_lines(Watched& watched);
    void finish(const std::shared_ptr<Watched>& watched);
    void reconnect_or_lose(const std::shared_ptr<Watched>& watched);

    Paths paths_;
    Sink sink_;
    Lost lost_;
    env::UniqueFd epoll_;
    env::UniqueFd wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<int, std::shared_ptr<Watched>> by_fd_;
    std::map<ContainerId, int> by_id_;
    bool stopping_ = false;
    std::thread thread_;
};

// The exit file's word, if there is one.
std::optional<Exit> read_exit(const Paths& paths, const ContainerId& id);

}  // namespace boxship::runtime
