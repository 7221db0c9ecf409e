// The host itself: images, containers and networks by the libraries images, runtime and runtime/net. Everything that
// blocks runs on a few worker threads.
//
//   <agent_directory>/runtime/         the runtime's own (containers, exits, logs)
//   <agent_directory>/volumes/<task>/<name>, shared-volumes/<name>
//   <images_directory>                 layers and images, shared by all agents of the platform on this machine
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/api_client.h"
#include "agent/host.h"
#include "agent/workers.h"
#include "images/pull.h"
#include "images/store.h"
#include "runtime/net/group_book.h"
#include "runtime/net/instance.h"
#include "runtime/net/router.h"
#include "runtime/runtime.h"

namespace boxship::agent {

struct RealHostOptions {
    std::string agent_directory;      // absolute
    std::string images_directory;
    std::string run_directory;        // of the platform: "/run/boxship/bx3f"
    std::string platform_id;          // "bx3f"
    std::string agent_name;           // among the agents of the machine
    std::string monitor_program;
    std::string vpc_cidr;             // of the VPC that interfaces without a VPC of their own belong to
    std::string instance_address;     // this host's address in it; "": no instance of its own (Fargate)
    images::OwnRegistry own_registry;
    images::PullPolicy pull_policy = images::PullPolicy::cached_on_failure;
    int workers_max = 8;
    int pulls_max = 6;
};

class RealHost : public Host {
public:
    // The listening sockets inside a router at which containers call this agent: metadata, and the way to the API.
    using OnRouter = std::function<void(env::UniqueFd metadata, env::UniqueFd api, std::string tag)>;
    using RouterGone = std::function<void(const std::string& tag)>;     // those sockets are to be closed

    // Makes the default VPC's router and the instance's network; 10 to 200 ms. `api` outlives the host.
    static HostResult<std::unique_ptr<RealHost>> open(RealHostOptions options, ApiClient& api, env::Clock& clock, OnRouter on_router,
                                                      RouterGone router_gone = {});
    ~RealHost() override;             // waits for what is under way; containers go on

    void watch_exits(std::function<void(ContainerExit)> on_exit) override;
    void prepare_task(TaskPlan plan, Done<HostOutcome<TaskReady>> done) override;
    void release_task(TaskPlan plan, Done<HostResult<>> done) override;
    std::shared_ptr<PullTicket> pull(PullPlan plan, Done<HostOutcome<PulledImage>> done) override;
    void start(ContainerPlan plan, PulledImage image, Done<HostOutcome<Started>> done) override;
    void stop(const std::string& container, const std::string& signal, Milliseconds timeout, Done<HostResult<>> done) override;
    void exec(const std::string& container, std::vector<std::string> arguments, Milliseconds deadline, Done<HostResult<ExecOutcome>> done) override;
    void release_container(const std::string& container, Done<HostResult<>> done) override;
    void forget_container(const std::string& container) override;
    void adopt(Known known, Done<HostResult<std::vector<Found>>> done) override;
    std::vector<ContainerStats> stats(std::span<const std::string> containers) override;
    bool port_is_free(std::uint16_t port, const std::string& protocol) override;

    std::string log_directory(const std::string& container) const;
    void collect_images(Milliseconds unused_for);   // in the background
    void take_groups(runtime::net::GroupNews news);  // the same, in the order of the calls
    void settle_groups();                            // the same
    // Kills this agent's containers and removes all that it made on the host, but not the routers it shares.
    HostResult<> purge();
    Workers& workers() { return workers_; }

private:
    struct Ticket;
    RealHost(RealHostOptions options, ApiClient& api, env::Clock& clock, OnRouter on_router, RouterGone router_gone);
    HostResult<> begin();

    // real_host_network.cpp
    HostResult<runtime::net::Router*> router_for(const EniSpec& eni);
    HostResult<runtime::net::Router*> ensure_router(const std::string& name, const std::string& cidr, bool standing = false);
    HostResult<> take_over_routers();
    HostResult<> make_instance(const runtime::net::Router& router);
    std::vector<std::shared_ptr<runtime::net::Router>> routers();
    void work_off_groups();
    HostResult<> drop_router(const std::string& name);
    HostResult<> remove_filters();
    HostResult<std::string> attach(const TaskPlan& plan);       // the namespace's path
    HostResult<> detach(const TaskPlan& plan);
    HostResult<runtime::Network> network_of(const ContainerPlan& plan, runtime::NameFiles& names);
    HostResult<> sweep_networks(const Known& known);
    void add_network_stats(const std::string& task, const std::string& container, ContainerStats& stats);

    // real_host_tasks.cpp
    HostOutcome<TaskReady> prepare_now(const TaskPlan& plan);
    HostResult<> release_now(const TaskPlan& plan);
    HostResult<> make_volumes(const TaskPlan& plan);
    HostResult<std::vector<Found>> adopt_now(const Known& known);

    // real_host_containers.cpp
    HostOutcome<Started> start_now(const ContainerPlan& plan, const PulledImage& image);
    HostResult<runtime::ContainerSpec> spec_of(const ContainerPlan& plan, const PulledImage& image);

    // real_host_images.cpp
    HostOutcome<PulledImage> pull_now(const PullPlan& plan, std::stop_token stop);
    HostResult<std::optional<images::Credentials>> registry_credentials(const PullPlan& plan, const std::string& host, std::stop_token stop);
    std::string holder(const std::string& task) const { return options_.agent_name + "_" + task; }

    const RealHostOptions options_;
    ApiClient& api_;
    env::Clock& clock_;
    const OnRouter on_router_;
    const RouterGone router_gone_;
    runtime::net::Platform platform_;

    std::mutex exits_mutex_;
    std::function<void(ContainerExit)> on_exit_;

    std::mutex network_mutex_;
    std::map<std::string, std::shared_ptr<runtime::net::Router>> routers_;    // "default", or by VPC
    std::map<std::string, std::pair<runtime::net::Router*, std::string>> enis_;   // task → router and ENI
    std::unique_ptr<runtime::net::InstanceNet> instance_;
    runtime::net::GroupBook groups_{runtime::net::host_resolvers()};   // ends before the routers
    std::mutex news_mutex_;
    std::vector<runtime::net::GroupNews> news_;               // not yet taken
    std::mutex taking_mutex_;                                 // one at a time takes them

    std::mutex token_mutex_;
    std::map<std::string, std::pair<images::Credentials, Time>> tokens_;      // by endpoint: until when

    std::unique_ptr<images::LayerStore> store_;
    std::unique_ptr<http::Client> client_;
    std::unique_ptr<images::Puller> puller_;
    std::unique_ptr<runtime::Runtime> runtime_;
    Workers pulls_;
    Workers workers_;       // last: they end before what they use
};

// "SIGTERM", "TERM", "15", "SIGRTMIN+3"; nothing for what is no signal.
std::optional<int> signal_number(const std::string& name);

}  // namespace boxship::agent
