// boxship up: everything on this machine, as a supervisor of children of the same program.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "base/log.h"
#include "base/strings.h"
#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/programs.h"
#include "bin/shutdown.h"
#include "bin/simulated_hosts.h"
#include "bin/supervisor.h"
#include "env/real/files.h"
#include "env/real/real_env.h"
#include "model/quotas.h"
#include "runtime/net/range_claims.h"
#include "runtime/net/router.h"
#include "runtime/host_profile.h"

namespace boxship::bin {
namespace {

using shape::Json;

constexpr auto ready_within = std::chrono::seconds(30);
constexpr const char* fargate_host = "fargate";

struct Listen {
    std::string host = "127.0.0.1";
    int port = 4566;
    std::string endpoint() const { return fmt::format("http://{}:{}", host, port); }
};

HostResult<Listen> parse_listen(const std::string& text)
{
    Listen listen;
    const auto colon = text.rfind(':');
    const std::string digits = colon == text.npos ? text : text.substr(colon + 1);
    if (colon != text.npos) listen.host = text.substr(0, colon);
    listen.port = std::atoi(digits.c_str());
    if (listen.port < 1 || listen.port > 65535 || digits != std::to_string(listen.port))
        return HostError{"--listen must be HOST:PORT, such as 127.0.0.1:4566, not '" + text + "'"};
    if (listen.host == "localhost") listen.host = "127.0.0.1";
    const auto address = parse_ipv4(listen.host);
    if (!address || *address >> 24 != 127)
        return HostError{"--listen " + listen.host + ": only loopback addresses are served without TLS, which this version "
                         "does not have yet; use 127.0.0.1 and a tunnel (ssh -L) for other machines"};
    return listen;
}

// An error when somebody listens there already.
HostResult<> check_port_free(const Listen& listen)
{
    const env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(listen.port));
    address.sin_addr.s_addr = htonl(*parse_ipv4(listen.host));
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return {};
    if (errno == EADDRINUSE)
        return HostError{fmt::format("port {0} on {1} is in use by another program (ss -ltnp 'sport = :{0}' shows which); stop it, or "
                                     "choose another port: boxship up --listen {1}:{2}", listen.port, listen.host, listen.port + 100)};
    return host_error(fmt::format("listen on {}:{}", listen.host, listen.port), errno);
}

HostResult<> check_host()
{
    if (::geteuid() != 0) return HostError{"namespaces, mounts and cgroups need root; run this with sudo"};
    // A trial container included: what works is known before anything is started.
    const runtime::HostProfile profile = probe_this_host();
    if (profile.usable()) return {};
    std::string missing;
    for (const auto& finding : profile.findings)
        if (finding.grade == runtime::HostFinding::Grade::missing)
            missing += (missing.empty() ? "" : "; ") + finding.subject + ": " + finding.value + " (" + finding.advice + ")";
    return HostError{"this host cannot run containers: " + missing + ". 'boxship doctor host' shows everything"};
}

struct Plan {
    Listen listen;
    Json options = Json::object();
    std::vector<SimulatedHost> hosts;
    std::vector<Child> children;
};

HostResult<> add_agents(Plan& plan, DataDirectory& data, const std::string& registry_host)
{
    env::RealRandom random;
    RETURN_IF_ERROR(data.host_credentials(fargate_host, random));
    Child fargate = agent_child(fargate_host, data, plan.listen.endpoint(), registry_host);
    fargate.argv.emplace_back("--fargate");
    plan.children.push_back(std::move(fargate));
    for (const auto& host : plan.hosts) {
        ASSIGN_OR_RETURN(auto child, agent_of(host, data, plan.listen.endpoint(), registry_host));
        plan.children.push_back(std::move(child));
    }
    return {};
}

// The quotas that differ from AWS's: those of the last time, and what is said now.
HostResult<Json> quotas_of(const Options& options, const Json& last)
{
    Json quotas = Json::object();
    std::vector<std::string> words;
    for (const auto& [name, value] : last["quotas"].as_object()) words.push_back(fmt::format("{}={}", name, value.as_int64()));
    for (const auto& word : options.all("--quota")) words.push_back(word);
    std::map<std::string, std::int64_t> set;
    for (const auto& word : words) {
        ASSIGN_OR_RETURN(const auto wish, model::parse_quota(word));
        if (wish.value == wish.facts->standard) set.erase(wish.facts->name);
        else set[wish.facts->name] = wish.value;
    }
    for (const auto& [name, value] : set) quotas.set(name, value);
    return quotas;
}

HostResult<Plan> make_plan(const Options& options, DataDirectory& data)
{
    Plan plan;
    // What was not said again stays as it was the last time.
    const Json last = data.last_up();
    const auto remembered = [&](const char* flag, const char* name, const std::string& fallback) {
        return options.get(flag, last.get_string(name, fallback));
    };
    ASSIGN_OR_RETURN(plan.listen, parse_listen(remembered("--listen", "listen", "127.0.0.1:4566")));
    const std::string registry_host = remembered("--registry-host", "registryHost", fmt::format("localhost:{}", plan.listen.port));
    const bool dev = options.has("--dev-credentials") || last.get_bool("devCredentials");
    const std::string lost_after = remembered("--instance-lost-after", "instanceLostAfter", instance_lost_after);
    const std::string heartbeat = remembered("--heartbeat", "heartbeat", agents_heartbeat);
    for (const char* flag : {"--instance-lost-after", "--heartbeat"}) {
        ASSIGN_OR_RETURN(const Milliseconds time, options.duration(flag, "1s"));
        if (time.count() == 0 && std::string_view(flag) == "--heartbeat") return HostError{"--heartbeat must be a time such as 30s"};
    }

    ASSIGN_OR_RETURN(const PlatformIdentity identity, data.identity());
    if (options.has("--instances") || !last.has("hosts")) {
        ASSIGN_OR_RETURN(plan.hosts, parse_instances(remembered("--instances", "instances", "0"), identity.region));
    } else {
        plan.hosts = hosts_from(last);
    }
    const std::string program = own_program();
    Child server{"server", {program, "server", "--data", data.path(), "--listen", fmt::format("{}:{}", plan.listen.host, plan.listen.port),
                            "--registry-host", registry_host, "--instance-lost-after", lost_after, "--heartbeat", heartbeat}};
    if (dev) server.argv.push_back("--dev-credentials");
    ASSIGN_OR_RETURN(const Json quotas, quotas_of(options, last));
    for (const auto& [name, value] : quotas.as_object()) {
        server.argv.push_back("--quota");
        server.argv.push_back(fmt::format("{}={}", name, value.as_int64()));
    }
    plan.children.push_back(std::move(server));
    RETURN_IF_ERROR(add_agents(plan, data, registry_host));
    plan.options = Json::object({{"listen", fmt::format("{}:{}", plan.listen.host, plan.listen.port)},
                                 {"endpoint", plan.listen.endpoint()},
                                 {"registryHost", registry_host},
                                 {"hosts", hosts_json(plan.hosts)},
                                 {"devCredentials", dev},
                                 {"instanceLostAfter", lost_after},
                                 {"heartbeat", heartbeat}});
    if (!quotas.as_object().empty()) plan.options.set("quotas", quotas);
    return plan;
}

// Waits until the server answers and every agent has registered; prints what it waits for on a terminal.
HostResult<> wait_ready(ApiClient& api, int agents, const std::string& log_directory)
{
    const auto deadline = std::chrono::steady_clock::now() + ready_within;
    while (std::chrono::steady_clock::now() < deadline) {
        if (api.healthy()) {
            const auto status = api.own("Status", Json::object());
            if (status.ok() && static_cast<int>(status->get_int64("connectedAgents")) >= agents) return {};
        }
        std::this_thread::sleep_for(Milliseconds(20));
    }
    const auto log = env::read_file(log_directory + "/server.log", 64 << 20);
    const auto lines = split(trim(log.ok() ? std::string_view(*log) : std::string_view()), '\n');
    return HostError{"the platform was not ready within 30 s; " + log_directory + "/server.log and agent-*.log there say why" +
                     (lines.empty() ? "" : ". The server's last words: " + std::string(lines.back()))};
}

// Hosts of an earlier `up` that this one does not start: nobody would ever run or end what is on them.
HostResult<> give_up_former_hosts(const Plan& plan, const DataDirectory& data, ApiClient& api)
{
    ASSIGN_OR_RETURN(const auto known, data.all_hosts());
    for (const auto& [name, key] : known) {
        if (!name.starts_with("instance-") || std::ranges::find(plan.hosts, name, &SimulatedHost::name) != plan.hosts.end()) continue;
        log_info("{} is not started any more: it is given up", name);
        RETURN_IF_ERROR(give_up_host(name, data, api));
    }
    return {};
}

int supervise(Supervisor& supervisor, DataDirectory& data, ApiClient& api, Plan plan)
{
    // `boxship instances` changed the hosts.
    const auto reload = [&] {
        plan.hosts = hosts_from(data.last_up());
        std::erase_if(plan.children, [](const Child& child) { return child.name.starts_with("agent-"); });
        if (const auto added = add_agents(plan, data, plan.options.get_string("registryHost")); added.ok())
            supervisor.become(plan.children, Milliseconds(10000));
        else
            log_error("the hosts stay as they are: {}", added.error().message);
    };
    const auto stop = supervisor.watch(reload);
    if (stop == Supervisor::Stop::interrupt) {
        log_info("stopping the tasks, then the platform");
        if (const auto stopped = stop_tasks(api, Milliseconds(60000)); !stopped.ok()) log_warning("{}", stopped.error().message);
    }
    supervisor.stop_children(Milliseconds(10000));
    if (stop == Supervisor::Stop::interrupt) stop_orphans(data, Milliseconds(5000), Balancer::stops);
    (void)env::remove_file(data.file("run/up.pid"));
    return 0;
}

// The range that this platform has already; else the one that was asked for, else one that is free.
HostResult<std::string> choose_range(const Options& options, const DataDirectory& data, runtime::net::RangeClaims& claims)
{
    const std::string asked = options.get("--vpc-cidr");
    if (const auto standing = data.identity(); standing.ok()) {
        if (asked.empty() || asked == standing->vpc_cidr) return standing->vpc_cidr;
        return HostError{fmt::format("the VPC range of {} is {} and cannot become {}", data.path(), standing->vpc_cidr, asked)};
    }
    if (!asked.empty()) {
        if (const auto range = Ipv4Range::parse(asked); range && range->prefix >= 16 && range->prefix <= 20) return asked;
        return HostError{"--vpc-cidr must be a private range of /16 to /20, such as 10.20.0.0/16, not '" + asked + "'"};
    }
    ASSIGN_OR_RETURN(auto taken, runtime::net::host_prefixes({}));
    ASSIGN_OR_RETURN(const auto held, claims.held());
    taken.insert(taken.end(), held.begin(), held.end());
    ASSIGN_OR_RETURN(const auto picked, runtime::net::pick_vpc_cidr(taken));
    return to_text(picked);
}

int run_up(const Options& options)
{
    if (const auto checked = check_host(); !checked.ok()) return fail(checked.error());
    Supervisor::block_signals();
    DataDirectory data(options.data_directory());
    env::RealRandom random;
    // From here to the claim: another platform that starts now must not choose the same range.
    auto choosing = runtime::net::RangeClaims::open();
    if (!choosing.ok()) return fail(choosing.error());
    std::optional<runtime::net::RangeClaims> claims = std::move(*choosing);
    const auto vpc_cidr = choose_range(options, data, *claims);
    if (!vpc_cidr.ok()) return fail(vpc_cidr.error());
    PlatformIdentity wanted;
    wanted.vpc_cidr = *vpc_cidr;
    const auto identity = data.initialise(wanted, random);
    if (!identity.ok()) return fail(identity.error());
    const auto plan = make_plan(options, data);
    if (!plan.ok()) return fail(plan.error());

    Supervisor supervisor(data.file("run"), data.file("log"));
    const auto locked = supervisor.take_lock();
    if (!locked.ok()) return fail(locked.error());
    auto connection = data.connection();
    if (!connection.ok()) return fail(connection.error());
    if (!*locked) {
        if (!(data.last_up() == plan->options))
            return fail("boxship runs already, with other options; to change them: boxship down --keep-tasks, then this again");
        fmt::print("boxship runs already: {}\n", connection->endpoint);
        return 0;
    }
    const auto range = *runtime::net::Ipv4Net::parse(identity->vpc_cidr);
    const auto claim = claims->claim(range);
    if (!claim.ok()) return fail(claim.error());
    claims.reset();
    if (!read_pid_file(data.file("run/server.pid")))
        if (const auto is_free = check_port_free(plan->listen); !is_free.ok()) return fail(is_free.error());
    if (const auto remembered = data.remember_up(plan->options); !remembered.ok()) return fail(remembered.error());
    connection->endpoint = plan->listen.endpoint();
    if (const auto shared = data.share_with_sudo_user(*connection); !shared.ok()) log_warning("{}", shared.error().message);

    const auto start_all = [&]() -> HostResult<> {
        for (const auto& child : plan->children) RETURN_IF_ERROR(supervisor.start(child));
        return {};
    };
    ApiClient api(*connection);
    const auto run = [&] {
        const int code = supervise(supervisor, data, api, *plan);
        if (auto ending = runtime::net::RangeClaims::open(); ending.ok())
            if (const auto released = ending->release(range); !released.ok()) log_warning("{}", released.error().message);
        return code;
    };
    const int agents = static_cast<int>(plan->children.size()) - 1;
    if (options.has("--detach")) {
        const pid_t background = ::fork();
        if (background < 0) return fail(host_error("fork", errno));
        if (background == 0) {
            ::setsid();
            const auto log = env::open_file(data.file("log/up.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
            const auto null = env::open_file("/dev/null", O_RDONLY);
            if (!log.ok() || !null.ok()) std::_Exit(1);
            ::dup2(null->get(), 0);
            ::dup2(log->get(), 1);
            ::dup2(log->get(), 2);
            if (const auto noted = write_pid_file(data.file("run/up.pid"), ::getpid()); !noted.ok()) std::_Exit(fail(noted.error()));
            if (const auto started = start_all(); !started.ok()) std::_Exit(fail(started.error()));
            std::_Exit(run());
        }
    } else if (const auto started = start_all(); !started.ok()) {
        supervisor.stop_children(Milliseconds(5000));
        return fail(started.error());
    }
    if (const auto ready = wait_ready(api, agents, data.file("log")); !ready.ok()) return fail(ready.error());
    if (const auto given_up = give_up_former_hosts(*plan, data, api); !given_up.ok()) log_warning("{}", given_up.error().message);
    fmt::print("boxship is ready: {}   (eval \"$(boxship env)\" points AWS clients here)\n", connection->endpoint);
    std::fflush(stdout);
    return options.has("--detach") ? 0 : run();
}

}  // namespace

Command up_command()
{
    return {"up",
            {"boxship up [--detach] [--listen HOST:PORT] [--instances N[:TYPE]] [--dev-credentials] …",
             "Start everything on this machine; a second 'up' adopts what runs",
             {{"--detach", "", "return when the platform is ready"},
              {"--listen", "HOST:PORT", "where everything answers (default 127.0.0.1:4566)"},
              {"--instances", "N[:TYPE]", "simulated EC2 hosts (default 0)"},
              {"--dev-credentials", "", "also accept the access key test / test"},
              {"--registry-host", "HOST", "the registry's name in image references (default localhost:PORT)"},
              {"--instance-lost-after", "TIME", "a host away for so long has lost its tasks (default 10m; or never)"},
              {"--heartbeat", "TIME", "how often agents are asked; gone after three silences (default 30s)"},
              {"--quota", "NAME=VALUE", "a service quota other than AWS's (see boxship quotas); may be repeated"},
              {"--vpc-cidr", "CIDR", "the default VPC's range (default the first free of 172.31, 172.30 … /16)"}},
             {"sudo boxship up --detach", "sudo boxship up --instances 2:t3.medium"}},
            run_up};
}

}  // namespace boxship::bin
