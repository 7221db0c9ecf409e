#include "runtime/host_profile.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/trial.h"

namespace boxship::runtime {
namespace {

using Grade = HostFinding::Grade;

std::string first_line(const std::string& path)
{
    const auto text = env::read_file(path);
    return text ? std::string(trim(*text).substr(0, trim(*text).find('\n'))) : std::string();
}

std::string find_program(const std::string& name)
{
    if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
    const char* path = std::getenv("PATH");
    for (const auto& directory : split(path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
        const std::string candidate = directory + "/" + name;
        if (!directory.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

const char* name_of(CgroupMode mode)
{
    switch (mode) {
    case CgroupMode::none: return "none";
    case CgroupMode::v1: return "v1";
    case CgroupMode::hybrid: return "hybrid (v1 with v2 beside it)";
    case CgroupMode::v2: return "v2";
    }
    return "?";
}

void look_at_kernel(HostProfile& profile)
{
    utsname name{};
    ::uname(&name);
    profile.kernel = name.release;
    profile.boot_id = first_line("/proc/sys/kernel/random/boot_id");
    const int major = std::atoi(name.release);
    const char* dot = std::strchr(name.release, '.');
    const int minor = dot ? std::atoi(dot + 1) : 0;
    const bool recent = major > 5 || (major == 5 && minor >= 10);
    profile.findings.push_back({"kernel", profile.kernel + " " + name.machine, recent ? Grade::good : Grade::missing,
                                recent ? "" : "boxship needs Linux 5.10 or later"});
    const auto filesystems = env::read_file("/proc/filesystems");
    const bool overlay = filesystems && filesystems->find("\toverlay\n") != std::string::npos;
    profile.findings.push_back({"overlayfs", overlay ? "yes" : "not listed", overlay ? Grade::good : Grade::limited,
                                overlay ? "" : "it may be a module not loaded yet: modprobe overlay"});
    const bool seccomp = env::file_exists("/proc/sys/kernel/seccomp/actions_avail");
    profile.findings.push_back({"seccomp", seccomp ? "yes" : "no", seccomp ? Grade::good : Grade::missing,
                                seccomp ? "" : "containers cannot be kept from dangerous system calls: use a kernel with CONFIG_SECCOMP_FILTER"});
}

void look_at_cgroups(HostProfile& profile)
{
    const auto mounts = env::read_file("/proc/self/mountinfo");
    profile.cgroups = read_cgroup_layout(mounts ? *mounts : std::string());
    const auto mode = profile.cgroups.mode;
    profile.findings.push_back({"cgroups", name_of(mode), mode == CgroupMode::none ? Grade::missing : Grade::good,
                                mode == CgroupMode::none ? "mount cgroup2 on /sys/fs/cgroup" : ""});
    if (mode == CgroupMode::none) return;
    std::vector<std::string> there;
    std::vector<std::string> gone;
    const bool v2 = mode == CgroupMode::v2;
    for (const char* controller : {"cpu", "memory", "pids"})
        (profile.cgroups.with(controller) ? there : gone).emplace_back(controller);
    for (const char* controller : v2 ? std::vector<const char*>{"io"} : std::vector<const char*>{"cpuacct", "blkio", "devices"})
        (profile.cgroups.with(controller) ? there : gone).emplace_back(controller);
    const bool bare = !v2 && !profile.cgroups.with("devices");
    profile.findings.push_back({"cgroup controllers", join(there, " ") + (gone.empty() ? "" : ", without " + join(gone, " ")),
                                bare ? Grade::missing : gone.empty() ? Grade::good : Grade::limited,
                                gone.empty() ? "" : "limits that need them are refused; a kernel option (cgroup_enable=memory, say) may bring them back"});
    if (v2 && env::file_exists(profile.cgroups.unified()->mount + "/cgroup.procs") &&
        env::file_exists(profile.cgroups.unified()->mount + "/cgroup.type")) {
        // Not the kernel's own root (that has no cgroup.type): controllers can be passed down only when it is empty.
        const std::string members = first_line(profile.cgroups.unified()->mount + "/cgroup.procs");
        const auto passed = env::read_file(profile.cgroups.unified()->mount + "/cgroup.subtree_control");
        if (!members.empty() && passed && trim(*passed).empty())
            profile.findings.push_back({"cgroup delegation", "processes live in the root cgroup", Grade::missing,
                                        "inside a container: move its processes into a cgroup of their own first, or give it a private cgroup namespace with an init that does"});
    }
}

// "crun version 1.8.1" or "runc version 1.1.5+ds1", and whether filters of system calls were compiled in.
bool describe_oci(const std::string& path, HostProfile& profile)
{
    const auto said = env::run_process({path, "--version"}, Milliseconds(5000));
    if (!said || said->exit_code != 0) return false;
    const auto words = split(split(said->out, '\n').front(), ' ');
    if (words.size() < 3) return false;
    profile.oci_path = path;
    profile.oci_kind = words[0];
    profile.oci_version = words[2];
    const bool crun = profile.oci_kind == "crun";
    const CgroupMode mode = profile.cgroups.mode;
    profile.cgroups_ours = crun && (mode == CgroupMode::v1 || mode == CgroupMode::hybrid);
    profile.hide_unified = profile.cgroups_ours && profile.cgroups.unified() && profile.cgroups.unified()->mount == "/sys/fs/cgroup/unified" &&
                           !profile.cgroups.unified()->controllers.empty();
    profile.seccomp_precompiled = crun && std::atoi(profile.oci_version.c_str()) >= 1;
    return true;
}

}  // namespace

bool HostProfile::usable() const
{
    return std::none_of(findings.begin(), findings.end(), [](const auto& finding) { return finding.grade == Grade::missing; });
}

HostProfile probe_host(const ProbeOptions& options)
{
    HostProfile profile;
    look_at_kernel(profile);
    look_at_cgroups(profile);
    const bool root = ::geteuid() == 0;
    profile.findings.push_back({"privileges", root ? "root" : "none", root ? Grade::good : Grade::missing, root ? "" : "run it with sudo"});
    const bool monitor = ::access(options.monitor_program.c_str(), X_OK) == 0;
    profile.findings.push_back({"boxship-monitor", options.monitor_program, monitor ? Grade::good : Grade::missing,
                                monitor ? "" : "it belongs beside the boxship program: install the package again"});

    std::string complaints;
    bool works = false;
    for (const auto& candidate : options.oci_candidates) {
        const std::string path = find_program(candidate);
        if (path.empty() || !describe_oci(path, profile)) continue;
        const auto tried = root && monitor ? try_container(profile, options) : HostResult<>();
        works = tried.ok();
        if (works) break;
        complaints += (complaints.empty() ? "" : "; ") + path + ": " + tried.error().message;
    }
    if (!works) profile.oci_path.clear();
    profile.findings.push_back({"OCI runtime", works ? profile.oci_kind + " " + profile.oci_version + " (" + profile.oci_path + ")" : "none that works",
                                !works ? Grade::missing : profile.oci_kind == "crun" ? Grade::good : Grade::limited,
                                !works ? (complaints.empty() ? "install crun" : complaints)
                                       : profile.oci_kind == "crun" ? "" : "crun starts containers three times as fast: install it"});
    return profile;
}

std::string to_table(const HostProfile& profile)
{
    std::size_t width = 0;
    for (const auto& finding : profile.findings) width = std::max(width, finding.subject.size());
    std::string text;
    for (const auto& finding : profile.findings) {
        const char* mark = finding.grade == Grade::good ? "ok     " : finding.grade == Grade::limited ? "limited" : "MISSING";
        text += fmt::format("{}  {:<{}}  {}\n", mark, finding.subject, width, finding.value);
        if (!finding.advice.empty()) text += fmt::format("{:>9}{:<{}}  {}\n", "", "", width, finding.advice);
    }
    return text;
}

}  // namespace boxship::runtime
