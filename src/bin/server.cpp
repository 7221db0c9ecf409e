// boxship server: the control plane. Reads like a parts list: what is made first ends last.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "bin/commands.h"
#include "bin/balancer.h"
#include "bin/data_directory.h"
#include "bin/routes.h"
#include "bin/supervisor.h"
#include "control/balance.h"
#include "control/lost_hosts.h"
#include "control/retention.h"
#include "control/services.h"
#include "control/targets.h"
#include "drive/agents/group_feed.h"
#include "drive/agents/sessions.h"
#include "env/real/process.h"
#include "env/real/real_env.h"
#include "front/keys.h"
#include "services/seed.h"
#include "services/served.h"

namespace boxship::bin {
namespace {

// Waits on this thread for a transaction; only before the server listens.
HostResult<> update_and_wait(state::Store& store, std::function<HostResult<>(state::Txn&)> work)
{
    std::promise<HostResult<>> promise;
    HostResult<> done;
    store.update(
        [&](state::Txn& txn) {
            done = work(txn);
            if (!done.ok()) txn.roll_back();
        },
        [&](HostResult<> durable) { promise.set_value(durable.ok() ? done : durable); });
    return promise.get_future().get();
}

// Lets everything that was posted to the state's thread so far run.
void finish_posted(env::Executor& executor)
{
    std::promise<void> promise;
    executor.post([&] { promise.set_value(); });
    promise.get_future().get();
}

HostResult<> prepare(state::Store& store, const PlatformIdentity& identity, Ids& ids, Time now)
{
    return update_and_wait(store, [&](state::Txn& txn) -> HostResult<> {
        const auto vpc = Ipv4Range::parse(identity.vpc_cidr);
        if (!vpc) return HostError{"platform.json holds a malformed vpcCidr '" + identity.vpc_cidr + "'; restore it from a backup"};
        RETURN_IF_ERROR(services::seed_platform(txn, {{identity.account, identity.region}, *vpc}, ids, now));
        admin::Admin::resume(txn);
        drive::Sessions::disconnect_all(txn, now);
        return {};
    });
}

// The hosts' keys, read again when their folder changed: hosts are added and removed while the server runs.
class HostKeys {
public:
    HostKeys(const DataDirectory& data, front::Keys& keys) : folder_(data.file("hosts")), data_(data), keys_(keys) {}

    HostResult<> read()
    {
        ASSIGN_OR_RETURN(const auto hosts, data_.all_hosts());
        keys_.set_hosts(hosts);
        return {};
    }
    Outcome<front::Identity, front::KeyProblem> find(const sigv4::Claim& claim, std::string_view source, Time now)
    {
        auto found = keys_.find(claim, source, now);
        const bool of_host = found.ok() && found->principal.kind == services::Principal::Kind::host;
        if (!of_host && (found.ok() || found.error() != front::KeyProblem::unknown_key)) return found;
        if (!changed(now)) return found;
        if (const auto done = read(); !done.ok()) log_warning("the hosts' keys cannot be read: {}", done.error().message);
        return keys_.find(claim, source, now);
    }

private:
    // Looked at twice a second at most: an unknown key must not make us read files for every request.
    bool changed(Time now)
    {
        std::int64_t last = looked_at_ms_;
        if (now.ms - last < 500 && now.ms >= last) return false;
        if (!looked_at_ms_.compare_exchange_strong(last, now.ms)) return false;
        struct stat folder{};
        if (::stat(folder_.c_str(), &folder) != 0) return true;
        const std::int64_t changed_ms = folder.st_mtim.tv_sec * 1000 + folder.st_mtim.tv_nsec / 1'000'000;
        // What changed just now may change again without a newer time.
        return seen_ms_.exchange(changed_ms) != changed_ms || now.ms - changed_ms < 2000;
    }

