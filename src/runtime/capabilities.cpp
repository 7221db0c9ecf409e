#include "runtime/capabilities.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/strings.h"

namespace boxship::runtime {
namespace {

constexpr const char* names[] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
    "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
    "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
    "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE"};

std::string full_name(std::string_view name)
{
    std::string upper(name);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return upper.starts_with("CAP_") ? upper : "CAP_" + upper;
}

HostResult<std::set<std::string>> read_names(const std::vector<std::string>& words, bool to_give)
{
    std::set<std::string> known;
    for (const auto& word : words) {
        const std::string name = full_name(word);
        const auto& all = all_capabilities();
        if (name == "CAP_ALL") known.insert(all.begin(), all.end());
        else if (std::find(all.begin(), all.end(), name) != all.end()) known.insert(name);
        else if (std::find(std::begin(names), std::end(names), name) == std::end(names))
            return HostError{"invalid capability: " + word, EINVAL};
        else if (to_give)
            return HostError{"capability " + name + " cannot be given on this host: it is not in our own bounding set", EPERM};
    }
    return known;
}

}  // namespace

const std::vector<std::string>& all_capabilities()
{
    static const std::vector<std::string> all = [] {
        std::vector<std::string> known;
        for (std::size_t i = 0; i < std::size(names); ++i)
            if (::prctl(PR_CAPBSET_READ, i, 0, 0, 0) > 0) known.emplace_back(names[i]);
        return known;
    }();
    return all;
}

const std::vector<std::string>& default_capabilities()
{
    static const std::vector<std::string> chosen = {
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP"};
    return chosen;
}

HostResult<std::vector<std::string>> choose_capabilities(bool privileged, const std::vector<std::string>& add,
                                                         const std::vector<std::string>& drop)
{
    if (privileged) return all_capabilities();
    ASSIGN_OR_RETURN(const auto added, read_names(add, true));
    ASSIGN_OR_RETURN(const auto dropped, read_names(drop, false));
    // As Docker: dropping ALL leaves what is added by name; otherwise a dropped one is gone even if it was added.
    const bool drop_all = std::any_of(drop.begin(), drop.end(), [](const auto& word) { return full_name(word) == "CAP_ALL"; });
    const auto& defaults = default_capabilities();
    std::vector<std::string> chosen;
    for (const auto& name : all_capabilities()) {
        const bool by_default = std::find(defaults.begin(), defaults.end(), name) != defaults.end();
        const bool wanted = drop_all ? added.contains(name) : (by_default || added.contains(name)) && !dropped.contains(name);
        if (wanted) chosen.push_back(name);
    }
    return chosen;
}

}  // namespace boxship::runtime
