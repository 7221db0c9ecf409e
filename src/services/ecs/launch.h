// From a wish for tasks (RunTask, StartTask, and whoever else starts tasks) to rows: check it once, then place and
// create as many tasks as wanted. Creating a task reserves all that it holds, its network interface included.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/launch.h"
#include "ecs/types.h"
#include "services/ecs/rows.h"

namespace boxship::services::ecs {

// The members that the requests have in common; everything points into the request.
struct LaunchWish {
    std::string_view cluster;
    std::string_view task_definition;
    std::string_view group;
    std::string_view started_by;
    std::string_view reference_id;
    const api::NetworkConfiguration* network = nullptr;
    const api::TaskOverride* overrides = nullptr;
    const shape::List<api::Tag>* tags = nullptr;                   // nullptr: none
    std::optional<api::PropagateTags> propagate;
    bool managed_tags = false;
    bool exec = false;
    bool volumes = false;                                          // volumeConfigurations is not empty
    model::LaunchType launch_type = model::LaunchType::ec2;
    std::string_view platform_version;
};

template <class Request>
LaunchWish wish_of(const Request& request)
{
    LaunchWish wish;
    wish.cluster = request.cluster;
    wish.task_definition = request.task_definition;
    wish.group = request.group;
    wish.started_by = request.started_by;
    wish.reference_id = request.reference_id;
    if (request.network_configuration) wish.network = &*request.network_configuration;
    if (request.overrides) wish.overrides = &*request.overrides;
    wish.tags = &request.tags;
    wish.propagate = request.propagate_tags;
    wish.managed_tags = request.enable_ecs_managed_tags.value_or(false);
    wish.exec = request.enable_execute_command.value_or(false);
    wish.volumes = !request.volume_configurations.empty();
    return wish;
}

// A checked wish.
struct Launch : decide::Launch {
    ClusterPtr cluster;
    DefinitionPtr definition;
    std::string asked_by;  // for the history of its tasks
};
Result<Launch> prepare_launch(Txn& txn, const Call& call, const LaunchWish& wish);

// Subnets and security groups of a request, looked up. All of one VPC; without groups the VPC's default group.
struct Network {
    std::vector<std::shared_ptr<const model::Subnet>> subnets;
    std::vector<SecurityGroupId> groups;
};
Result<Network> find_network(const View& view, const Call& call, const api::NetworkConfiguration* network);

// Creates the task on this instance, which must fit. Nothing when no subnet has an address left. `story`: of its
// placement, for the history.
TaskPtr create_task(Txn& txn, const Call& call, const Launch& launch, const model::Instance& instance, std::string story);

// For the history: "asked for by arn:… from 127.0.0.1, request …".
std::string asked_by(const Call& call, std::string_view what);

}  // namespace boxship::services::ecs
