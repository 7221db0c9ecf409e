// What sandbox_for_tests.h declares.
#include "runtime/net/sandbox_for_tests.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

sockaddr_in name_of(Ipv4 address, std::uint16_t port)
{
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(address.value);
    name.sin_port = htons(port);
    return name;
}

std::uint16_t checksum(const void* data, std::size_t size)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < size; i += 2) {
        std::uint16_t word;
        std::memcpy(&word, static_cast<const char*>(data) + i, sizeof word);
        sum += word;
    }
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return std::uint16_t(~sum);
}

HostResult<> on_host_or_in(const std::string& where, const std::function<HostResult<>()>& fn)
{
    return where.empty() ? fn() : run_in(where, fn);
}

std::string ask_by(int type, const std::string& where, const char* address, std::uint16_t port, int milliseconds = 2000)
{
    std::string answer;
    const auto outcome = on_host_or_in(where, [&]() -> HostResult<> {
        const env::UniqueFd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const timeval patience{.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        const sockaddr_in name = name_of(ip(address), port);
        if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return {};
        if (send(fd.get(), "?", 1, MSG_NOSIGNAL) != 1) return {};
        char buffer[256];
        const ssize_t size = recv(fd.get(), buffer, sizeof buffer, 0);
        if (size > 0) answer.assign(buffer, std::size_t(size));
        return {};
    });
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return answer;
}

}  // namespace

const std::string& sandbox_dir()
{
    static const std::string dir = fmt::format("/run/boxship-net-test-{}", getpid());  // first asked before the fork
    return dir;
}

