#include "drive/haproxy/reconcile.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/ipv4.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

std::string text_of(const decide::TargetAddress& address) { return fmt::format("{}:{}", ipv4_text(address.address), address.port); }

// Makes the places of a backend those of the wanted addresses: the commands that give, and those that take away.
void fill(const std::string& backend, const std::vector<ServerSeen>& servers, std::set<std::string> wanted, std::vector<std::string>& give, std::vector<std::string>& take)
{
    std::vector<const ServerSeen*> free;
    for (const auto& server : servers) {
        if (wanted.erase(server.address) > 0) {
            if (server.maintenance) give.push_back(fmt::format("set server {}/{} state ready", backend, server.name));
        } else if (!server.maintenance) {
            take.push_back(fmt::format("set server {}/{} state maint", backend, server.name));
        } else if (server.sessions == 0) {
            free.push_back(&server);
        }
    }
    for (const auto& address : wanted) {
        if (free.empty()) break;
        const auto colon = address.rfind(':');
        give.push_back(fmt::format("set server {}/{} addr {} port {}", backend, free.back()->name, address.substr(0, colon), address.substr(colon + 1)));
        give.push_back(fmt::format("set server {}/{} state ready", backend, free.back()->name));
        free.pop_back();
    }
}

std::set<std::string> addresses_of(const GroupPlan& group, TargetState state)
{
    std::set<std::string> out;
    for (const auto& target : group.targets)
        if (target.state == state) out.insert(text_of(target.address));
    return out;
}

class Group {
public:
    Group(const GroupPlan& group, const Seen& seen, const std::vector<const Seen*>& older, Time now, Reconciled& out)
        : group_(group), older_(older), now_(now), out_(out), name_(group_name(group.row->id)), probe_(probe_name(group.row->id)), open_name_(open_name(group.row->id))
    {
        if (const auto found = seen.servers.find(name_); found != seen.servers.end()) servers_ = &found->second;
        if (const auto found = seen.servers.find(probe_); found != seen.servers.end()) probes_ = &found->second;
        if (const auto found = seen.servers.find(open_name_); found != seen.servers.end()) open_ = &found->second;
    }

    void run()
    {
        if (!servers_ || !probes_ || !open_) return;   // HAProxy does not know the group yet: a new configuration is on its way
        std::set<std::string> wanted;
        for (const auto& target : group_.targets) wanted.insert(text_of(target.address));
        for (const auto& server : *servers_)
            if (!wanted.contains(server.address)) leave(server);
        for (const auto& server : *open_)
            if (!wanted.contains(server.address) && server.maintenance && server.sessions > 0) tell(fmt::format("shutdown sessions server {}/{}", open_name_, server.name));
        const bool fails_open = addresses_of(group_, TargetState::healthy).empty();
        fill(open_name_, *open_, fails_open ? addresses_of(group_, TargetState::unhealthy) : std::set<std::string>(), out_.commands, last_);
        choose_probed();
        release_probes();
        for (const auto& target : group_.targets) follow(target);
        out_.commands.insert(out_.commands.end(), last_.begin(), last_.end());
    }

private:
    void tell(const std::string& command) { out_.commands.push_back(command); }
    // After all that makes servers ready: between two commands there must be somebody to take a request.
    void tell_maintenance(const ServerSeen& server) { last_.push_back(fmt::format("set server {} state maint", place(server))); }
    std::string place(const ServerSeen& server) const { return name_ + "/" + server.name; }

    static const ServerSeen* find(const std::vector<ServerSeen>& servers, const std::string& address)
    {
        const auto found = std::ranges::find(servers, address, &ServerSeen::address);
        return found == servers.end() ? nullptr : &*found;
    }

    // A place whose target is gone. What is still under way there has had its deregistration delay.
    void leave(const ServerSeen& server)
    {
        if (server.maintenance && server.sessions == 0) return;
        if (!server.maintenance) tell_maintenance(server);
        else if (server.sessions > 0) tell(fmt::format("shutdown sessions server {}", place(server)));
        out_.busy = true;
    }

    // The place of the target, or a free one that is given to it.
    const ServerSeen* take_place(const TargetPlan& target)
    {
        const std::string address = text_of(target.address);
        if (const auto* server = find(*servers_, address)) return server;
        for (const auto& server : *servers_) {
            const bool used = std::ranges::any_of(group_.targets, [&](const TargetPlan& other) { return !other.drained && text_of(other.address) == server.address; });
            if (used || !server.maintenance || server.sessions > 0 || !given_.insert(server.name).second) continue;
            tell(fmt::format("set server {} addr {} port {}", place(server), ipv4_text(target.address.address), target.address.port));
            out_.busy = true;
            return &server;
        }
        return nullptr;   // full: a configuration with more places is on its way
    }

    // New targets are looked at in turn, when they are more than the probes.
    void choose_probed()
    {
        std::vector<std::string> fresh;
        for (const auto& target : group_.targets)
            if (target.state == TargetState::initial) fresh.push_back(text_of(target.address));
        const std::size_t first = fresh.size() > probes_->size() ? static_cast<std::size_t>(now_.ms / 1000) * probes_->size() : 0;
        for (std::size_t i = 0; i < std::min(fresh.size(), probes_->size()); ++i) probed_.insert(fresh[(first + i) % fresh.size()]);
    }
    void release_probes()
    {
        for (const auto& probe : *probes_)
            if (!probe.maintenance && !probed_.contains(probe.address)) tell(fmt::format("set server {}/{} state maint", probe_, probe.name));
    }

