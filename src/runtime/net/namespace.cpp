#include "runtime/net/namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>

#include "env/real/files.h"
#include "runtime/net/links.h"

namespace boxship::runtime::net {
namespace {

HostResult<> on_own_thread(const std::function<HostResult<>()>& fn)
{
    HostResult<> outcome;
    try {
        std::thread([&] { outcome = fn(); }).join();
    } catch (const std::system_error& error) {
        return host_error("start a thread", error.code().value());
    }
    return outcome;
}

HostResult<> enter(int fd, const std::string& path)
{
    if (setns(fd, CLONE_NEWNET) != 0) return host_error("enter network namespace " + path, errno);
    return {};
}

HostResult<> create_here(const std::string& path)
{
    ASSIGN_OR_RETURN(const env::UniqueFd target, env::open_file(path, O_RDONLY | O_CREAT, 0444));
    if (unshare(CLONE_NEWNET) != 0) return host_error("create a network namespace", errno);
    if (mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return host_error("mount a network namespace on " + path, errno);
    return {};
}

struct Setting {
    const char* path;  // below /proc/sys/net
    const char* value;
    bool required;
};

HostResult<> apply(std::span<const Setting> settings)
{
    for (const Setting& setting : settings) {
        const auto written = env::write_file(std::string("/proc/sys/net/") + setting.path, setting.value);
        if (!written.ok() && (setting.required || written.error().code != ENOENT)) return written;
    }
    return {};
}

// IPv6 first: a link made before would begin to configure itself. ("all" holds for links made later, too.)
constexpr Setting no_ipv6[] = {{"ipv6/conf/all/disable_ipv6", "1", false}};
constexpr Setting container_settings[] = {{"ipv4/ip_unprivileged_port_start", "0", true}, {"ipv4/ping_group_range", "0 2147483647", true}};
constexpr Setting forwarding[] = {{"ipv4/ip_forward", "1", true}, {"ipv4/conf/all/send_redirects", "0", true},
                                  {"ipv4/conf/default/send_redirects", "0", true}};
constexpr Setting router_settings[] = {{"ipv4/conf/all/rp_filter", "1", true}, {"ipv4/conf/default/rp_filter", "1", true},
                                       {"ipv4/conf/all/accept_redirects", "0", true}, {"ipv4/conf/default/proxy_arp", "1", true}};
// Bridged packets go past the filters for routed ones, where the kernel would send them through.
constexpr Setting bridge_settings[] = {{"bridge/bridge-nf-call-iptables", "0", false}, {"ipv4/conf/all/rp_filter", "1", true}};

HostResult<> configure(NamespaceUse use)
{
    RETURN_IF_ERROR(apply(no_ipv6));
    if (use != NamespaceUse::container) RETURN_IF_ERROR(apply(forwarding));
    if (use == NamespaceUse::router) RETURN_IF_ERROR(apply(router_settings));
    if (use == NamespaceUse::instance) RETURN_IF_ERROR(apply(bridge_settings));
    if (use != NamespaceUse::router) RETURN_IF_ERROR(apply(container_settings));
    return {};
}

}  // namespace

bool is_namespace(const std::string& path)
{
    struct statfs info{};
    return statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

HostResult<env::UniqueFd> open_namespace(const std::string& path)
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(path, O_RDONLY));
    return fd;
}

HostResult<> run_in(const std::string& path, const std::function<HostResult<>()>& fn)
{
    ASSIGN_OR_RETURN(const env::UniqueFd fd, open_namespace(path));
    return on_own_thread([&]() -> HostResult<> {
        RETURN_IF_ERROR(enter(fd.get(), path));
        return fn();
    });
}

HostResult<std::unique_ptr<Netlink>> open_netlink_in(const std::string& path, int protocol)
{
    std::unique_ptr<Netlink> opened;
    RETURN_IF_ERROR(run_in(path, [&]() -> HostResult<> {
        ASSIGN_OR_RETURN(opened, Netlink::open(protocol));
        return {};
    }));
    return opened;
}

HostResult<env::UniqueFd> open_listener_in(const std::string& path, Ipv4 address, std::uint16_t port, int backlog)
{
    const std::string doing = "listen on " + to_text(address) + ":" + std::to_string(port) + " in " + path;
    env::UniqueFd listener;
    RETURN_IF_ERROR(run_in(path, [&]() -> HostResult<> {
        listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!listener) return host_error(doing, errno);
        const int yes = 1;
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        name.sin_addr.s_addr = htonl(address.value);
        if (setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) return host_error(doing, errno);
        if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return host_error(doing, errno);
        if (listen(listener.get(), backlog) != 0) return host_error(doing, errno);
        return {};
    }));
    return listener;
}

HostResult<OpenNamespace> make_namespace(const std::string& path, NamespaceUse use)
{
    RETURN_IF_ERROR(env::make_directories(std::filesystem::path(path).parent_path().string()));
    OpenNamespace made;
    RETURN_IF_ERROR(on_own_thread([&]() -> HostResult<> {
        if (!is_namespace(path)) RETURN_IF_ERROR(create_here(path));
        ASSIGN_OR_RETURN(made.fd, open_namespace(path));
        RETURN_IF_ERROR(enter(made.fd.get(), path));
        RETURN_IF_ERROR(configure(use));
        ASSIGN_OR_RETURN(made.routes, Netlink::open(NETLINK_ROUTE));
        return made.routes->request(set_link_up(1));  // lo is always link 1
    }));
    return made;
}

HostResult<> remove_namespace(const std::string& path)
{
    // A crash between two mounts cannot leave more than one here, but somebody's second bind would: peel all.
    while (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {}
    if (errno != EINVAL && errno != ENOENT) return host_error("unmount " + path, errno);
    return env::remove_file(path);
}

HostResult<std::vector<std::string>> list_namespaces(const std::string& dir)
{
    return env::list_directory(dir);
}

}  // namespace boxship::runtime::net
