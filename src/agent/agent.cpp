#include "agent/agent.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "agent/endpoints.h"
#include "agent/forward.h"
#include "agent/group_news.h"
#include "agent/port_forwards.h"
#include "agent/real_host.h"
#include "agent/session.h"
#include "base/ipv4.h"
#include "base/log.h"
#include "base/numbers.h"
#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/real_env.h"

namespace boxship::agent {
namespace {

constexpr const char* first_instance = "instance-1";
constexpr const char* fargate_cluster = "_fargate";
constexpr Milliseconds image_cleanup_interval{30 * 60'000};
constexpr Milliseconds groups_interval{5'000};

int fail(const HostError& error)
{
    log_error("agent: {}", error.message);
    return 1;
}

void fill_defaults(AgentOptions& options)
{
    if (options.fargate) options.cluster = fargate_cluster;
    if (options.credentials_file.empty()) options.credentials_file = options.data + "/hosts/" + options.name + ".json";
    if (options.run_directory.empty()) options.run_directory = "/run/boxship/" + options.platform_id;
    if (options.name == first_instance) options.forward_loopback = true;
    if (options.zone.empty()) options.zone = options.region + "a";
    if (options.instance_address.empty() && !options.fargate) options.instance_address = default_instance_address(options.vpc_cidr, options.name);
    const MachineSize machine = machine_size();
    if (options.cpu_units == 0) options.cpu_units = machine.cpu_units;
    if (options.memory_mib == 0) options.memory_mib = machine.memory_mib;
}

HostFacts facts_of(const AgentOptions& options)
{
    HostFacts facts;
    facts.identity = options.platform_id + "/" + options.name;
    facts.cluster = options.cluster;
    facts.fargate = options.fargate;
    facts.zone = options.zone;
    facts.region = options.region;
    facts.account = options.account;
    facts.instance_type = options.instance_type;
    facts.vpc_address = options.instance_address;
    facts.registered_cpu_units = options.cpu_units;
    facts.resources.cpu_units = options.fargate ? 0 : options.cpu_units;    // the control plane overcommits Fargate's
    facts.resources.memory_mib = options.memory_mib;
    facts.resources.tcp = options.reserved_ports;
    facts.attributes = options.attributes;
    return facts;
}

RealHostOptions host_options(const AgentOptions& options, const std::string& directory)
{
    RealHostOptions host;
    host.agent_directory = directory;
    host.images_directory = options.data + "/images";
    host.run_directory = options.run_directory;
    host.platform_id = options.platform_id;
    host.agent_name = options.name;
    host.monitor_program = options.monitor_program;
    host.vpc_cidr = options.vpc_cidr;
    host.instance_address = options.instance_address;
    host.own_registry = {options.server, {options.registry_host}, options.account, {options.region}, options.blobs_directory};
    // Fargate keeps no images between tasks: what is gone from the registry cannot be started any more.
    if (options.fargate) host.pull_policy = images::PullPolicy::cached_when_unreachable;
    return host;
}

// A record belongs to one cluster: an agent that moves needs another name or data directory.
HostResult<LedgerContents> load_record(Ledger& ledger, const std::string& cluster)
{
    ASSIGN_OR_RETURN(auto contents, ledger.load());
    const std::string known = contents.fact(cluster_fact);
    if (!known.empty() && known != cluster)
        return HostError{"this agent's record belongs to cluster " + known + ", not " + cluster + "; use another --name or data directory"};
    return contents;
}

// Again and again, as long as the executor runs.
void repeat(env::Executor& executor, Milliseconds interval, std::function<void()> work)
{
    executor.post_after(interval, [&executor, interval, work = std::move(work)] {
        work();
        repeat(executor, interval, work);
    });
}

int wait_for_signal(const sigset_t& signals)
{
    int number = 0;
    while (::sigwait(&signals, &number) != 0) {
    }
    return number;
}

}  // namespace

std::string default_instance_address(const std::string& vpc_cidr, const std::string& name)
{
    const auto range = Ipv4Range::parse(vpc_cidr);
    const auto dash = name.rfind('-');
    const unsigned number = dash == std::string::npos ? 0 : parse_number<unsigned>(std::string_view(name).substr(dash + 1)).value_or(0);
    if (!range || number < 1 || number > 250) return {};
    return ipv4_text(range->last() - 255 + 3 + number);      // behind the addresses that AWS reserves of any subnet
}

HostResult<> leave(AgentOptions options)
{
    fill_defaults(options);
    const std::string directory = options.data + "/agents/" + options.name;
    env::RealClock clock;
    HostCredentials keys(options.credentials_file);
    ApiClient api({options.server, options.region, options.ca_file}, keys, clock);
    ASSIGN_OR_RETURN(const auto host, RealHost::open(host_options(options, directory), api, clock, [](env::UniqueFd, env::UniqueFd, std::string) {}));
    RETURN_IF_ERROR(host->purge());
    return env::remove_tree(directory);
}

int run(AgentOptions options)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    ::mallopt(M_ARENA_MAX, 2);       // a thread each would cost more memory than contention costs time

    fill_defaults(options);
    const std::string directory = options.data + "/agents/" + options.name;
    if (const auto made = env::make_directories(directory, 0700); !made) return fail(made.error());
    auto ledger = open_sqlite_ledger(directory + "/agent.db");
    if (!ledger) return fail(ledger.error());
    const auto contents = load_record(**ledger, options.cluster);
    if (!contents) return fail(contents.error());

    env::RealClock clock;
    env::RealRandom random;
    env::NoFaults faults;
    env::ThreadExecutor executor("engine");
    http::IoThreads io(1, "io");
    HostCredentials keys(options.credentials_file);
    ApiClient api({options.server, options.region, options.ca_file}, keys, clock);
    Board board;
    TaskCredentials credentials;
    Forward forward(io.executor(0));
    const int processors = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));

