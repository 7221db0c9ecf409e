// Output of containers for `boxship logs`: read from the files beside the agent, followed while it grows. One thread
// serves all streams; there is none while nobody reads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/board.h"
#include "env/real/unique_fd.h"
#include "shape/json_value.h"

namespace boxship::agent {

struct LogRequest {
    std::string task;                    // ARN
    std::string container;               // "": all of the task
    bool follow = false;
    std::optional<std::size_t> tail;     // the last so many lines of each container
    Time since;                          // not older; 0: from the beginning
};

// {"lines": [{"container", "stream", "time", "text"}…]} as often as there is something, then {"end": true, "error"?}.
// On the thread of the streams; false: enough.
using LogSink = std::function<bool(shape::Json frame)>;

class LogStreams {
public:
    // `directory_of` gives the directory of a container's output (runtime/log_format.h).
    LogStreams(const Board& board, std::function<std::string(const std::string& container)> directory_of);
    ~LogStreams();

    void start(std::int64_t id, LogRequest request, LogSink sink);
    void cancel(std::int64_t id);
    void cancel_all();
    void poke();                         // something about a task changed: a followed container may have ended

private:
    struct Stream;
    void run();
    void wake();

    const Board& board_;
    const std::function<std::string(const std::string&)> directory_of_;
    std::mutex mutex_;
    std::map<std::int64_t, std::shared_ptr<Stream>> streams_;
    bool running_ = false;
    bool stopping_ = false;
    env::UniqueFd wake_;
    std::thread thread_;
};

}  // namespace boxship::agent