    // nullptr: nobody looks at it just now.
    const ServerSeen* take_probe(const TargetPlan& target)
    {
        const std::string address = text_of(target.address);
        if (!probed_.contains(address)) return nullptr;
        const ServerSeen* probe = find(*probes_, address);
        if (probe && !probe->maintenance) return probe;
        if (!probe) {
            for (const auto& candidate : *probes_) {
                if (probed_.contains(candidate.address) || !given_probes_.insert(candidate.name).second) continue;
                probe = &candidate;
                tell(fmt::format("set server {}/{} addr {} port {}", probe_, probe->name, ipv4_text(target.address.address), target.address.port));
                break;
            }
        }
        // Made ready it counts as up: it is put down at once, so that being up means that a check was passed.
        if (probe) {
            tell(fmt::format("set server {}/{} state ready", probe_, probe->name));
            tell(fmt::format("set server {}/{} health down", probe_, probe->name));
        }
        return nullptr;
    }

    void report(const TargetPlan& target, TargetState state, TargetReason reason, std::string description = {})
    {
        out_.reports.push_back({target.key, target.state, state, reason, std::move(description), false});
    }

    // Ready, but taking nothing until its checks are passed. Without weight it gets nothing in the moment between.
    void make_down(const ServerSeen& server)
    {
        tell(fmt::format("set server {} weight 0%", place(server)));
        tell(fmt::format("set server {} state ready", place(server)));
        tell(fmt::format("set server {} health down", place(server)));
        tell(fmt::format("set server {} weight 100%", place(server)));
    }

    void follow(const TargetPlan& target)
    {
        if (target.state == TargetState::draining) return drain(target);
        const ServerSeen* server = take_place(target);
        if (!server) return;
        switch (target.state) {
        case TargetState::initial: return follow_new(target, *server);
        case TargetState::healthy:
            if (server->maintenance || server->address != text_of(target.address)) return tell(fmt::format("set server {} state ready", place(*server)));
            if (!server->up) report(target, TargetState::unhealthy, reason_of(*server), description_of(*server));
            return;
        case TargetState::unhealthy:
            if (server->maintenance) return make_down(*server);
            if (server->up) report(target, TargetState::healthy, TargetReason::none);
            return;
        default: return;
        }
    }

    void follow_new(const TargetPlan& target, const ServerSeen& server)
    {
        out_.busy = true;
        if (!server.maintenance) return tell_maintenance(server);
        const ServerSeen* probe = take_probe(target);
        if (probe && probe->up) {
            tell(fmt::format("set server {} state ready", place(server)));
            return report(target, TargetState::healthy, TargetReason::none);
        }
        const auto& check = group_.row->health_check;
        const auto patience = Milliseconds(1000LL * check.interval_seconds * check.unhealthy_threshold);
        // While the next check begins there is no code; a moment later it tells why.
        const bool half_told = probe && probe->check_status == "L7STS" && probe->check_code == 0;
        if (probe && !half_told && now_ - target.registered_at > patience)
            return report(target, TargetState::unhealthy, reason_of(*probe), description_of(*probe));
        if (target.reason == TargetReason::registration_in_progress) report(target, TargetState::initial, TargetReason::initial_health_checking);
    }

    void drain(const TargetPlan& target)
    {
        if (target.drained) return;
        out_.busy = true;
        const ServerSeen* server = find(*servers_, text_of(target.address));
        if (server && !server->maintenance) return tell_maintenance(*server);
        if (server && server->sessions > 0) return;
        if (in_use(find(*open_, text_of(target.address))) || used_by_older(text_of(target.address))) return;
        out_.reports.push_back({target.key, target.state, target.state, TargetReason::deregistration_in_progress, {}, true});
    }

    static bool in_use(const ServerSeen* server) { return server && (!server->maintenance || server->sessions > 0); }

    bool used_by_older(const std::string& address) const
    {
        return std::ranges::any_of(older_, [&](const Seen* seen) {
            return std::ranges::any_of(std::array{&name_, &open_name_}, [&](const std::string* backend) {
                const auto servers = seen->servers.find(*backend);
                return servers != seen->servers.end() && in_use(find(servers->second, address));
            });
        });
    }

    const GroupPlan& group_;
    const std::vector<const Seen*>& older_;
    const Time now_;
    Reconciled& out_;
    const std::string name_, probe_, open_name_;
    const std::vector<ServerSeen>* servers_ = nullptr;
    const std::vector<ServerSeen>* probes_ = nullptr;
    const std::vector<ServerSeen>* open_ = nullptr;
    std::set<std::string> given_, given_probes_, probed_;
    std::vector<std::string> last_;
};

}  // namespace

Reconciled reconcile(const Plan& plan, const Seen& seen, const std::vector<const Seen*>& older, Time now)
{
    Reconciled out;
    for (const auto& [id, group] : plan.groups) Group(group, seen, older, now, out).run();
    return out;
}

std::vector<std::string> reconcile_older(const Plan& plan, const Seen& seen, bool listens)
{
    std::vector<std::string> commands, last;   // those that take something away come after those that give
    if (!listens)
        for (const auto& frontend : seen.listening) commands.push_back("shutdown frontend " + frontend);
    for (const auto& [id, group] : plan.groups) {
        for (const auto& name : {group_name(id), probe_name(id), open_name(id)}) {
            const auto servers = seen.servers.find(name);
            if (servers == seen.servers.end()) continue;
            const bool served = name == group_name(id);
            fill(name, servers->second, served ? addresses_of(group, TargetState::healthy) : std::set<std::string>(), commands, last);
        }
    }
    commands.insert(commands.end(), last.begin(), last.end());
    return commands;
}

}  // namespace boxship::drive::haproxy
