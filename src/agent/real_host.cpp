#include "agent/real_host.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/strings.h"
#include "env/real/files.h"

namespace boxship::agent {

RealHost::RealHost(RealHostOptions options, ApiClient& api, env::Clock& clock, OnRouter on_router, RouterGone router_gone)
    : options_(std::move(options)), api_(api), clock_(clock), on_router_(std::move(on_router)), router_gone_(std::move(router_gone)),
      platform_{options_.platform_id, options_.run_directory, options_.agent_name},
      pulls_("pull", options_.pulls_max), workers_("work", options_.workers_max)
{
}

RealHost::~RealHost() = default;

HostResult<std::unique_ptr<RealHost>> RealHost::open(RealHostOptions options, ApiClient& api, env::Clock& clock, OnRouter on_router,
                                                     RouterGone router_gone)
{
    std::unique_ptr<RealHost> host(new RealHost(std::move(options), api, clock, std::move(on_router), std::move(router_gone)));
    RETURN_IF_ERROR(host->begin());
    return host;
}

HostResult<> RealHost::begin()
{
    RETURN_IF_ERROR(runtime::net::check(platform_));
    for (const char* name : {"runtime", "volumes", "shared-volumes"}) RETURN_IF_ERROR(env::make_directories(options_.agent_directory + "/" + name, 0700));
    const std::string run = options_.run_directory + "/rt/" + options_.agent_name;
    RETURN_IF_ERROR(env::make_directories(run, 0700));

    runtime::RuntimeOptions runtime;
    // A sweep takes what carries the name: each agent of the machine has its own.
    runtime.platform_id = options_.platform_id + "-" + options_.agent_name;
    runtime.state_dir = options_.agent_directory + "/runtime";
    runtime.run_dir = run;
    runtime.monitor_program = options_.monitor_program;
    runtime.host = runtime::probe_host({.monitor_program = options_.monitor_program, .scratch_directory = run});
    if (!runtime.host.usable()) return HostError{"this host cannot run containers; 'boxship doctor host' says why"};
    ASSIGN_OR_RETURN(runtime_, runtime::Runtime::open(std::move(runtime), [this](const runtime::ContainerEvent& event) {
        if (event.kind != runtime::ContainerEvent::Kind::exited) return;
        std::function<void(ContainerExit)> tell;
        {
            const std::lock_guard lock(exits_mutex_);
            tell = on_exit_;
        }
        if (tell) tell({to_text(event.id), {event.exit.code, event.exit.oom_kills, event.exit.reason, event.exit.at}});
    }));

    RETURN_IF_ERROR(env::make_directories(options_.images_directory, 0700));
    ASSIGN_OR_RETURN(store_, images::LayerStore::open(options_.images_directory, clock_));
    client_ = std::make_unique<http::Client>();
    images::PullerOptions puller;
    puller.own = options_.own_registry;
    puller_ = std::make_unique<images::Puller>(*store_, *client_, std::move(puller));

    ASSIGN_OR_RETURN(runtime::net::Router* router, ensure_router("default", options_.vpc_cidr));
    RETURN_IF_ERROR(take_over_routers());
    return options_.instance_address.empty() ? HostResult<>() : make_instance(*router);
}

void RealHost::watch_exits(std::function<void(ContainerExit)> on_exit)
{
    const std::lock_guard lock(exits_mutex_);
    on_exit_ = std::move(on_exit);
}

std::string RealHost::log_directory(const std::string& container) const
{
    const auto id = runtime::ContainerId::parse(container);
    return id ? runtime_->log_directory(*id) : std::string();
}

void RealHost::collect_images(Milliseconds unused_for)
{
    workers_.post([this, unused_for] {
        const auto collected = store_->collect(unused_for);
        if (!collected)
            log_warning("collect unused images: {}", collected.error().message);
        else if (collected->images > 0 || collected->layers > 0)
            log_info("removed {} unused images, {} layers, {} MiB", collected->images, collected->layers, collected->bytes >> 20);
    });
}

HostResult<> RealHost::purge()
{
    RETURN_IF_ERROR(runtime_->purge());
    if (instance_) RETURN_IF_ERROR(instance_->release());
    RETURN_IF_ERROR(sweep_networks({}));
    return remove_filters();
}

// Only for hosts whose containers share a network with programs that are not ours.
bool RealHost::port_is_free(std::uint16_t port, const std::string& protocol)
{
    bool is_free = false;
    const auto look = [&]() -> HostResult<> {
        const env::UniqueFd fd(::socket(AF_INET, (protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        is_free = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        return {};
    };
    const auto looked = instance_ ? runtime::net::run_in(instance_->namespace_path(), look) : look();
    if (!looked) log_warning("look for a free port: {}", looked.error().message);
    return looked.ok() && is_free;
}

}  // namespace boxship::agent
