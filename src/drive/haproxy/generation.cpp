// Which configuration HAProxy runs: written, checked, taken up, recognised after a restart.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "drive/haproxy/balancers.h"
#include "drive/haproxy/header.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "wire/crypto.h"

namespace boxship::drive::haproxy {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto between_reloads = 250ms;   // a client that makes many rules one by one costs few reloads
constexpr auto answers_within = 10s;
constexpr int places_min = 8;

bool can_listen(int family, int port)
{
    const env::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return family == AF_INET6;   // no IPv6 here: nothing to be in the way
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const auto number = htons(static_cast<std::uint16_t>(port));
    if (family == AF_INET) {
        sockaddr_in name{.sin_family = AF_INET, .sin_port = number, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
        return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
    }
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = number;
    name.sin6_addr = in6addr_loopback;
    return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 || errno == EADDRNOTAVAIL;
}

bool has_ipv6_loopback()
{
    const auto addresses = env::read_file("/proc/net/if_inet6");
    return addresses.ok() && addresses->find("00000000000000000000000000000001") != std::string::npos;
}

// As HAProxy's `namespace` wants it: it looks below /var/run/netns, and ours lie elsewhere.
std::string from_netns(const std::string& path) { return "../.." + path; }

std::vector<decide::TargetAddress> healthy_targets(const Plan& plan)
{
    std::vector<decide::TargetAddress> out;
    for (const auto& [id, group] : plan.groups) {
        for (const auto& target : group.targets)
            if (target.state == model::TargetState::healthy) out.push_back(target.address);
        out.emplace_back();             // where one group ends
    }
    return out;
}

}  // namespace

void Balancers::choose_loopback(std::set<int>& ports)
{
    const auto protocols = loopback_protocols(*plan_);
    look_at_ports_again_ = {};
    std::set<int> taken;
    for (const auto& [port, protocol] : protocols) {
        if (held_ports_.contains(port) || (can_listen(AF_INET, port) && can_listen(AF_INET6, port))) ports.insert(port);
        else taken.insert(port);
    }
    for (const auto& balancer : plan_->balancers) {
        std::string& text = reasons_[balancer.row->id].text;
        for (const auto& listener : balancer.listeners) {
            const int port = listener.row->port;
            if (taken.contains(port))
                text += fmt::format("{}Port {} of this machine (127.0.0.1) is in use by another program; the addresses in the VPC answer.", text.empty() ? "" : " ", port);
            else if (protocols.at(port) != listener.row->protocol)
                text += fmt::format("{}On port {} of this machine (127.0.0.1) another load balancer speaks another protocol; the addresses in the VPC answer.", text.empty() ? "" : " ", port);
        }
    }
    if (!taken.empty()) look_at_ports_again_ = Steady::now() + ports_again_after;
}

void Balancers::reserve_places()
{
    for (const auto& [id, group] : plan_->groups) {
        // Half as many again as there are targets: in a rolling update the new stand beside the old.
        int& places = places_[id];
        places = std::max(places, places_min);
        const auto standing = std::ranges::count(group.targets, false, &TargetPlan::drained);   // a drained one has given its place back
        while (places < static_cast<int>(standing) * 3 / 2) places *= 2;
    }
    std::erase_if(places_, [&](const auto& entry) { return !plan_->groups.contains(entry.first); });
}

HostResult<> Balancers::bring_up()
{
    reserve_places();
    ConfigurationOptions wanted{.directory = options_.directory, .ipv6 = has_ipv6_loopback(), .places = places_};
    wanted.namespace_of = [this](const std::string& vpc) { return from_netns(namespaces_.at(vpc)); };
    if (!process_.running()) {
        process_.forget();
        if (!process_.left()) held_ports_.clear();
        applied_.clear();
    }
    choose_loopback(wanted.loopback_ports);
    // What does not come and go at run time decides whether a new configuration is needed.
    Plan without_targets = *plan_;
    for (auto& [id, group] : without_targets.groups) group.targets.clear();
    std::string shape = configuration(without_targets, wanted);
    for (const auto& [name, text] : certificate_lists(*plan_, options_.directory)) shape += name + text;
    const std::string hash = crypto::sha256_hex(shape);
    postponed_ = hash != applied_ && process_.running() && Steady::now() - reloaded_ < between_reloads;
    if (postponed_) return {};
    if (hash == applied_) return keep_current(wanted);

    wanted.generation = ++generation_;
    RETURN_IF_ERROR(write_files(wanted, hash));
    if (process_.running()) {
        if (const auto seen = process_.ask("show stat"); seen.ok()) remember_counters(read_stat(*seen));
        reloaded_ = Steady::now();
        process_.reload();
    } else {
        RETURN_IF_ERROR(process_.start());
    }
    add_up_counters();
    RETURN_IF_ERROR(await_generation());
    applied_ = hash;
    held_ports_ = wanted.loopback_ports;
    failures_ = 0;
    problem_.clear();
    log_info("load balancers: generation {} serves", generation_);
    return {};
}

// An HAProxy in the place of one that crashed begins with the targets as they are then, not as they were when its generation did.
HostResult<> Balancers::keep_current(ConfigurationOptions& wanted)
{
    if (healthy_targets(*plan_) == written_targets_) return {};
    wanted.generation = generation_;
    RETURN_IF_ERROR(write_configuration(wanted, applied_));
    return put_in_place();
}

HostResult<> Balancers::write_files(const ConfigurationOptions& wanted, const std::string& hash)
{
    RETURN_IF_ERROR(env::make_directories(options_.directory, 0700));
    RETURN_IF_ERROR(env::make_directories(options_.directory + "/empty", 0700));
    RETURN_IF_ERROR(env::make_directories("/run/netns"));   // HAProxy starts there to find a namespace
    std::set<std::string> pems;
    for (const auto& [id, certificate] : plan_->certificates) {
        const std::string name = certificate_file(*certificate);
        pems.insert(name);
        if (env::file_exists(options_.directory + "/" + name)) continue;
        const auto key = options_.open_key(*certificate);
        if (!key) return HostError{"the private key of certificate " + to_text(id) + " cannot be opened with this server's key"};
        const std::string chain = certificate->chain.empty() ? "" : "\n" + certificate->chain;
        RETURN_IF_ERROR(env::write_file_durably(options_.directory + "/" + name, certificate->certificate + chain + "\n" + *key, 0600));
    }
    for (const auto& [name, list] : certificate_lists(*plan_, options_.directory))
        RETURN_IF_ERROR(env::write_file_durably(options_.directory + "/" + name, list, 0600));
    RETURN_IF_ERROR(write_configuration(wanted, hash));
    // What HAProxy does not accept must not take the place of what it runs. What it ran before it crashed it will accept.
    if (hash != accepted_) RETURN_IF_ERROR(check_file(configuration_file() + ".new"));
    accepted_ = hash;
    RETURN_IF_ERROR(put_in_place());
    // Keys that nobody shows any more. The HAProxy that runs has read its own long ago.
    ASSIGN_OR_RETURN(const auto files, env::list_directory(options_.directory));
    for (const auto& file : files)
        if (file.ends_with(".pem") && !pems.contains(file)) RETURN_IF_ERROR(env::remove_file(options_.directory + "/" + file));
    return {};
}

HostResult<> Balancers::write_configuration(const ConfigurationOptions& wanted, const std::string& hash)
{
    const Header header{.generation = wanted.generation, .shape = hash, .loopback_ports = wanted.loopback_ports};
    return env::write_file_durably(configuration_file() + ".new", header_text(header) + configuration(*plan_, wanted), 0600);
}

HostResult<> Balancers::put_in_place()
{
    const std::string path = configuration_file();
    if (::rename((path + ".new").c_str(), path.c_str()) != 0) return host_error("rename " + path + ".new", errno);
    written_targets_ = healthy_targets(*plan_);
    return {};
}

HostResult<> Balancers::check_file(const std::string& path)
{
    const auto checked = env::run_process({"haproxy", "-c", "-f", path});
    if (!checked.ok() && checked.error().code == ENOENT) return HostError{"HAProxy is not installed: apt-get install haproxy"};
    if (!checked.ok()) return checked.error();
    if (checked->exit_code != 0) return HostError{"HAProxy refuses its configuration: " + std::string(trim(checked->err)).substr(0, 500)};
    return {};
}

HostResult<> Balancers::await_generation()
{
    const auto deadline = Steady::now() + answers_within;
    while (Steady::now() < deadline && !stopping_) {
        if (process_.take_up(generation_)) return {};
        if (!process_.running()) {
            process_.forget();
            return HostError{"HAProxy ended at once; " + options_.process.log_file + " says why"};
        }
        std::this_thread::sleep_for(Milliseconds(5));
    }
    return HostError{"HAProxy did not take its new configuration; " + options_.process.log_file + " says why"};
}

// After a restart of ours: which configuration does the HAProxy that we found run?
void Balancers::recall_applied()
{
    const auto text = env::read_file(configuration_file());
    const auto running = process_.generation();
    if (running) generation_ = *running;
    if (!text.ok() || !running) return;
    const Header header = read_header(*text);
    generation_ = std::max(generation_, header.generation);
    held_ports_ = header.loopback_ports;
    if (header.generation != *running) return;   // killed between writing and reloading: it is done again
    applied_ = header.shape;
    const auto stat = process_.ask("show stat");
    if (!stat.ok()) return;
    // As many places as there are, so that the same configuration comes out again.
    Plan& plan = *(plan_ = take_plan());
    const Seen seen = read_stat(*stat);
    for (const auto& [id, group] : plan.groups)
        if (const auto found = seen.servers.find(group_name(id)); found != seen.servers.end()) places_[id] = static_cast<int>(found->second.size());
}

}  // namespace boxship::drive::haproxy
