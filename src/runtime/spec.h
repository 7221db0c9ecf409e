// What the agent asks of the runtime: tasks, containers, and what it hears back. Plain values; units in the names.
#pragma once

#include <signal.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "env/real/unique_fd.h"

namespace boxship::runtime {

// "<32 hexadecimal digits of the task>-<number>"; the number is the agent's, unique within the task.
struct ContainerId {
    TaskId task;
    std::uint32_t number = 0;

    auto operator<=>(const ContainerId&) const = default;
    static std::optional<ContainerId> parse(std::string_view text);
};
std::string to_text(const ContainerId& id);

// `none`: a namespace of its own with loopback only. `path`: one that exists (a file under /run/netns, /proc/…/ns/net).
struct Network {
    enum class Mode { none, path, host };
    Mode mode = Mode::none;
    std::string path;
};

struct HostEntry {  // a line of /etc/hosts
    std::string address;
    std::string names;  // separated by spaces
};

// /etc/hostname, /etc/hosts and /etc/resolv.conf. Without DNS servers the host's resolv.conf is copied.
struct NameFiles {
    std::string hostname;
    std::vector<HostEntry> hosts;  // besides localhost
    std::vector<std::string> dns_servers;
    std::vector<std::string> dns_search;
    std::vector<std::string> dns_options;
};

struct TaskSpec {
    TaskId id;
    Network network;
    NameFiles names;
    std::optional<double> cpus;                 // hard limit for all its containers together
    std::optional<std::uint64_t> cpu_shares;    // weight among tasks; 1024 per vCPU
    std::optional<std::uint64_t> memory_bytes;  // hard limit for all its containers together
    std::optional<std::uint64_t> pids_max;
    bool share_ipc = false;                     // one IPC namespace and one /dev/shm for all containers (ipcMode task)
    std::uint64_t shm_bytes = 64 << 20;         // of that shared /dev/shm
};

struct BindMount {
    std::string source;       // must exist on the host
    std::string destination;
    bool read_only = false;
};

struct TmpfsMount {
    std::string destination;
    std::uint64_t bytes = 0;           // 0: no limit but the container's memory
    std::vector<std::string> options;  // mount(8)'s words: noexec, mode=1770, …
};

struct DeviceMapping {
    std::string host_path;
    std::string container_path;       // empty: the same
    std::string permissions = "rwm";
};

struct Ulimit {
    std::string name;  // as in task definitions: nofile, nproc, memlock, …
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

struct LogOptions {
    std::uint64_t bytes_max = 10 << 20;  // per file
    std::uint32_t files_max = 5;         // 0: output is thrown away
};

enum class IpcMode { own, task, host };
enum class PidMode { own, host };

struct ContainerSpec {
    ContainerId id;
    std::string name;                        // for messages only
    std::vector<std::string> layers;         // directories, topmost first; none: an empty root file system
    std::vector<std::string> args;           // entry point and command, at least one word
    std::vector<std::string> env;            // NAME=value; PATH, HOME and HOSTNAME are added where absent
    std::string cwd = "/";                   // made if it does not exist
    std::string user;                        // "", "uid", "uid:gid", or names of the image's passwd and group
    std::vector<std::string> groups;         // additional ones, by number or name
    std::optional<Network> network;          // else the task's
    std::optional<NameFiles> names;          // else the task's

    std::optional<double> cpus;              // hard limit
    std::uint64_t cpu_shares = 0;            // below 2: 2, as the ECS agent does
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t> memory_reservation_bytes;
    std::optional<std::int64_t> memory_swap_bytes;  // memory and swap together; -1: unlimited; needs memory_bytes
    std::optional<std::uint64_t> swappiness;        // v1 only; v2 kernels have no such thing
    std::optional<std::uint64_t> pids_max;

    std::vector<std::string> cap_add;        // with or without CAP_, or ALL
    std::vector<std::string> cap_drop;
    bool privileged = false;
    bool read_only_root = false;
    bool no_new_privileges = false;
    std::vector<TmpfsMount> tmpfs;
    std::vector<BindMount> binds;
    std::uint64_t shm_bytes = 64 << 20;
    std::vector<Ulimit> ulimits;
    std::vector<DeviceMapping> devices;
    std::map<std::string, std::string> sysctls;
    IpcMode ipc = IpcMode::own;
    PidMode pid = PidMode::own;
    int oom_score_adj = 0;
    bool init = false;                       // process 1 passes on signals and reaps orphans
    bool tty = false;
    bool open_stdin = false;
    LogOptions log;
};

struct Started {
    int pid = 0;  // the container's first process, as the host counts
    Time at;
};

// How a container ended. `code` is 128 + signal for one that was killed; absent when nobody saw the end.
struct Exit {
    std::optional<int> code;
    int signal = 0;
    int oom_kills = 0;     // of its processes, by the kernel for want of memory
    Time at;
    std::string reason;    // for an unknown status, or a start that failed: why
};

struct ContainerEvent {
    enum class Kind { exited, oom };
    ContainerId id;
    Kind kind = Kind::exited;
    Exit exit;  // for `exited`
};

// A container that was there when the agent came back.
struct Found {
    enum class State {
        created,  // prepared, never started
        running,  // its monitor is with it, and its end will be told as usual
        ended     // see exit; one that lost its monitor is killed and has no code
    };
    ContainerId id;
    State state = State::created;
    Started started;
    Exit exit;
};

struct StopRequest {
    int signal = SIGTERM;
    Milliseconds timeout = Milliseconds(30000);  // then SIGKILL for everything in the container
};

struct Stats {
    std::uint64_t cpu_ns = 0;
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    std::uint64_t memory_bytes = 0;        // without the file cache that can go at once
    std::uint64_t memory_cache_bytes = 0;
    std::uint64_t memory_limit_bytes = 0;  // 0: none
    std::uint64_t memory_max_bytes = 0;    // the most there ever was, cache included; 0: the kernel does not say
    std::uint64_t pids = 0;
    std::uint64_t block_read_bytes = 0;
    std::uint64_t block_write_bytes = 0;
};

struct ExecSpec {
    std::vector<std::string> args;
    std::vector<std::string> env;   // besides the container's
    std::string user;               // empty: the container's
    std::string cwd;                // empty: the container's
    Milliseconds deadline = Milliseconds(30000);  // then everything it started is killed: ETIMEDOUT; 0: none
    bool terminal = false;          // open_exec only
};

// A program that runs beside the container's first process, with its streams in our hands. With a terminal, `in` and
// `out` are its master (two descriptors) and there is no `err`; `in` takes TIOCSWINSZ.
struct ExecSession {
    env::UniqueFd in;
    env::UniqueFd out;
    env::UniqueFd err;
    int helper = 0;          // the process to wait for
    std::string file;
};

struct ExecOutcome {
    int exit_code = 0;
    std::string out;  // the first 1 MiB
    std::string err;
};

}  // namespace boxship::runtime
