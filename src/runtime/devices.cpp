#include "runtime/devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "env/real/files.h"

namespace boxship::runtime {
namespace {

// Docker's list: nodes may be made of anything, used are only these.
const std::vector<DeviceRule>& default_rules()
{
    static const std::vector<DeviceRule> rules = {
        {'c', -1, -1, "m"}, {'b', -1, -1, "m"},
        {'c', 1, 3, "rwm"},    // null
        {'c', 1, 5, "rwm"},    // zero
        {'c', 1, 7, "rwm"},    // full
        {'c', 1, 8, "rwm"},    // random
        {'c', 1, 9, "rwm"},    // urandom
        {'c', 5, 0, "rwm"},    // tty
        {'c', 5, 1, "rwm"},    // console
        {'c', 5, 2, "rwm"},    // ptmx
        {'c', 136, -1, "rwm"}  // pts/*
    };
    return rules;
}

bool made_anyway(const std::string& path)
{
    for (const char* own : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx"})
        if (path == own) return true;
    return false;
}

HostResult<> add(const std::string& host_path, const std::string& path, const std::string& permissions, Devices& devices, int depth)
{
    struct stat info;
    if (::stat(host_path.c_str(), &info) != 0) return host_error("look at device " + host_path, errno);
    if (S_ISDIR(info.st_mode)) {
        if (depth == 8) return {};
        ASSIGN_OR_RETURN(const auto names, env::list_directory(host_path));
        for (const auto& name : names) {
            struct stat below;
            const std::string next = host_path + "/" + name;
            // Links lead to devices met elsewhere; the terminals, shared memory and queues of the host stay its own.
            if (::lstat(next.c_str(), &below) != 0 || S_ISLNK(below.st_mode)) continue;
            if (next == "/dev/pts" || next == "/dev/shm" || next == "/dev/mqueue") continue;
            if (S_ISDIR(below.st_mode) || S_ISCHR(below.st_mode) || S_ISBLK(below.st_mode))
                RETURN_IF_ERROR(add(next, path + "/" + name, permissions, devices, depth + 1));
        }
        return {};
    }
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return HostError{host_path + " is no device", EINVAL};
    const char type = S_ISCHR(info.st_mode) ? 'c' : 'b';
    const unsigned major = ::major(info.st_rdev);
    const unsigned minor = ::minor(info.st_rdev);
    devices.rules.push_back({type, static_cast<int>(major), static_cast<int>(minor), permissions});
    if (!made_anyway(path)) devices.nodes.push_back({path, type, major, minor, info.st_mode & 07777, info.st_uid, info.st_gid});
    return {};
}

}  // namespace

HostResult<Devices> choose_devices(const ContainerSpec& spec)
{
    Devices devices;
    if (spec.privileged) {
        RETURN_IF_ERROR(add("/dev", "/dev", "rwm", devices, 0));
        devices.rules = {{'a', -1, -1, "rwm"}};
    } else {
        devices.rules = default_rules();
    }
    for (const auto& mapping : spec.devices) {
        const std::string& path = mapping.container_path.empty() ? mapping.host_path : mapping.container_path;
        if (spec.privileged && path == mapping.host_path) continue;
        RETURN_IF_ERROR(add(mapping.host_path, path, mapping.permissions.empty() ? "rwm" : mapping.permissions, devices, 0));
    }
    return devices;
}

}  // namespace boxship::runtime