void in_sandbox(const std::function<void()>& body)
{
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    mkdir(sandbox_dir().c_str(), 0700);
    std::fflush(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("tmpfs", sandbox_dir().c_str(), "tmpfs", 0, nullptr) != 0) {
            std::perror("make a sandbox");
            _exit(3);
        }
        const auto host = Netlink::open(NETLINK_ROUTE);
        EXPECT_TRUE(host.ok() && (*host)->request(set_link_up(1)).ok());
        body();
        std::fflush(nullptr);
        _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    rmdir(sandbox_dir().c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

Ipv4 ip(const char* text)
{
    const auto address = Ipv4::parse(text);
    EXPECT_TRUE(address.has_value()) << text;
    return address.value_or(Ipv4{});
}

Platform platform_of(const char* agent)
{
    return {"bx3f", fmt::format("{}/bx3f", sandbox_dir()), agent};
}

EniSpec eni_of(const char* netns, const char* address)
{
    return {netns, std::string("eni-") + netns, ip(address), Mac::of(ip(address))};
}

std::unique_ptr<Router> router_of(const Platform& platform, const char* cidr, const char* vpc, bool reached_from_host)
{
    auto router = Router::ensure(platform, {vpc, Ipv4Net::parse(cidr).value(), reached_from_host});
    EXPECT_TRUE(router.ok()) << router.error().message;
    if (!router.ok()) _exit(4);
    return std::move(router).value();
}

std::string attach(const Router& router, const EniSpec& spec)
{
    const auto path = attach_eni(router, spec);
    EXPECT_TRUE(path.ok()) << path.error().message;
    return path.ok() ? *path : "";
}

Server::Server(const std::string& where, const std::string& name, Ipv4 address, std::uint16_t port) : name_(name), stop_(eventfd(0, EFD_CLOEXEC))
{
    const auto outcome = on_host_or_in(where, [&]() -> HostResult<> {
        const int yes = 1;
        const sockaddr_in local = name_of(address, port);
        tcp_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        udp_.reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        for (const int fd : {tcp_.get(), udp_.get()})
            if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return host_error("bind " + name_, errno);
        if (listen(tcp_.get(), 64) != 0) return host_error("listen " + name_, errno);
        return {};
    });
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    thread_ = std::thread([this] {
        for (;;) {
            std::array<pollfd, 3> ready{{{stop_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}}};
            poll(ready.data(), ready.size(), -1);
            if (ready[0].revents) return;
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            const auto text = [&] { return name_ + " " + to_text(Ipv4{ntohl(peer.sin_addr.s_addr)}); };
            if (ready[1].revents) {
                const env::UniqueFd fd(accept4(tcp_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
                send(fd.get(), text().data(), text().size(), MSG_NOSIGNAL);
            } else if (ready[2].revents) {
                char byte;
                if (recvfrom(udp_.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &size) < 0) continue;
                sendto(udp_.get(), text().data(), text().size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
            }
        }
    });
}

Server::~Server()
{
    eventfd_write(stop_.get(), 1);
    thread_.join();
}

std::string ask(const std::string& where, const char* address, std::uint16_t port)
{
    return ask_by(SOCK_STREAM, where, address, port);
}

std::string ask_udp(const std::string& where, const char* address, std::uint16_t port)
{
    return ask_by(SOCK_DGRAM, where, address, port);
}

bool unanswered(const std::string& where, const char* address, std::uint16_t port)
{
    return ask_by(SOCK_STREAM, where, address, port, 100).empty();
}

void send_as(const std::string& where, Ipv4 source, Ipv4 to, std::uint16_t port, Mac next_hop)
{
    const auto sent = run_in(where, [&]() -> HostResult<> {
        struct {
            iphdr ip;
            udphdr udp;
            char byte[2];
        } packet{};
        packet.ip.version = 4;
        packet.ip.ihl = 5;
        packet.ip.ttl = 64;
        packet.ip.protocol = IPPROTO_UDP;
        packet.ip.saddr = htonl(source.value);
        packet.ip.daddr = htonl(to.value);
        packet.udp.source = htons(9999);
        packet.udp.dest = htons(port);
        packet.udp.len = htons(sizeof packet.udp + sizeof packet.byte);
        packet.ip.tot_len = htons(sizeof packet);
        packet.ip.check = checksum(&packet.ip, sizeof packet.ip);
        if (!next_hop) {
            const env::UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
            const sockaddr_in name = name_of(to, 0);
            if (sendto(fd.get(), &packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0)
                return host_error("send a made-up packet", errno);
            return {};
        }
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open(NETLINK_ROUTE));
        ASSIGN_OR_RETURN(const auto link, find_link(*netlink, "eth0"));
        const env::UniqueFd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_ll name{};
        name.sll_family = AF_PACKET;
        name.sll_protocol = htons(ETH_P_IP);
        name.sll_ifindex = link->index;
        name.sll_halen = 6;
        std::copy(next_hop.bytes.begin(), next_hop.bytes.end(), name.sll_addr);
        if (sendto(fd.get(), &packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0)
            return host_error("send a made-up frame", errno);
        return {};
    });
    EXPECT_TRUE(sent.ok()) << sent.error().message;
}

std::vector<std::string> received_at(const std::string& where, std::uint16_t port, const std::function<void()>& action)
{
    env::UniqueFd fd;
    EXPECT_TRUE(run_in(where, [&]() -> HostResult<> {
        fd.reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const timeval patience{.tv_sec = 0, .tv_usec = 50000};
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const sockaddr_in name = name_of({}, port);
        if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return host_error("bind", errno);
        return {};
    }).ok());
    action();
    std::vector<std::string> sources;
    for (;;) {
        char buffer[64];
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (recvfrom(fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size) < 0) return sources;
        sources.push_back(to_text(Ipv4{ntohl(peer.sin_addr.s_addr)}));
    }
}

std::string make_outside()
{
    const std::string path = fmt::format("{}/outside", sandbox_dir());
    auto outside = make_namespace(path, NamespaceUse::container);
    auto host = Netlink::open(NETLINK_ROUTE);
    EXPECT_TRUE(outside.ok() && host.ok());
    auto veth = make_veth({.name = "wan0", .mac = {}}, {.name = "eth0", .mac = {}, .namespace_fd = outside->fd.get()}, 1400);
    EXPECT_TRUE((*host)->request(veth).ok());
    const int near = find_link(**host, "wan0").value()->index;
    const int far = find_link(*outside->routes, "eth0").value()->index;
    std::array here{add_address(near, ip("198.51.100.1"), 24), add_route({.to = {}, .via = ip("198.51.100.2"), .index = near})};
    std::array there{set_link_up(far), add_address(far, ip("198.51.100.2"), 24),
                     add_route({.to = *Ipv4Net::parse("172.16.0.0/12"), .via = ip("198.51.100.1"), .index = far})};
    std::array up{set_link_up(far)};
    const auto raised = outside->routes->request(up);
    const auto left = (*host)->request(here);
    const auto right = outside->routes->request(there);
    EXPECT_TRUE(raised.ok() && left.ok() && right.ok());
    return path;
}

bool play_docker()
{
    const char* const commands[] = {"-P FORWARD DROP", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-A DOCKER-USER -j RETURN"};
    for (const char* command : commands) {
        const auto outcome = env::run_process({"sh", "-c", std::string("iptables ") + command});
        if (!outcome.ok() || outcome->exit_code != 0) return false;
    }
    return true;
}

std::vector<std::string> leavings()
{
    std::vector<std::string> found;
    const auto host = Netlink::open(NETLINK_ROUTE);
    const auto links = list_links(**host);
    const auto routes = list_routes(**host);
    for (const Link& link : *links) found.push_back("link " + link.name);
    for (const Route& route : *routes) found.push_back("route " + to_text(route.to) + (route.unreachable ? " unreachable" : ""));
    const auto tables = read_nft("list ruleset");
    EXPECT_TRUE(tables.ok());
    found.push_back(tables.ok() ? *tables : "");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sandbox_dir()))
        if (!entry.is_directory()) found.push_back(entry.path().string());
    // Other tests mount at the same time, and what they mount shows here too: only our own counts.
    const auto mounts = env::read_file("/proc/self/mounts");
    EXPECT_TRUE(mounts.ok());
    for (const auto& mount : split(mounts.ok() ? *mounts : "", '\n'))
        if (mount.find(sandbox_dir()) != mount.npos) found.push_back(mount);
    return found;
}

bool eventually(const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

int link_count(const Router& router)
{
    const auto links = list_links(router.routes());
    EXPECT_TRUE(links.ok());
    return links.ok() ? int(links->size()) : -1;
}

}  // namespace boxship::runtime::net
