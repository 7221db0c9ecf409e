// Back after a restart: what is there, and in which state.
#include "env/real/files.h"
#include "runtime/cgroup_kill.h"
#include "runtime/monitor/protocol.h"
#include "runtime/monitor_client.h"
#include "runtime/runtime.h"

namespace boxship::runtime {
namespace {

constexpr Milliseconds start_patience(60000);  // one may be in the middle of its start

}  // namespace

HostResult<std::vector<Found>> Runtime::adopt()
{
    ASSIGN_OR_RETURN(const auto ids, all_containers());
    std::vector<Found> all;
    for (const auto& id : ids) {
        ASSIGN_OR_RETURN(Found found, look_at(id));
        all.push_back(std::move(found));
    }
    return all;
}

HostResult<Found> Runtime::look_at(const ContainerId& id)
{
    Found found{.id = id};
    const std::string bundle = paths_.bundle_of(id);
    if (const pid_t monitor = monitor_pid(bundle); monitor != 0) {
        auto connection = connect_monitor(bundle);
        std::string rest;
        while (connection) {
            auto line = next_line(connection->get(), rest, start_patience);
            if (!line) return line.error().within("adopt " + to_text(id));
            if (!*line) break;  // it has gone while we spoke
            const MonitorNews news = read_news(**line);
            if (news.kind != MonitorNews::Kind::started) continue;
            found.state = Found::State::running;
            found.started = news.started;
            if (!watcher_.watches(id)) watcher_.add(id, *std::move(connection), std::move(rest), monitor);
            return found;
        }
        await_end(monitor, start_patience);
    }
    if (const auto exit = read_exit(paths_, id)) {
        found.state = Found::State::ended;
        found.exit = *exit;
    } else if (env::file_exists(bundle + "/" + monitor_lock_name)) {
        kill_cgroup_now(cgroups_.kill_directory(id));
        found.state = Found::State::ended;
        found.exit.reason = "its monitor is gone, exit status unknown";
    } else if (!env::file_exists(bundle)) {
        found.state = Found::State::ended;
        found.exit.reason = "the host was restarted, exit status unknown";
    }
    return found;
}

}  // namespace boxship::runtime
