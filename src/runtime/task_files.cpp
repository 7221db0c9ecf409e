#include "runtime/task_files.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/rootfs.h"

namespace boxship::runtime {
namespace {

constexpr long nsfs_magic = 0x6e736673;

std::string hosts_text(const NameFiles& names)
{
    std::string text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    for (const auto& entry : names.hosts) text += entry.address + "\t" + entry.names + "\n";
    return text;
}

HostResult<std::string> resolver_text(const NameFiles& names)
{
    if (names.dns_servers.empty() && names.dns_search.empty() && names.dns_options.empty()) {
        auto text = env::read_file("/etc/resolv.conf");
        if (!text && text.error().code == ENOENT) return std::string();
        return text;
    }
    std::string text;
    for (const auto& server : names.dns_servers) text += "nameserver " + server + "\n";
    if (!names.dns_search.empty()) text += "search " + join(names.dns_search, " ") + "\n";
    if (!names.dns_options.empty()) text += "options " + join(names.dns_options, " ") + "\n";
    return text;
}

}  // namespace

HostResult<> write_name_files(const std::string& directory, const NameFiles& names)
{
    RETURN_IF_ERROR(env::write_file(directory + "/hosts", hosts_text(names)));
    RETURN_IF_ERROR(env::write_file(directory + "/hostname", names.hostname + "\n"));
    ASSIGN_OR_RETURN(const std::string resolver, resolver_text(names));
    return env::write_file(directory + "/resolv.conf", resolver);
}

HostResult<> make_shared_ipc(const std::string& directory, std::uint64_t shm_bytes)
{
    const std::string shm = directory + "/shm";
    ASSIGN_OR_RETURN(const bool mounted, is_mounted(shm));
    if (!mounted) {
        RETURN_IF_ERROR(env::make_directories(shm));
        const std::string options = "mode=1777,size=" + std::to_string(shm_bytes);
        if (::mount("shm", shm.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0)
            return host_error("mount " + shm, errno);
    }
    const std::string ipc = directory + "/ipc";
    struct statfs info;
    if (::statfs(ipc.c_str(), &info) == 0 && info.f_type == nsfs_magic) return {};
    RETURN_IF_ERROR(env::write_file(ipc, ""));
    // A thread of its own takes the new namespace; the file keeps it when the thread is gone.
    int failure = 0;
    std::thread([&] {
        const std::string own = "/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/ns/ipc";
        if (::unshare(CLONE_NEWIPC) != 0 || ::mount(own.c_str(), ipc.c_str(), nullptr, MS_BIND, nullptr) != 0) failure = errno;
    }).join();
    if (failure != 0) return host_error("make an IPC namespace for " + directory, failure);
    return {};
}

HostResult<> remove_shared_ipc(const std::string& directory)
{
    RETURN_IF_ERROR(unmount(directory + "/ipc"));
    return unmount(directory + "/shm");
}

}  // namespace boxship::runtime
