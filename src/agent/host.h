// What the task engine needs of the host it runs on. RealHost does it with the images, runtime and network libraries;
// tests and the simulator have hosts of their own.
//
// Every operation returns at once and calls `done` exactly once, from any thread. Each may be repeated after a crash:
// preparing copes with half-done work, releasing with missing things. The engine never runs two operations of one
// container at a time, nor a task's release beside anything else of that task.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/task_spec.h"
#include "base/result.h"
#include "base/time.h"

namespace boxship::agent {

template <class T>
using Done = std::function<void(T)>;

// How long a named part of a launch took; shown by `boxship explain`.
struct Phase {
    std::string name;                // "network", "cgroup", "pull", "rootfs", "init" …
    Time start;
    double ms = 0;
};

// What went wrong, under the name that container reasons begin with ("CannotPullContainerError").
struct Failure {
    std::string name;
    std::string message;

    std::string text() const { return name + ": " + message; }
};
template <class T = void>
using HostOutcome = Outcome<T, Failure>;

// --- the task's own things: network namespace and interface, parent cgroup, volumes

struct TaskPlan {
    std::string task;                // 32 hexadecimal digits
    NetworkMode network_mode = NetworkMode::none;
    std::optional<EniSpec> eni;
    int cpu_units = 0;               // limit; 0: none
    int memory_mib = 0;              // limit; 0: none
    bool share_ipc = false;          // one IPC namespace for all containers
    std::vector<std::string> scratch_volumes;   // made with the task and gone with it
    std::vector<std::string> shared_volumes;    // made when absent, never removed
};

struct TaskReady {
    std::vector<Phase> phases;
};

// --- images

struct PullPlan {
    std::string reference;           // as in the task definition, or name@digest after a restart
    std::string registry_auth_type;  // "" or "ecr"
    std::string ecr_endpoint;
    std::string ecr_registry_id;
    std::string task;                // who needs it: its layers stay until the task is released
};

// The parts of an image's configuration that a container inherits.
struct ImageConfig {
    std::vector<std::string> entry_point;
    std::vector<std::string> command;
    std::vector<std::string> environment;       // "NAME=value"
    std::string working_directory;
    std::string user;
    std::string stop_signal;
    std::vector<std::string> volumes;           // paths
    std::vector<std::string> exposed_ports;     // "80/tcp"
    std::map<std::string, std::string> labels;
    std::vector<std::string> health_check;      // Test, as in the image
};

struct PulledImage {
    std::string id;                             // digest of the configuration
    std::string digest;                         // of the manifest; what is reported
    ImageConfig config;
    std::vector<std::string> layers;            // directories, the topmost first
    std::vector<Phase> phases;
};

// Stops a pull whose task does not want it any more; `done` is still called.
class PullTicket {
public:
    virtual ~PullTicket() = default;
    virtual void cancel() = 0;
};

// --- containers

struct Mount {
    enum class Kind : std::uint8_t { host_path, scratch, shared, tmpfs };
    Kind kind = Kind::host_path;
    std::string source;              // host path, or volume name
    std::string path;                // in the container
    bool read_only = false;
    std::uint64_t size_bytes = 0;    // tmpfs
    std::string options;             // tmpfs: as in Docker's Tmpfs map
};

struct Ulimit {
    std::string name;                // "nofile"
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};

struct Device {
    std::string host_path;
    std::string path;
    std::string permissions;         // of "rwm"
};

struct PortBinding {
    std::uint16_t container_port = 0;
    std::uint16_t host_port = 0;
    std::string protocol = "tcp";
    std::string bind_ip = "0.0.0.0";
};

struct LogPlan {
    std::uint64_t file_bytes_max = 0;   // 0: the host's default
    int files_max = 0;
    bool enabled = true;                // false: driver "none"
};

struct HostEntry {
    std::string address;
    std::string names;               // separated by spaces
};

// Everything about a container that was decided before it exists. Values are final: nothing is inherited any more.
struct ContainerPlan {
    std::string id;                  // "<task>-<number>": see container_id()
    std::string task;
    std::string name;
    std::string host_name;
    NetworkMode network_mode = NetworkMode::none;
    std::vector<PortBinding> ports;  // bridge: to be published
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::string working_directory;
    std::string user;
    std::string stop_signal;         // "SIGTERM"
    bool terminal = false;
    bool open_stdin = false;
    bool init = false;               // a small init as pid 1
    bool privileged = false;
    bool read_only_root = false;
    bool no_new_privileges = false;
    bool host_pid = false;           // pidMode host
    bool host_ipc = false;
    bool task_ipc = false;           // that of the task
    std::vector<std::string> capabilities_add;   // "NET_ADMIN"
    std::vector<std::string> capabilities_drop;
    std::vector<Mount> mounts;
    std::vector<Device> devices;
    std::vector<Ulimit> ulimits;
    std::map<std::string, std::string> sysctls;
    int cpu_shares = 2;
    std::uint64_t memory_bytes = 0;              // 0: none
    std::uint64_t memory_reservation_bytes = 0;
    std::int64_t memory_swap_bytes = 0;          // memory and swap together; 0: Docker's default, -1: unlimited
    int memory_swappiness = -1;                  // -1: the kernel's
    std::uint64_t shm_bytes = 64u << 20;
    std::vector<HostEntry> hosts;                // lines of /etc/hosts besides localhost
    std::vector<std::string> dns_servers;        // none: the host's own resolv.conf
    std::vector<std::string> dns_search;
    std::vector<std::string> dns_options;
    std::map<std::string, std::string> labels;
    LogPlan log;
};

struct Started {
    Time started;
    int pid = 0;
    std::vector<Phase> phases;
};

struct Exit {
    std::optional<int> code;         // nothing: unknown, see `reason`
    int oom_kills = 0;               // of its processes, by the kernel for want of memory
    std::string reason;              // "exit status unknown: the monitor died"
    Time at;
};

struct ExecOutcome {
    int exit_code = 0;
    std::string output;              // of both streams, shortened
};

struct ContainerExit {
    std::string container;
    Exit exit;
};

// What a host found when the engine took its containers back.
struct Found {
    enum class State : std::uint8_t { absent, running, exited };
    std::string container;
    State state = State::absent;
    Time started;
    Exit exit;                       // of state exited
};

// What the agent's record holds.
struct Known {
    std::vector<std::string> tasks;            // not stopped
    std::vector<std::string> containers;       // of those
    std::vector<std::string> logs;             // containers of stopped tasks whose output is kept
};

// One sample; counters are since the container's start.
struct ContainerStats {
    std::string container;
    Time at;
    std::uint64_t cpu_ns = 0;
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    std::uint64_t system_cpu_ns = 0;         // of all processors of the host
    std::uint64_t memory_bytes = 0;          // without the page cache
    std::uint64_t memory_limit_bytes = 0;
    std::uint64_t memory_cache_bytes = 0;
    std::uint64_t memory_max_bytes = 0;
    std::uint64_t io_read_bytes = 0;
    std::uint64_t io_write_bytes = 0;
    std::uint64_t pids = 0;
    bool has_network = false;                // awsvpc: the task's interface, the same for all its containers
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

// The containers of a task are numbered as in its specification.
std::string container_id(const std::string& task, std::size_t number);
std::optional<std::pair<std::string, std::size_t>> parse_container_id(std::string_view id);

class Host {
public:
    virtual ~Host() = default;

