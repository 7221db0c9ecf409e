#include "agent/log_streams.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "env/real/files.h"
#include "runtime/log_reader.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr std::size_t lines_per_frame = 500;
constexpr std::size_t line_bytes_max = 256 << 10;       // of a line joined from pieces

struct Source {
    std::string container;       // name
    std::size_t number = 0;
    runtime::LogReader reader;
    std::string unfinished[2];   // pieces of stdout's and stderr's current line
    bool ended = false;          // the container is, and all was read
};

void append(Source& source, const runtime::LogLine& line, Json& lines)
{
    std::string& unfinished = source.unfinished[line.stream == runtime::Stream::err ? 1 : 0];
    unfinished += line.text;
    if (!line.whole && unfinished.size() < line_bytes_max) return;
    lines.push_back(Json::object({{"container", source.container}, {"stream", line.stream == runtime::Stream::err ? "stderr" : "stdout"},
                                  {"time", line.ns / 1'000'000}, {"text", std::exchange(unfinished, {})}}));
}

}  // namespace

struct LogStreams::Stream {
    LogRequest request;
    LogSink sink;
    std::atomic<bool> cancelled = false;
    bool opened = false;
    std::vector<Source> sources;

    HostResult<> open(const Board& board, const std::function<std::string(const std::string&)>& directory_of);
    HostResult<bool> pump(const Board& board);            // false: at its end
    HostResult<bool> read_all(Source& source);            // false: the sink has had enough
    HostResult<std::vector<pollfd>> descriptors();
};

HostResult<> LogStreams::Stream::open(const Board& board, const std::function<std::string(const std::string&)>& directory_of)
{
    opened = true;
    const std::string id = task_id_of(request.task);
    const auto view = board.find(id);
    if (!view) return HostError{"the output of this task is no longer kept on its host"};
    const auto& containers = view->record.spec->containers;
    for (std::size_t at = 0; at < containers.size(); ++at) {
        if (!request.container.empty() && containers[at].name != request.container) continue;
        const std::string directory = directory_of(container_id(id, at));
        // A container that has not started has no directory yet, and what is not there cannot be watched.
        if (request.follow && !view->record.stopped) RETURN_IF_ERROR(env::make_directories(directory, 0700));
        sources.push_back({containers[at].name, at, runtime::LogReader(directory), {}, false});
        runtime::LogReader& reader = sources.back().reader;
        if (request.tail) RETURN_IF_ERROR(reader.seek_tail(*request.tail));
        if (request.since) reader.seek_since(request.since.ms * 1'000'000);
    }
    if (sources.empty()) return HostError{"the task has no container " + request.container};
    return {};
}

HostResult<bool> LogStreams::Stream::read_all(Source& source)
{
    for (;;) {
        ASSIGN_OR_RETURN(const auto some, source.reader.read(lines_per_frame));
        if (some.empty()) return true;
        Json lines = Json::array();
        for (const runtime::LogLine& line : some) append(source, line, lines);
        if (!lines.as_array().empty() && (cancelled || !sink(Json::object({{"lines", std::move(lines)}})))) return false;
    }
}

HostResult<bool> LogStreams::Stream::pump(const Board& board)
{
    bool open_ones = false;
    for (Source& source : sources) {
        if (source.ended) continue;
        // Asked before the reading: what is written in between is read now.
        const auto view = board.find(task_id_of(request.task));
        const bool over = !view || view->record.containers[source.number].life == Life::stopped;
        if (request.follow) {
            ASSIGN_OR_RETURN(const int watched, source.reader.watch());
            (void)watched;
            source.reader.acknowledge();
        }
        ASSIGN_OR_RETURN(const bool more, read_all(source));
        if (!more) return false;
        source.ended = over || !request.follow;
        open_ones = open_ones || !source.ended;
    }
    return open_ones;
}

HostResult<std::vector<pollfd>> LogStreams::Stream::descriptors()
{
    std::vector<pollfd> list;
    for (Source& source : sources) {
        if (source.ended) continue;
        ASSIGN_OR_RETURN(const int fd, source.reader.watch());
        list.push_back({fd, POLLIN, 0});
    }
    return list;
}

LogStreams::LogStreams(const Board& board, std::function<std::string(const std::string&)> directory_of)
    : board_(board), directory_of_(std::move(directory_of)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    CHECK(static_cast<bool>(wake_));
}

LogStreams::~LogStreams()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    cancel_all();
    if (thread_.joinable()) thread_.join();
}

void LogStreams::wake()
{
    const std::uint64_t one = 1;
    // Full means that a wake-up is pending already.
    if (::write(wake_.get(), &one, sizeof one) < 0) CHECK(errno == EAGAIN);
}

void LogStreams::start(std::int64_t id, LogRequest request, LogSink sink)
{
    auto stream = std::make_shared<Stream>();
    stream->request = std::move(request);
    stream->sink = std::move(sink);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    streams_[id] = std::move(stream);
    if (!running_) {
        if (thread_.joinable()) thread_.join();       // it has left its loop already
        running_ = true;
        thread_ = std::thread([this] { run(); });
    }
    wake();
}

void LogStreams::cancel(std::int64_t id)
{
    const std::lock_guard lock(mutex_);
    if (const auto at = streams_.find(id); at != streams_.end()) at->second->cancelled = true;
    wake();
}

void LogStreams::cancel_all()
{
    const std::lock_guard lock(mutex_);
    for (const auto& [id, stream] : streams_) stream->cancelled = true;
    wake();
}

void LogStreams::poke()
{
    const std::lock_guard lock(mutex_);
    if (running_) wake();
}

void LogStreams::run()
{
    for (;;) {
        std::map<std::int64_t, std::shared_ptr<Stream>> streams;
        {
            const std::lock_guard lock(mutex_);
            std::erase_if(streams_, [](const auto& entry) { return entry.second->cancelled.load(); });
            if (streams_.empty()) {
                running_ = false;
                return;
            }
            streams = streams_;
        }
        std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}};
        for (const auto& [id, stream] : streams) {
            HostResult<bool> more = true;
            if (!stream->opened) {
                if (const auto opened = stream->open(board_, directory_of_); !opened) more = opened.error();
            }
            if (more) more = stream->pump(board_);
            HostResult<std::vector<pollfd>> descriptors = std::vector<pollfd>{};
            if (more && *more) descriptors = stream->descriptors();
            if (more && *more && descriptors) {
                watched.insert(watched.end(), descriptors->begin(), descriptors->end());
                continue;
            }
            Json end = Json::object({{"end", true}});
            if (!more)
                end.set("error", more.error().message);
            else if (!descriptors)
                end.set("error", descriptors.error().message);
            if (!stream->cancelled) stream->sink(std::move(end));
            stream->cancelled = true;
            watched.front().fd = -1;                   // do not sleep: the list of streams has changed
        }
        const bool sleep = watched.front().fd >= 0;
        if (!sleep) continue;
        while (::poll(watched.data(), watched.size(), -1) < 0) CHECK(errno == EINTR);
        std::uint64_t count;
        if (::read(wake_.get(), &count, sizeof count) < 0) CHECK(errno == EAGAIN);
    }
}

}  // namespace boxship::agent
