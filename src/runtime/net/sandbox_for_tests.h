// For tests: a "host" of its own. The body runs in a forked child with fresh network and mount namespaces and a tmpfs,
// so the machine's own network is never touched and everything is gone with the child.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/net/eni.h"
#include "runtime/net/router.h"

namespace boxship::runtime::net {

const std::string& sandbox_dir();  // where the tmpfs is; one per test process
inline constexpr const char* default_vpc = "vpc-0123456789abcdef0";

// Skips without root. `lo` of the "host" is up.
void in_sandbox(const std::function<void()>& body);

Ipv4 ip(const char* text);
Platform platform_of(const char* agent);
EniSpec eni_of(const char* netns, const char* address);           // its ENI is "eni-<netns>", its MAC Mac::of(address)
std::unique_ptr<Router> router_of(const Platform& platform, const char* cidr = "172.31.0.0/16", const char* vpc = default_vpc,
                                  bool reached_from_host = true);
std::string attach(const Router& router, const EniSpec& spec);    // the namespace's path

// Answers every TCP connection and UDP datagram with "<name> <the peer's address>". `where`: a namespace, "" is the host's.
class Server {
public:
    Server(const std::string& where, const std::string& name, Ipv4 address, std::uint16_t port);
    ~Server();

private:
    std::string name_;
    env::UniqueFd tcp_, udp_, stop_;
    std::thread thread_;
};
// The answer; "" when it was refused or did not come within two seconds.
std::string ask(const std::string& where, const char* address, std::uint16_t port);
std::string ask_udp(const std::string& where, const char* address, std::uint16_t port);
// Over TCP, refused or nothing within 100 ms.
bool unanswered(const std::string& where, const char* address, std::uint16_t port);

// One UDP datagram with whatever source address, from inside the namespace; with a MAC as a frame of its eth0 to that.
void send_as(const std::string& where, Ipv4 source, Ipv4 to, std::uint16_t port, Mac next_hop = {});
// The sources of the datagrams that reach a port of the namespace while `action` runs, and for 50 ms more.
std::vector<std::string> received_at(const std::string& where, std::uint16_t port, const std::function<void()>& action);

// A network beyond the host: 198.51.100.2 behind 198.51.100.1, which the host's default route leads to, and which knows
// the way to 172.16.0.0/12 through the host. The result is its namespace's path.
std::string make_outside();
// The chains that a Docker daemon makes, with FORWARD's policy DROP. False when there is no iptables.
bool play_docker();

// Links, routes and nft tables of the "host", and the files in the run directory: to compare before and after.
std::vector<std::string> leavings();
// Waits for the kernel to take down what was released: until `condition`, at most five seconds.
bool eventually(const std::function<bool()>& condition);
int link_count(const Router& router);

}  // namespace boxship::runtime::net