    // Called once, before anything else; `on_exit` from any thread, once per container that was started or found running.
    virtual void watch_exits(std::function<void(ContainerExit)> on_exit) = 0;

    virtual void prepare_task(TaskPlan plan, Done<HostOutcome<TaskReady>> done) = 0;
    virtual void release_task(TaskPlan plan, Done<HostResult<>> done) = 0;

    virtual std::shared_ptr<PullTicket> pull(PullPlan plan, Done<HostOutcome<PulledImage>> done) = 0;

    // Create and start; the container's task is prepared and `image` pulled. After a failure nothing runs, but
    // release_container() is called.
    virtual void start(ContainerPlan plan, PulledImage image, Done<HostOutcome<Started>> done) = 0;
    // Sends `signal` ("SIGTERM") to the container's first process now, and SIGKILL to all of it after `timeout`, whatever
    // becomes of the agent meanwhile. `done` says that this is under way; the end itself is an exit. Already gone: fine.
    virtual void stop(const std::string& container, const std::string& signal, Milliseconds timeout, Done<HostResult<>> done) = 0;
    // Runs a command inside a running container; for health checks.
    virtual void exec(const std::string& container, std::vector<std::string> arguments, Milliseconds deadline, Done<HostResult<ExecOutcome>> done) = 0;
    // Root file system, cgroup, network of a stopped container; its logs stay until forget_container().
    virtual void release_container(const std::string& container, Done<HostResult<>> done) = 0;
    virtual void forget_container(const std::string& container) = 0;

    // At start: what became of the known containers. Exits of those found running are watched from now on. What belongs
    // to none of what is known is removed.
    virtual void adopt(Known known, Done<HostResult<std::vector<Found>>> done) = 0;

    // A sample of each; those that are not running are left out. Blocks for microseconds each; from any thread.
    virtual std::vector<ContainerStats> stats(std::span<const std::string> containers) = 0;

    // A host port nobody else on the host's address uses, for dynamic ports; `taken` is what the engine gave away.
    virtual bool port_is_free(std::uint16_t port, const std::string& protocol) = 0;
};

}  // namespace boxship::agent
