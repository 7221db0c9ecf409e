#include "runtime/oci_config.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/seccomp.h"
#include "shape/json_value.h"

namespace boxship::runtime {
namespace {

constexpr const char* default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* init_path = "/dev/init";
constexpr rlim_t open_files_default = 65535;  // as on Fargate, soft and hard

constexpr const char* masked_paths =
    R"("maskedPaths":["/proc/asound","/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats",)"
    R"("/proc/timer_list","/proc/timer_stats","/proc/sched_debug","/proc/scsi","/sys/firmware","/sys/devices/virtual/powercap"],)"
    R"("readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"])";

std::string quote(std::string_view text) { return shape::Json(text).dump(); }

std::string quote_all(const std::vector<std::string>& texts)
{
    std::string list = "[";
    for (const auto& text : texts) list.append(list.size() > 1 ? "," : "").append(quote(text));
    return list + "]";
}

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string mount_text(std::string_view destination, std::string_view type, std::string_view source, const std::vector<std::string>& options)
{
    return "{\"destination\":" + quote(destination) + ",\"type\":" + quote(type) + ",\"source\":" + quote(source) +
           ",\"options\":" + quote_all(options) + "}";
}

bool has(const std::vector<std::string>& env, std::string_view name)
{
    return std::any_of(env.begin(), env.end(), [&](const auto& one) { return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '='; });
}

std::string user_text(const ProcessUser& user)
{
    std::string text = "{\"uid\":" + number(user.uid) + ",\"gid\":" + number(user.gid);
    for (std::size_t i = 0; i < user.groups.size(); ++i) text += (i == 0 ? ",\"additionalGids\":[" : ",") + number(user.groups[i]);
    return text + (user.groups.empty() ? "}" : "]}");
}

// Not more than we have ourselves: not every root may raise limits.
Ulimit default_open_files()
{
    rlimit own{};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &own) == 0;
    const std::uint64_t files = known ? std::min(open_files_default, own.rlim_max) : open_files_default;
    return {"nofile", files, files};
}

std::string process_text(const ContainerSpec& spec, const ConfigInputs& inputs)
{
    std::vector<std::string> env;
    if (!has(spec.env, "PATH")) env.emplace_back(default_path);
    if (!has(spec.env, "HOSTNAME") && !inputs.hostname.empty()) env.push_back("HOSTNAME=" + inputs.hostname);
    if (spec.tty && !has(spec.env, "TERM")) env.emplace_back("TERM=xterm");
    env.insert(env.end(), spec.env.begin(), spec.env.end());
    if (!has(spec.env, "HOME")) env.push_back("HOME=" + inputs.user.home);

    std::vector<std::string> args = spec.args;
    if (spec.init) args.insert(args.begin(), {init_path, "init", "--"});

    const std::string held = quote_all(inputs.capabilities);
    std::string text = std::string("{\"terminal\":") + (spec.tty ? "true" : "false") + ",\"user\":" + user_text(inputs.user) +
                       ",\"args\":" + quote_all(args) + ",\"env\":" + quote_all(env) +
                       ",\"cwd\":" + quote(spec.cwd.empty() ? "/" : spec.cwd) + ",\"capabilities\":{\"bounding\":" + held +
                       ",\"effective\":" + held + ",\"permitted\":" + held + "}";
    text += ",\"rlimits\":[";
    const bool files = std::any_of(spec.ulimits.begin(), spec.ulimits.end(), [](const auto& one) { return one.name == "nofile"; });
    std::vector<Ulimit> limits = spec.ulimits;
    if (!files) limits.push_back(default_open_files());
    for (const auto& limit : limits) {
        std::string name = limit.name;
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        if (text.back() != '[') text += ',';
        text += "{\"type\":" + quote("RLIMIT_" + name) + ",\"soft\":" + number(limit.soft) + ",\"hard\":" + number(limit.hard) + "}";
    }
    text += "],\"noNewPrivileges\":" + std::string(spec.no_new_privileges ? "true" : "false");
    return text + ",\"oomScoreAdj\":" + std::to_string(spec.oom_score_adj) + "}";
}

HostResult<std::string> mounts_text(const ContainerSpec& spec, const ConfigInputs& inputs)
{
    const std::string access = spec.privileged ? "rw" : "ro";
    std::vector<std::string> mounts = {
        mount_text("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
        mount_text("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
        mount_text("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
        mount_text("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}),
        mount_text("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", access}),
    };
    if (spec.ipc == IpcMode::host) mounts.push_back(mount_text("/dev/mqueue", "bind", "/dev/mqueue", {"rbind", "nosuid", "noexec", "nodev"}));
    else mounts.push_back(mount_text("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
    if (spec.ipc == IpcMode::own)
        mounts.push_back(mount_text("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=" + number(spec.shm_bytes)}));
    else
        mounts.push_back(mount_text("/dev/shm", "bind", spec.ipc == IpcMode::host ? "/dev/shm" : inputs.shared_shm, {"rbind", "rprivate", "rw"}));
    // Parents before what is mounted inside them, in whatever order the task definition names them.
    std::vector<std::pair<std::ptrdiff_t, std::string>> chosen;
    const auto choose = [&](const std::string& destination, std::string text) {
        chosen.emplace_back(std::count(destination.begin(), destination.end(), '/'), std::move(text));
    };
    for (const char* name : {"resolv.conf", "hostname", "hosts"})
        choose("/etc/x", mount_text("/etc/" + std::string(name), "bind", inputs.names_directory + "/" + name, {"rbind", "rprivate", "rw"}));
    for (const auto& tmpfs : spec.tmpfs) {
        std::vector<std::string> options = {"nosuid", "nodev"};
        if (std::find(tmpfs.options.begin(), tmpfs.options.end(), "exec") == tmpfs.options.end()) options.emplace_back("noexec");
        if (tmpfs.bytes > 0) options.push_back("size=" + number(tmpfs.bytes));
        options.insert(options.end(), tmpfs.options.begin(), tmpfs.options.end());
        choose(tmpfs.destination, mount_text(tmpfs.destination, "tmpfs", "tmpfs", options));
    }
    for (const auto& bind : spec.binds) {
        if (!env::file_exists(bind.source)) return HostError{"bind source path does not exist: " + bind.source, ENOENT};
        choose(bind.destination, mount_text(bind.destination, "bind", bind.source, {"rbind", "rprivate", bind.read_only ? "ro" : "rw"}));
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [depth, text] : chosen) mounts.push_back(std::move(text));
    if (spec.init) {
        if (inputs.init_program.empty()) return HostError{"an init process was asked for, and the program for it is not installed", ENOSYS};
        mounts.push_back(mount_text(init_path, "bind", inputs.init_program, {"bind", "ro"}));
    }
    std::string text = "[";
    for (const auto& mount : mounts) text.append(text.size() > 1 ? "," : "").append(mount);
    return text + "]";
}

std::string namespaces_text(const ContainerSpec& spec, const ConfigInputs& inputs)
{
    std::string text = R"([{"type":"mount"},{"type":"cgroup"})";
    if (spec.pid == PidMode::own) text += R"(,{"type":"pid"})";
    if (spec.ipc == IpcMode::own) text += R"(,{"type":"ipc"})";
    if (spec.ipc == IpcMode::task) text += ",{\"type\":\"ipc\",\"path\":" + quote(inputs.shared_ipc) + "}";
    // A host-mode container keeps the host's name, as under Docker, but may not change it.
    text += R"(,{"type":"uts"})";
    if (inputs.network.mode == Network::Mode::none) text += R"(,{"type":"network"})";
    if (inputs.network.mode == Network::Mode::path) text += ",{\"type\":\"network\",\"path\":" + quote(inputs.network.path) + "}";
    return text + "]";
}

// What the OCI runtime applies where it makes the cgroup.
std::string resources_text(const ContainerSpec& spec, const std::vector<DeviceRule>& rules)
{
    std::string text = R"({"devices":[{"allow":false,"access":"rwm"})";
    for (const auto& rule : rules) {
        text += std::string(",{\"allow\":true,\"type\":\"") + rule.type + "\",\"access\":" + quote(rule.access);
        if (rule.major >= 0) text += ",\"major\":" + std::to_string(rule.major);
        if (rule.minor >= 0) text += ",\"minor\":" + std::to_string(rule.minor);
        text += "}";
    }
    text += "],\"cpu\":{\"shares\":" + number(std::max<std::uint64_t>(spec.cpu_shares, 2));
    if (spec.cpus) text += ",\"period\":100000,\"quota\":" + std::to_string(static_cast<std::int64_t>(*spec.cpus * 100000));
    text += "},\"memory\":{";
    std::string memory;
    const auto member = [&](const char* name, auto value) { memory.append(memory.empty() ? "\"" : ",\"").append(name).append("\":").append(std::to_string(value)); };
    if (spec.memory_bytes) member("limit", *spec.memory_bytes);
    if (spec.memory_reservation_bytes) member("reservation", *spec.memory_reservation_bytes);
    if (spec.memory_swap_bytes) member("swap", *spec.memory_swap_bytes);
    text += memory + "}";
    if (spec.pids_max) text += ",\"pids\":{\"limit\":" + number(*spec.pids_max) + "}";
    return text + "}";
}

std::string devices_text(const std::vector<DeviceNode>& nodes)
{
    std::string text = "[";
    for (const auto& node : nodes) {
        if (text.size() > 1) text += ',';
        text += "{\"path\":" + quote(node.path) + ",\"type\":\"" + node.type + "\",\"major\":" + number(node.major) + ",\"minor\":" +
                number(node.minor) + ",\"fileMode\":" + number(node.mode) + ",\"uid\":" + number(node.uid) + ",\"gid\":" + number(node.gid) + "}";
    }
    return text + "]";
}

std::string sysctls_text(const ContainerSpec& spec, const Network& network)
{
    std::map<std::string, std::string> sysctls;
    if (network.mode != Network::Mode::host) {
        // As Docker: any user may open low ports and ping within a network of the container's own.
        sysctls["net.ipv4.ip_unprivileged_port_start"] = "0";
        sysctls["net.ipv4.ping_group_range"] = "0 2147483647";
    }
    for (const auto& [name, value] : spec.sysctls) sysctls[name] = value;
    std::string text = "{";
    for (const auto& [name, value] : sysctls) text.append(text.size() > 1 ? "," : "").append(quote(name)).append(":").append(quote(value));
    return text + "}";
}

}  // namespace

HostResult<std::string> render_config(const ContainerSpec& spec, const ConfigInputs& inputs)
{
    if (spec.args.empty()) return HostError{"no command specified", EINVAL};
    ASSIGN_OR_RETURN(const std::string mounts, mounts_text(spec, inputs));
    std::string text = "{\"ociVersion\":\"1.0.2\",\"process\":" + process_text(spec, inputs) + ",\"root\":{\"path\":" + quote(inputs.rootfs) +
                       ",\"readonly\":" + (spec.read_only_root ? "true" : "false") + "},\"hostname\":" + quote(inputs.hostname) +
                       ",\"mounts\":" + mounts + ",\"linux\":{\"namespaces\":" + namespaces_text(spec, inputs) +
                       ",\"devices\":" + devices_text(inputs.devices.nodes) + ",\"sysctl\":" + sysctls_text(spec, inputs.network);
    if (!inputs.cgroups_path.empty())
        text += ",\"cgroupsPath\":" + quote(inputs.cgroups_path) + ",\"resources\":" + resources_text(spec, inputs.devices.rules);
    if (!spec.privileged) {
        text.append(",").append(masked_paths);
        if (inputs.seccomp_bpf.empty()) text.append(",\"seccomp\":").append(seccomp_json(inputs.capabilities));
    }
    text += "}";
    if (!spec.privileged && !inputs.seccomp_bpf.empty())
        text.append(",\"annotations\":{\"run.oci.seccomp_bpf_data\":\"").append(inputs.seccomp_bpf).append("\"}");
    return text + "}";
}

HostResult<std::string> render_exec_process(const std::string& config, const ExecSpec& spec, const ProcessUser* user)
{
    if (spec.args.empty()) return HostError{"no command specified", EINVAL};
    auto parsed = shape::Json::parse(config);
    if (!parsed) return HostError{"config.json: " + parsed.error(), EINVAL};
    shape::Json process = (*parsed)["process"];
    process.set("terminal", spec.terminal);
    shape::Json args = shape::Json::array();
    for (const auto& word : spec.args) args.push_back(word);
    process.set("args", args);
    shape::Json env = shape::Json::array();
    for (const auto& one : process["env"].as_array()) {
        const std::string name = one.as_string().substr(0, one.as_string().find('='));
        if (!has(spec.env, name)) env.push_back(one);
    }
    for (const auto& one : spec.env) env.push_back(one);
    process.set("env", env);
    if (!spec.cwd.empty()) process.set("cwd", spec.cwd);
    if (user) {
        shape::Json groups = shape::Json::array();
        for (const unsigned gid : user->groups) groups.push_back(gid);
        process.set("user", shape::Json::object({{"uid", user->uid}, {"gid", user->gid}, {"additionalGids", groups}}));
    }
    return process.dump();
}

}  // namespace boxship::runtime
