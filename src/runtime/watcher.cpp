#include "runtime/watcher.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "base/check.h"
#include "base/log.h"
#include "env/real/files.h"
#include "runtime/monitor_client.h"

namespace boxship::runtime {
namespace {

constexpr Milliseconds farewell(2000);  // a monitor's last line to its end

Time now()
{
    return {std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

void poll_in(int epoll, int fd)
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    CHECK(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace

std::optional<Exit> read_exit(const Paths& paths, const ContainerId& id)
{
    const auto text = env::read_file(paths.exit_of(id));
    if (!text) return std::nullopt;
    MonitorNews news = read_news(*text);
    if (news.kind == MonitorNews::Kind::failed) news.exit.reason = "it could not be started";
    else if (news.kind != MonitorNews::Kind::exited) return std::nullopt;
    return news.exit;
}

Watcher::Watcher(Paths paths, Sink sink, Lost lost)
    : paths_(std::move(paths)), sink_(std::move(sink)), lost_(std::move(lost)), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    CHECK(epoll_ && wake_);
    poll_in(epoll_.get(), wake_.get());
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), "exits");
}

Watcher::~Watcher()
{
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    const std::uint64_t one = 1;
    CHECK(::write(wake_.get(), &one, sizeof one) == sizeof one);
    thread_.join();
}

void Watcher::add(const ContainerId& id, env::UniqueFd connection, std::string rest, pid_t monitor)
{
    const int fd = connection.get();
    auto watched = std::make_shared<Watched>(Watched{id, std::move(connection), std::move(rest), monitor, false, {}});
    const std::lock_guard guard(mutex_);
    CHECK(!by_id_.contains(id));
    by_fd_[fd] = std::move(watched);
    by_id_[id] = fd;
    // What is in `rest` is looked at together with what comes: at the latest the end of the stream.
    poll_in(epoll_.get(), fd);
}

void Watcher::forget(const ContainerId& id)
{
    const std::lock_guard guard(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second, nullptr);
    by_fd_.erase(found->second);
    by_id_.erase(found);
    changed_.notify_all();
}

bool Watcher::watches(const ContainerId& id)
{
    const std::lock_guard guard(mutex_);
    return by_id_.contains(id);
}

bool Watcher::await(const ContainerId& id, Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return !by_id_.contains(id); });
}

void Watcher::run()
{
    for (;;) {
        epoll_event events[16];
        const int count = ::epoll_wait(epoll_.get(), events, 16, -1);
        CHECK(count >= 0 || errno == EINTR);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd != wake_.get()) {
                serve(events[i].data.fd);
                continue;
            }
            const std::lock_guard guard(mutex_);
            if (stopping_) return;
        }
    }
}

void Watcher::serve(int fd)
{
    std::shared_ptr<Watched> watched;
    {
        const std::lock_guard guard(mutex_);
        const auto found = by_fd_.find(fd);
        if (found == by_fd_.end()) return;  // forgotten meanwhile
        watched = found->second;
    }
    char buffer[4096];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) watched->rest.append(buffer, static_cast<std::size_t>(got));
    if (take_lines(*watched)) return finish(watched);
    if (got <= 0) reconnect_or_lose(watched);
}

// True: the container has ended.
bool Watcher::take_lines(Watched& watched)
{
    for (auto newline = watched.rest.find('\n'); newline != std::string::npos; newline = watched.rest.find('\n')) {
        const MonitorNews news = read_news(std::string_view(watched.rest).substr(0, newline));
        watched.rest.erase(0, newline + 1);
        if (news.kind == MonitorNews::Kind::oom) sink_({watched.id, ContainerEvent::Kind::oom, {}});
        if (news.kind == MonitorNews::Kind::exited) {
            watched.exit = news.exit;
            return true;
        }
    }
    return false;
}

void Watcher::finish(const std::shared_ptr<Watched>& watched)
{
    // The monitor is on its way out; nobody hears of the end before a new start can find its lock free.
    if (!await_end(watched->monitor, farewell)) log_warning("monitor {} of {} lingers", watched->monitor, to_text(watched->id));
    {
        const std::lock_guard guard(mutex_);
        const auto found = by_id_.find(watched->id);
        if (found == by_id_.end() || by_fd_[found->second] != watched) return;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second, nullptr);
        by_fd_.erase(found->second);
        by_id_.erase(found);
    }
    sink_({watched->id, ContainerEvent::Kind::exited, watched->exit});
    changed_.notify_all();
}

void Watcher::reconnect_or_lose(const std::shared_ptr<Watched>& watched)
{
    if (!await_end(watched->monitor, farewell)) {
        // It lives and has dropped us, as it does with listeners that are too slow. It will repeat what we missed.
        auto again = connect_monitor(paths_.bundle_of(watched->id));
        if (again) {
            const pid_t monitor = watched->monitor;
            forget(watched->id);
            add(watched->id, *std::move(again), {}, monitor);
            return;
        }
    }
    if (const auto exit = read_exit(paths_, watched->id)) {
        watched->exit = *exit;
    } else {
        lost_(watched->id);
        watched->exit = {.at = now(), .reason = "its monitor is gone, exit status unknown"};
    }
    finish(watched);
}

}  // namespace boxship::runtime
