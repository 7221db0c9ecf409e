#include "agent/docker_config.h"

#include <functional>

#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::agent {
namespace {

using shape::Json;
using Trouble = std::optional<std::string>;

struct Target {
    ContainerPlan& plan;
    DockerExtras& extras;
};
using Apply = Trouble (*)(const Json& value, Target& target);

std::vector<std::string> strings(const Json& list)
{
    if (list.is_string()) return {list.as_string()};
    std::vector<std::string> texts;
    for (const Json& text : list.as_array()) texts.push_back(text.as_string());
    return texts;
}

bool is_default(const Json& value)
{
    if (value.is_null()) return true;
    if (value.is_bool()) return !value.as_bool();
    if (value.is_number()) return value.as_double() == 0;
    if (value.is_string()) return value.as_string().empty();
    if (value.is_array()) return value.as_array().empty();
    return value.as_object().empty();
}

Trouble ignore(const Json&, Target&)
{
    return std::nullopt;
}

template <auto Member>
Trouble text(const Json& value, Target& target)
{
    target.plan.*Member = value.as_string();
    return std::nullopt;
}

template <auto Member>
Trouble flag(const Json& value, Target& target)
{
    target.plan.*Member = value.as_bool();
    return std::nullopt;
}

template <auto Member>
Trouble list(const Json& value, Target& target)
{
    target.plan.*Member = strings(value);
    return std::nullopt;
}

template <auto Member>
Trouble extra_list(const Json& value, Target& target)
{
    target.extras.*Member = strings(value);
    return std::nullopt;
}

std::optional<std::uint64_t> size_of(std::string text)
{
    text = to_lower(trim(text));
    if (!text.empty() && text.back() == 'b') text.pop_back();
    int shift = 0;
    if (!text.empty() && text.back() == 'k') shift = 10;
    if (!text.empty() && text.back() == 'm') shift = 20;
    if (!text.empty() && text.back() == 'g') shift = 30;
    if (shift != 0) text.pop_back();
    const auto number = parse_number<std::uint64_t>(text);
    if (!number || *number > (~std::uint64_t{0} >> shift)) return std::nullopt;
    return *number << shift;
}

std::vector<std::string> capabilities(const Json& value)
{
    std::vector<std::string> names = strings(value);
    for (std::string& name : names) {
        if (name.starts_with("CAP_")) name.erase(0, 4);
    }
    return names;
}

Trouble labels(const Json& value, Target& target)
{
    for (const shape::JsonMember& label : value.as_object()) target.plan.labels[label.key] = label.value.as_string();
    return std::nullopt;
}

Trouble security_options(const Json& value, Target& target)
{
    for (const std::string& option : strings(value)) {
        if (option == "no-new-privileges" || option == "no-new-privileges:true" || option == "no-new-privileges=true")
            target.plan.no_new_privileges = true;
        else if (option != "apparmor=unconfined" && option != "apparmor:unconfined" && option != "label=disable" && option != "label:disable")
            return "hostConfig.SecurityOpt " + option + " cannot be honoured on this host";
    }
    return std::nullopt;
}

Trouble ulimits(const Json& value, Target& target)
{
    for (const Json& limit : value.as_array())
        target.plan.ulimits.push_back({limit.get_string("Name"), limit.get_int64("Soft"), limit.get_int64("Hard")});
    return std::nullopt;
}

Trouble devices(const Json& value, Target& target)
{
    for (const Json& device : value.as_array()) {
        const std::string host = device.get_string("PathOnHost");
        std::string inside = device.get_string("PathInContainer");
        std::string permissions = device.get_string("CgroupPermissions");
        target.plan.devices.push_back({host, inside.empty() ? host : inside, permissions.empty() ? "rwm" : permissions});
    }
    return std::nullopt;
}

Trouble tmpfs(const Json& value, Target& target)
{
    for (const shape::JsonMember& mount : value.as_object()) {
        Mount out{.kind = Mount::Kind::tmpfs, .path = mount.key};
        std::vector<std::string> rest;
        for (const std::string& option : split(mount.value.as_string(), ',')) {
            if (option.starts_with("size=")) {
                const auto bytes = size_of(option.substr(5));
                if (!bytes) return "hostConfig.Tmpfs of " + mount.key + ": " + option + " is not a size";
                out.size_bytes = *bytes;
            } else if (option == "ro") {
                out.read_only = true;
            } else if (!option.empty()) {
                rest.push_back(option);
            }
        }
        out.options = join(rest, ",");
        target.plan.mounts.push_back(std::move(out));
    }
    return std::nullopt;
}

Trouble binds(const Json& value, Target& target)
{
    for (const std::string& bind : strings(value)) {
        const auto parts = split(bind, ':');
        if (parts.size() < 2 || parts.size() > 3 || !parts[0].starts_with('/')) return "hostConfig.Binds " + bind + " is not host:container[:ro]";
        if (parts.size() == 3 && parts[2] != "ro" && parts[2] != "rw") return "hostConfig.Binds " + bind + " has options that are not known";
        target.plan.mounts.push_back({.source = parts[0], .path = parts[1], .read_only = parts.size() == 3 && parts[2] == "ro"});
    }
    return std::nullopt;
}

Trouble log_config(const Json& value, Target& target)
{
    const std::string type = value.get_string("Type");
    if (type == "none") {
        target.plan.log.enabled = false;
        return std::nullopt;
    }
    // The lines of awslogs are kept beside the agent as well; its options name a place that is not on this host.
    if (type == "awslogs" || type.empty()) return std::nullopt;
    if (type != "json-file" && type != "local") return "hostConfig.LogConfig: the log driver " + type + " cannot be provided by this agent";
    const Json& options = value["Config"];
    for (const shape::JsonMember& option : options.as_object()) {
        if (option.key != "max-size" && option.key != "max-file") return "hostConfig.LogConfig: the option " + option.key + " cannot be honoured";
    }
    if (const std::string size = options.get_string("max-size"); !size.empty()) {
        const auto bytes = size_of(size);
        if (!bytes) return "hostConfig.LogConfig: max-size " + size + " is not a size";
        target.plan.log.file_bytes_max = *bytes;
    }
    if (const std::string files = options.get_string("max-file"); !files.empty()) {
        target.plan.log.files_max = parse_number<decltype(target.plan.log.files_max)>(files).value_or(0);
        if (target.plan.log.files_max < 1) return "hostConfig.LogConfig: max-file " + files + " is not a number of files";
    }
    return std::nullopt;
}

Trouble sysctls(const Json& value, Target& target)
{
    for (const shape::JsonMember& sysctl : value.as_object()) target.plan.sysctls[sysctl.key] = sysctl.value.as_string();
    return std::nullopt;
}

// The task's own pidMode and ipcMode say "task"; these texts know only the host's namespace and an own one.
Trouble namespace_mode(const Json& value, Target& target, const char* key, bool ContainerPlan::*host)
{
    const std::string& mode = value.as_string();
    if (mode == "host")
        target.plan.*host = true;
    else if (mode != "private" && mode != "shareable" && mode != "none")
        return std::string("hostConfig.") + key + " " + mode + " cannot be honoured";
    return std::nullopt;
}

const std::map<std::string, Apply, std::less<>>& config_keys()
{
    static const std::map<std::string, Apply, std::less<>> keys = {
        {"User", text<&ContainerPlan::user>},
        {"WorkingDir", text<&ContainerPlan::working_directory>},
        {"Hostname", text<&ContainerPlan::host_name>},
        {"StopSignal", text<&ContainerPlan::stop_signal>},
        {"Tty", flag<&ContainerPlan::terminal>},
        {"OpenStdin", flag<&ContainerPlan::open_stdin>},
        {"Labels", labels},
        {"Env", extra_list<&DockerExtras::environment>},
        {"Cmd", [](const Json& value, Target& target) -> Trouble { target.extras.command = strings(value); return std::nullopt; }},
        {"Entrypoint", [](const Json& value, Target& target) -> Trouble { target.extras.entry_point = strings(value); return std::nullopt; }},
        {"NetworkDisabled", [](const Json& value, Target& target) -> Trouble { target.extras.network_disabled = value.as_bool(); return std::nullopt; }},
        {"Healthcheck", [](const Json& value, Target&) -> Trouble {
            const std::vector<std::string> test = strings(value["Test"]);      // health.h reads the rest
            if (test.empty() || test.front() == "NONE" || test.front() == "CMD" || test.front() == "CMD-SHELL") return std::nullopt;
            return "config.Healthcheck: " + test.front() + " is neither CMD nor CMD-SHELL";
        }},
        {"Image", ignore}, {"ExposedPorts", ignore}, {"AttachStdin", ignore}, {"AttachStdout", ignore}, {"AttachStderr", ignore},
        {"StdinOnce", ignore},
    };
    return keys;
}

const std::map<std::string, Apply, std::less<>>& host_keys()
{
    static const std::map<std::string, Apply, std::less<>> keys = {
        {"NetworkMode", ignore},       // the task's own member says it
        {"PortBindings", ignore},      // likewise portMappings
        {"RestartPolicy", [](const Json& value, Target&) -> Trouble {
            const std::string name = value.get_string("Name");
            if (name.empty() || name == "no") return std::nullopt;
            return "hostConfig.RestartPolicy " + name + " cannot be honoured";
        }},
        {"LogConfig", log_config},
        {"Memory", [](const Json& value, Target& target) -> Trouble { target.plan.memory_bytes = static_cast<std::uint64_t>(value.as_int64()); return std::nullopt; }},
        {"MemoryReservation", [](const Json& value, Target& target) -> Trouble { target.plan.memory_reservation_bytes = static_cast<std::uint64_t>(value.as_int64()); return std::nullopt; }},
        {"MemorySwap", [](const Json& value, Target& target) -> Trouble { target.plan.memory_swap_bytes = value.as_int64(); return std::nullopt; }},
        {"MemorySwappiness", [](const Json& value, Target& target) -> Trouble { target.plan.memory_swappiness = static_cast<int>(value.as_int64()); return std::nullopt; }},
        {"CpuShares", [](const Json& value, Target& target) -> Trouble { target.plan.cpu_shares = static_cast<int>(value.as_int64()); return std::nullopt; }},
        {"Privileged", flag<&ContainerPlan::privileged>},
        {"ReadonlyRootfs", flag<&ContainerPlan::read_only_root>},
        {"Init", flag<&ContainerPlan::init>},
        {"Dns", list<&ContainerPlan::dns_servers>},
        {"DnsSearch", list<&ContainerPlan::dns_search>},
        {"DnsOptions", list<&ContainerPlan::dns_options>},
        {"ExtraHosts", extra_list<&DockerExtras::extra_hosts>},
        {"SecurityOpt", security_options},
        {"Ulimits", ulimits},
        {"Sysctls", sysctls},
        {"CapAdd", [](const Json& value, Target& target) -> Trouble { target.plan.capabilities_add = capabilities(value); return std::nullopt; }},
        {"CapDrop", [](const Json& value, Target& target) -> Trouble { target.plan.capabilities_drop = capabilities(value); return std::nullopt; }},
        {"Devices", devices},
        {"ShmSize", [](const Json& value, Target& target) -> Trouble { target.plan.shm_bytes = static_cast<std::uint64_t>(value.as_int64()); return std::nullopt; }},
        {"Tmpfs", tmpfs},
        {"Binds", binds},
        {"PidMode", [](const Json& value, Target& target) { return namespace_mode(value, target, "PidMode", &ContainerPlan::host_pid); }},
        {"IpcMode", [](const Json& value, Target& target) { return namespace_mode(value, target, "IpcMode", &ContainerPlan::host_ipc); }},
    };
    return keys;
}

Trouble apply(const Json& text, const std::map<std::string, Apply, std::less<>>& keys, const char* where, Target& target)
{
    for (const shape::JsonMember& member : text.as_object()) {
        if (is_default(member.value) && !(member.key == "MemorySwappiness" && member.value.is_number())) continue;
        const auto key = keys.find(member.key);
        if (key == keys.end()) return std::string(where) + "." + member.key + " cannot be honoured by this agent";
        if (auto trouble = key->second(member.value, target)) return trouble;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> apply_docker_config(const Json& config, const Json& host_config, ContainerPlan& plan, DockerExtras& extras)
{
    Target target{plan, extras};
    if (auto trouble = apply(config, config_keys(), "config", target)) return trouble;
    return apply(host_config, host_keys(), "hostConfig", target);
}

}  // namespace boxship::agent
