#include "drive/agents/docker_config.h"

namespace boxship::drive {
namespace {

using shape::Json;

constexpr std::int64_t mib = 1 << 20;

void copy_as(const Json& from, const char* name, Json& to, const char* docker_name)
{
    const Json* value = from.find(name);
    if (!value || value->is_null() || (value->is_array() && value->as_array().empty())) return;
    to.set(docker_name, *value);
}

void add_linux_parameters(const Json& parameters, std::int64_t memory_mib, Json& host)
{
    copy_as(parameters["capabilities"], "add", host, "CapAdd");
    copy_as(parameters["capabilities"], "drop", host, "CapDrop");
    copy_as(parameters, "initProcessEnabled", host, "Init");
    if (parameters.has("sharedMemorySize")) host.set("ShmSize", parameters.get_int64("sharedMemorySize") * mib);
    // Docker counts memory and swap together, AWS the swap alone.
    if (parameters.has("maxSwap")) host.set("MemorySwap", (memory_mib + parameters.get_int64("maxSwap")) * mib);
    copy_as(parameters, "swappiness", host, "MemorySwappiness");
    Json devices = Json::array();
    for (const Json& device : parameters["devices"].as_array()) {
        std::string permissions;
        for (const Json& word : device["permissions"].as_array())  // read, write, mknod → r, w, m
            permissions += word.as_string().substr(0, 1);
        if (permissions.empty()) permissions = "rwm";
        devices.push_back(Json::object({{"PathOnHost", device.get_string("hostPath")},
                                        {"PathInContainer", device.get_string("containerPath", device.get_string("hostPath"))},
                                        {"CgroupPermissions", permissions}}));
    }
    if (!devices.as_array().empty()) host.set("Devices", std::move(devices));
    Json tmpfs = Json::object();
    for (const Json& mount : parameters["tmpfs"].as_array()) {
        std::string options = "size=" + std::to_string(mount.get_int64("size") * mib);
        for (const Json& option : mount["mountOptions"].as_array()) options += "," + option.as_string();
        tmpfs.set(mount.get_string("containerPath"), options);
    }
    if (!tmpfs.as_object().empty()) host.set("Tmpfs", std::move(tmpfs));
}

Json host_config(const Json& definition, const Json& override, const std::string& network_mode)
{
    Json host = Json::object({{"NetworkMode", network_mode}});
    const std::int64_t reservation = override.get_int64("memoryReservation", definition.get_int64("memoryReservation"));
    if (reservation > 0) host.set("MemoryReservation", reservation * mib);
    copy_as(definition, "privileged", host, "Privileged");
    copy_as(definition, "readonlyRootFilesystem", host, "ReadonlyRootfs");
    copy_as(definition, "dnsServers", host, "Dns");
    copy_as(definition, "dnsSearchDomains", host, "DnsSearch");
    copy_as(definition, "dockerSecurityOptions", host, "SecurityOpt");
    Json hosts = Json::array();
    for (const Json& entry : definition["extraHosts"].as_array())
        hosts.push_back(entry.get_string("hostname") + ":" + entry.get_string("ipAddress"));
    if (!hosts.as_array().empty()) host.set("ExtraHosts", std::move(hosts));
    Json limits = Json::array();
    for (const Json& limit : definition["ulimits"].as_array())
        limits.push_back(Json::object({{"Name", limit.get_string("name")},
                                       {"Soft", limit.get_int64("softLimit")},
                                       {"Hard", limit.get_int64("hardLimit")}}));
    if (!limits.as_array().empty()) host.set("Ulimits", std::move(limits));
    Json sysctls = Json::object();
    for (const Json& control : definition["systemControls"].as_array())
        sysctls.set(control.get_string("namespace"), control.get_string("value"));
    if (!sysctls.as_object().empty()) host.set("Sysctls", std::move(sysctls));
    add_linux_parameters(definition["linuxParameters"], override.get_int64("memory", definition.get_int64("memory")), host);
    const Json& log = definition["logConfiguration"];
    host.set("LogConfig", Json::object({{"Type", log.get_string("logDriver", "json-file")},
                                        {"Config", log["options"].is_object() ? log["options"] : Json::object()}}));
    return host;
}

// Docker counts in nanoseconds.
Json health_check(const Json& check)
{
    constexpr std::int64_t second = 1'000'000'000;
    Json test = check["command"];
    // A command without CMD or CMD-SHELL before it is run as it stands.
    const auto& words = check["command"].as_array();
    const std::string first = words.empty() ? "" : words.front().as_string();
    if (first != "CMD" && first != "CMD-SHELL" && first != "NONE") {
        test = Json::array({"CMD"});
        for (const Json& word : words) test.push_back(word);
    }
    Json out = Json::object({{"Test", std::move(test)}});
    out.set("Interval", check.get_int64("interval", 30) * second);
    out.set("Timeout", check.get_int64("timeout", 5) * second);
    out.set("Retries", check.get_int64("retries", 3));
    if (check.has("startPeriod")) out.set("StartPeriod", check.get_int64("startPeriod") * second);
    return out;
}

Json container_config(const Json& definition)
{
    Json config = Json::object();
    copy_as(definition, "user", config, "User");
    copy_as(definition, "workingDirectory", config, "WorkingDir");
    copy_as(definition, "hostname", config, "Hostname");
    copy_as(definition, "disableNetworking", config, "NetworkDisabled");
    copy_as(definition, "interactive", config, "OpenStdin");
    copy_as(definition, "pseudoTerminal", config, "Tty");
    copy_as(definition, "dockerLabels", config, "Labels");
    if (const Json& check = definition["healthCheck"]; check.is_object()) config.set("Healthcheck", health_check(check));
    return config;
}

}  // namespace

acs::DockerConfig docker_config(const Json& definition, const Json& override, const std::string& network_mode)
{
    return {"1.24", container_config(definition).dump(), host_config(definition, override, network_mode).dump()};
}

}  // namespace boxship::drive
