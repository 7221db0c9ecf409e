// Containers on one host, for one platform. The functions block (milliseconds to start, seconds to remove something
// stubborn) and may be called from any thread, for different containers at once; not twice at once for the same one.
// Each may be repeated after a crash in its middle.
//
// Containers belong to their monitors: they run on when this object, or its process, goes away; `adopt` finds them.
//
//     auto runtime = Runtime::open({.platform_id = "bx3f", …}, [&](const ContainerEvent& event) { … });
//     runtime->prepare_task(task);                              cgroup, name files
//     runtime->create(container);                               fails: CannotCreateContainerError
//     runtime->start(container);                                fails: CannotStartContainerError
//     …event "exited"…
//     runtime->remove(container.id); runtime->release_task(task.id);
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/cgroup.h"
#include "runtime/host_profile.h"
#include "runtime/paths.h"
#include "runtime/spec.h"
#include "runtime/watcher.h"

namespace boxship::runtime {

struct RuntimeOptions {
    std::string platform_id;      // short, "bx3f": in the names of cgroups
    std::string state_dir;        // durable; absolute, made if need be
    std::string run_dir;          // gone after a reboot, as /run/boxship/bx3f; `runtime` in it is ours
    std::string monitor_program;  // boxship-monitor
    HostProfile host;
};

class Runtime {
public:
    // Called on a thread of the runtime's own; must not call back into it for long.
    using EventSink = std::function<void(const ContainerEvent&)>;

    static HostResult<std::unique_ptr<Runtime>> open(RuntimeOptions options, EventSink sink);

    HostResult<> prepare_task(const TaskSpec& spec);
    HostResult<> release_task(const TaskId& id);  // with what is left of its containers' cgroups

    // Root file system, cgroup, files. The task has been prepared.
    HostResult<> create(const ContainerSpec& spec);
    // Until its process runs. Again after an end: the same container, with what it had written.
    HostResult<Started> start(const ContainerSpec& spec);

    HostResult<> stop(const ContainerId& id, const StopRequest& request);  // asks; the end comes as an event
    HostResult<> signal(const ContainerId& id, int number);                // to its first process
    HostResult<> resize(const ContainerId& id, unsigned rows, unsigned columns);
    std::optional<Exit> wait(const ContainerId& id, Milliseconds patience);  // nullopt: it still runs, or never did

    // Kills it if need be, tells no event, leaves only the output.
    HostResult<> remove(const ContainerId& id);
    HostResult<> remove_logs(const ContainerId& id);
    std::string log_directory(const ContainerId& id) const { return paths_.log_of(id); }  // LogReader's argument

    // After `open`, once: everything that is there. What runs is watched from then on.
    HostResult<std::vector<Found>> adopt();

    HostResult<Stats> stats(const ContainerId& id) const;
    HostResult<ExecOutcome> exec(const ContainerId& id, const ExecSpec& spec);
    HostResult<ExecSession> open_exec(const ContainerId& id, const ExecSpec& spec);
    void hang_up(const ExecSession& session);                // ends it, should it still run
    HostResult<int> await_exec(ExecSession session);         // its exit status; closes what is still open of it first

    // Removes whatever carries the platform's name and is not listed; output only if it is in neither list.
    struct Known {
        std::span<const TaskId> tasks;
        std::span<const ContainerId> containers;
        std::span<const ContainerId> logs;
    };
    HostResult<> sweep(const Known& known);
    HostResult<> purge();  // sweep of everything, and the platform's own cgroups and directories

    const HostProfile& host() const { return options_.host; }

private:
    Runtime(RuntimeOptions options, EventSink sink);
    HostResult<> begin();
    HostResult<> load_oci_program();

    HostResult<std::string> config_for(const ContainerSpec& spec);
    std::vector<std::string> monitor_words(const ContainerSpec& spec) const;
    HostResult<Started> hear_start(const ContainerId& id, env::UniqueFd connection, pid_t monitor);
    std::vector<std::string> oci_words() const;
    HostResult<std::string> write_exec_process(const ContainerId& id, const ExecSpec& spec);
    std::vector<std::string> exec_words(const ContainerId& id, const ExecSpec& spec, const std::string& file) const;
    void keep_seccomp(const ContainerSpec& spec);
    std::string kept_seccomp(const std::vector<std::string>& capabilities);
    HostResult<> command(const ContainerId& id, const std::string& line);
    HostResult<> end_monitor(const ContainerId& id);
    HostResult<Found> look_at(const ContainerId& id);
    HostResult<std::vector<ContainerId>> all_containers() const;

    RuntimeOptions options_;
    Paths paths_;
    Cgroups cgroups_;
    env::UniqueFd oci_program_;  // crun as a sealed memfd: it need not copy itself into one at every start
    std::mutex mutex_;
    std::map<const std::string*, std::string> seccomp_;  // compiled filters by their profile, base64
    std::atomic<unsigned> execs_ = 0;
    Watcher watcher_;
};

}  // namespace boxship::runtime