    const std::string folder_;
    const DataDirectory& data_;
    front::Keys& keys_;
    std::atomic<std::int64_t> looked_at_ms_{0}, seen_ms_{0};
};

HostResult<> serve(const Options& options)
{
    ::umask(0077);
    const DataDirectory data(options.data_directory());
    ASSIGN_OR_RETURN(const env::UniqueFd name, claim_name(data.file("run"), "server"));
    ASSIGN_OR_RETURN(const PlatformIdentity identity, data.identity());
    ASSIGN_OR_RETURN(const crypto::Key server_key, data.server_key());
    ASSIGN_OR_RETURN(const sigv4::Credentials root, data.root_credentials());
    const std::string listen = options.get("--listen", "127.0.0.1:4566");
    const auto colon = listen.rfind(':');
    const auto port = static_cast<std::uint16_t>(std::atoi(listen.substr(colon + 1).c_str()));
    const std::string endpoint = "http://" + listen;
    const std::string registry_host = options.get("--registry-host", fmt::format("localhost:{}", port));
    const model::Scope scope{identity.account, identity.region};
    ASSIGN_OR_RETURN(const Milliseconds lost_after, options.duration("--instance-lost-after", instance_lost_after));
    ASSIGN_OR_RETURN(const Milliseconds heartbeat, options.duration("--heartbeat", agents_heartbeat));
    if (heartbeat.count() == 0) return HostError{"--heartbeat must be a time such as 30s"};

    env::RealClock clock;
    env::RealRandom random;
    env::NoFaults faults;
    env::ThreadExecutor state_thread("state");
    state::Store store({clock, random, state_thread, faults}, state::make_sqlite_journal(data.file("journal.db"), state_thread));

    const wire::SessionTokens sessions(server_key);
    ASSIGN_OR_RETURN(const auto history, drive::History::open(data.file("history.db"), clock));
    http::IoThreads io(2);
    control::Retention retention(store);
    control::Targets targets(store);
    services::Installation installation;
    for (const auto& word : options.all("--quota")) {
        ASSIGN_OR_RETURN(const auto wish, model::parse_quota(word));
        installation.quotas.set(wish.facts->quota, wish.value);
    }
    control::Balance balance(store);
    control::Services services_loop(store, installation.fargate_overcommit);
    control::LostHosts lost_hosts(store, lost_after);
    RouterNetwork network(identity);
    drive::haproxy::Balancers balancers(store, network, balancers_options(data, identity, server_key));
    std::optional<drive::AgentHub> hub;
    hub.emplace(store, io, sessions, *history,
                drive::HubOptions{.registry_host = registry_host, .endpoint = endpoint, .server_key = server_key, .heartbeat_interval = heartbeat});
    history->follow(store);
    hub->follow();
    retention.follow();
    targets.follow();
    balance.follow();
    services_loop.follow();
    lost_hosts.follow();
    balancers.follow();
    const registry::Generation registry_generation(store);
    RETURN_IF_ERROR(store.load());
    RETURN_IF_ERROR(prepare(store, identity, random, clock.now()));
    store.update([&](state::Txn& txn) { history->tell_all(txn); }, [](HostResult<>) {});
    // Not on the state's thread: it changes rules in routers.
    std::optional<env::ThreadExecutor> group_thread;
    group_thread.emplace("groups");
    state_thread.post([&] {
        hub->groups().add(&network, [&](const shape::Json& frame) { group_thread->post([&network, frame] { network.take_groups(frame); }); });
    });

    front::Keys keys(identity.account, sessions);
    keys.add_root(root);
    if (options.has("--dev-credentials")) keys.allow_test_key();
    HostKeys host_keys(data, keys);
    RETURN_IF_ERROR(host_keys.read());
    front::Authenticator authenticator(
        [&](const sigv4::Claim& claim, std::string_view source, Time now) { return host_keys.find(claim, source, now); }, clock);

    blobs::Blobs blobs(data.file("blobs"));
    RETURN_IF_ERROR(blobs.prepare());
    blobs::Workers workers(4);  // they wait for the disk more than they compute
    registry::Registry registry(store, registry_generation, blobs, workers, registry::Tokens(server_key, random), clock, random, io.executor(),
                                registry::Options{.scope = scope, .images_max = installation.quotas[model::Quota::images_per_repository]});

    installation.registry_host = registry_host;
    installation.endpoint = endpoint;
    installation.registry = &registry;
    installation.seal = [&](std::string_view plain, std::string_view context) { return crypto::seal(server_key, plain, context, random); };
    installation.zone_default = identity.region + "a";
    services::Served served;
    services::serve_ecs(served);
    services::serve_ecr(served);
    services::serve_ec2(served);
    services::serve_sts(served);
    services::serve_elbv2(served);
    services::serve_acm(served);
    front::Front front(store, served, installation, authenticator, clock, random,
                       front::Options{.account = identity.account, .regions = {identity.region}, .metrics = {[&] { return balancers.metrics(); }}});
    admin::Admin admin(store, *hub, *history, {BOXSHIP_VERSION, endpoint, registry_host, identity.vpc_cidr, scope, installation.quotas});
    Routes routes(front, authenticator, registry, *hub, admin);

    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    std::optional<http::TaskGroup> background;
    background.emplace(io.executor());
    background->spawn("registry", [&] { return registry.run_background(); });
    std::optional<http::Server> server;
    server.emplace(io, [&](http::Request& request, http::BodyReader& body) { return routes.handle(request, body); });
    ASSIGN_OR_RETURN([[maybe_unused]] const auto bound, server->listen(listen.substr(0, colon), port));
    // Names under .localhost resolve to ::1 first; a host without IPv6 has no such name to resolve.
    if (const auto six = server->listen("::1", port); !six.ok()) log_info("not listening on ::1: {}", six.error().message);
    retention.start();
    targets.start();
    balance.start();
    services_loop.start();
    lost_hosts.start();
    finish_posted(state_thread);
    finish_posted(*group_thread);   // load balancers that are there go on under rules that are known
    balancers.start();
    log_info("boxship {} answers on {}", BOXSHIP_VERSION, endpoint);

    int signal = 0;
    ::sigwait(&signals, &signal);
    log_info("ending");
    server->drain(Milliseconds(5000));
    background.reset();
    server.reset();
    balancers.stop();
    state_thread.post([&] { hub->groups().remove(&network); });
    finish_posted(state_thread);
    group_thread.reset();
    hub.reset();
    finish_posted(state_thread);
    return {};
}

int run_server(const Options& options)
{
    env::raise_open_files_limit();
    // Blocked in every thread; serve() waits for them.
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    if (const auto served = serve(options); !served.ok()) return fail(served.error());
    return 0;
}

}  // namespace

Command server_command()
{
    return {"server",
            {"boxship server [--listen HOST:PORT] [--registry-host HOST] [--dev-credentials] …",
             "Run the control plane alone ('up' runs it and the agents)",
             {{"--listen", "HOST:PORT", "where everything answers (default 127.0.0.1:4566)"},
              {"--registry-host", "HOST", "the registry's name in image references"},
              {"--dev-credentials", "", "also accept the access key test / test"},
              {"--instance-lost-after", "TIME", "a host away for so long has lost its tasks (default 10m; or never)"},
              {"--heartbeat", "TIME", "how often agents are asked; gone after three silences (default 30s)"},
              {"--quota", "NAME=VALUE", "a service quota other than AWS's; may be repeated"}},
             {"boxship server --listen 127.0.0.1:4566"}},
            run_server};
}

}  // namespace boxship::bin