    std::optional<PortForwards> loopback;
    if (options.forward_loopback && !options.instance_address.empty()) loopback.emplace(board, forward, options.instance_address);

    // Sockets come while the host opens, before there is anybody to answer at them.
    struct Listener {
        env::UniqueFd socket;
        std::string tag;
    };
    std::mutex listeners_mutex;
    std::vector<Listener> early;
    Endpoints* serving = nullptr;
    auto host = RealHost::open(host_options(options, directory), api, clock, [&](env::UniqueFd metadata, env::UniqueFd way, std::string tag) {
        forward.adopt(std::move(way), options.server, tag);
        const std::lock_guard lock(listeners_mutex);
        if (serving)
            serving->adopt(std::move(metadata), std::move(tag));
        else
            early.push_back({std::move(metadata), std::move(tag)});
    }, [&](const std::string& tag) {     // heard of from the control plane only: by then they serve
        forward.release(tag);
        const std::lock_guard lock(listeners_mutex);
        if (serving) serving->release(tag);
    });
    if (!host) return fail(host.error());
    Telemetry telemetry(board, **host, processors);
    LogStreams logs(board, [&](const std::string& container) { return (*host)->log_directory(container); });
    Endpoints endpoints(io, {board, credentials, telemetry, **host, (*host)->workers(), api}, {options.zone}, processors);
    {
        const std::lock_guard lock(listeners_mutex);
        serving = &endpoints;
        for (Listener& listener : early) endpoints.adopt(std::move(listener.socket), std::move(listener.tag));
        early.clear();
    }

    const HostFacts facts = facts_of(options);
    auto session = std::make_unique<Session>(io.executor(0),
                                             SessionParts{api, **ledger, board, credentials, telemetry, logs, (*host)->workers(), clock, random,
                                                          [&host](const shape::Json& frame) { (*host)->take_groups(read_group_news(frame)); }},
                                             facts, contents->fact(instance_fact));
    EngineOptions engine_options;
    engine_options.resources = facts.resources;
    engine_options.plan.region = options.region;
    engine_options.cleanup_wait = options.cleanup_wait;
    if (const auto boot = env::read_file("/proc/sys/kernel/random/boot_id")) engine_options.boot_id = trim(*boot);
    auto engine = Engine::create(env::Env{clock, random, executor, faults}, **ledger, **host, *session, board, engine_options);
    const auto started = engine->start(*contents, [&session = *session, weak = std::weak_ptr(engine)] {
        if (auto ready = weak.lock()) session.start(std::move(ready));
    });
    if (!started) return fail(started.error());
    repeat(executor, groups_interval, [&host = **host] { host.settle_groups(); });   // what could not be changed in a router
    if (options.image_cleanup_age.count() > 0)
        repeat(executor, image_cleanup_interval, [&host = **host, age = options.image_cleanup_age] { host.collect_images(age); });

    log_info("agent {}: signal {}, leaving; containers go on", options.name, wait_for_signal(signals));
    // Everything that matters is on disk already, and whatever is under way can be repeated: no need to wait for it.
    std::_Exit(0);
}

}  // namespace boxship::agent
