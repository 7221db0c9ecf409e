// The sentences of ECS's errors, in one place: clients and deploy scripts match some of them word by word, so a change
// here is a change of the API. Each has a scenario in tests/scenario.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/result.h"

namespace boxship::services::ecs {

// ECS says ClientException about task definitions, InvalidParameterException about nearly everything else.
inline ApiError client_error(std::string_view message) { return {"ClientException", std::string(message)}; }
inline ApiError invalid(std::string_view message) { return {"InvalidParameterException", std::string(message)}; }
inline ApiError access_denied(std::string_view message) { return {"AccessDeniedException", std::string(message)}; }

namespace messages {

// Clusters
constexpr const char* cluster_not_found = "Cluster not found.";
constexpr const char* cluster_inactive = "The referenced cluster was inactive.";
constexpr const char* cluster_not_active = "Cluster was not ACTIVE.";
constexpr const char* clusters_quota = "The account has reached its maximum of {} clusters.";
constexpr const char* cluster_name = "Cluster names are 1 to 255 letters, digits, hyphens and underscores, and do not begin with an underscore.";
constexpr const char* cluster_has_instances = "The Cluster cannot be deleted while Container Instances are active.";
constexpr const char* cluster_has_tasks = "The Cluster cannot be deleted while Tasks are active.";
constexpr const char* setting_value = "Invalid value for the setting 'containerInsights': use enabled, enhanced or disabled.";
constexpr const char* provider_not_associated =
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. "
    "Associate the capacity provider with the cluster and try again.";
constexpr const char* provider_unknown = "The specified capacity provider '{}' was not found.";
constexpr const char* provider_weights = "The specified capacity provider strategy must have at least one capacity provider with a weight greater than 0.";
constexpr const char* provider_bases = "The specified capacity provider strategy can have only one capacity provider with a base.";
constexpr const char* provider_twice = "The specified capacity provider strategy names the capacity provider '{}' twice.";
constexpr const char* provider_in_use = "The capacity provider '{}' cannot be removed while tasks of it are running in the cluster.";

// Task definitions
constexpr const char* definition_not_found = "TaskDefinition not found.";
constexpr const char* definition_inactive = "TaskDefinition is inactive";
constexpr const char* definition_not_described = "Unable to describe task definition.";
constexpr const char* definition_missing = "The specified task definition does not exist.";
constexpr const char* definition_revision = "A revision is needed: family:revision or a full ARN.";
constexpr const char* definitions_empty = "Task definitions cannot be empty.";
constexpr const char* definitions_max = "At most 10 task definitions can be deleted with one call.";
constexpr const char* definition_still_active = "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";
constexpr const char* revisions_quota = "The task definition family has reached its maximum of {} revisions.";
constexpr const char* definition_size = "Actual length: '{}'. Max allowed length is '{}' bytes.";
constexpr const char* family_name = "The family is 1 to 255 letters, digits, hyphens and underscores.";
constexpr const char* containers_empty = "Container definitions should not be null or empty.";
constexpr const char* containers_max = "A task definition can have at most {} containers.";
constexpr const char* container_name_empty = "Container.name should not be null or empty.";
constexpr const char* container_name = "Invalid container name '{}': up to 255 letters, digits, hyphens and underscores are allowed.";
constexpr const char* container_name_twice = "Invalid setting for container '{}'. Container names must be unique within a task definition.";
constexpr const char* container_image_empty = "Container.image should not be null or empty.";
constexpr const char* container_memory_missing =
    "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.";
constexpr const char* container_memory_min = "Invalid setting for container '{}'. 'memory' and 'memoryReservation' must be at least 6 MiB.";
constexpr const char* container_memory_order = "Invalid setting for container '{}'. 'memory' must be greater than or equal to 'memoryReservation'.";
constexpr const char* container_cpu = "Invalid setting for container '{}'. 'cpu' must not be negative.";
constexpr const char* container_port = "Invalid setting for container '{}'. Port {} is outside 1 to 65535.";
constexpr const char* container_port_twice = "Invalid setting for container '{}'. The port {} is mapped twice.";
constexpr const char* container_ports_none = "Invalid setting for container '{}'. Port mappings have no meaning with networkMode 'none'.";
constexpr const char* container_stop_timeout = "Invalid setting for container '{}'. 'stopTimeout' must be between 0 and 120 seconds on Fargate.";
constexpr const char* container_environment = "Invalid setting for container '{}'. An environment variable needs a name.";
constexpr const char* container_mount_path = "Invalid setting for container '{}'. A mount point needs an absolute containerPath.";
constexpr const char* container_hostname = "Invalid setting for container '{}'. 'hostname' is not supported when networkMode=awsvpc.";
constexpr const char* volumes_from_unknown = "Invalid setting for container '{}'. The container '{}' of 'volumesFrom' is not in the task definition.";
constexpr const char* health_command = "Invalid setting for container '{}'. The command of 'healthCheck' must not be empty.";
constexpr const char* health_range = "Invalid setting for container '{}'. '{}' of 'healthCheck' must be between {} and {}.";
constexpr const char* restart_codes = "Invalid setting for container '{}'. 'ignoredExitCodes' of 'restartPolicy' can have at most 50 items.";
constexpr const char* restart_period = "Invalid setting for container '{}'. 'restartAttemptPeriod' of 'restartPolicy' must be between 60 and 1800 seconds.";
constexpr const char* dependency_unknown = "Invalid setting for container '{}'. It depends on the container '{}', which is not another of the task definition.";
constexpr const char* dependency_condition = "Invalid setting for container '{}'. The condition of 'dependsOn' should be one of [START,COMPLETE,SUCCESS,HEALTHY]";
constexpr const char* dependency_unchecked = "Invalid setting for container '{}'. It waits for the container '{}' to be HEALTHY, which has no health check.";
constexpr const char* dependency_essential = "The essential container '{}' cannot be waited for with the condition {}: when it ends, so does the task.";
constexpr const char* dependency_circle = "The dependencies of the containers on each other go in a circle.";
constexpr const char* essential_none = "At least one container of a task definition must be essential.";
constexpr const char* volume_unknown = "Unknown volume '{}'.";
constexpr const char* volume_name = "Volume names are 1 to 255 letters, digits, hyphens and underscores.";
constexpr const char* volume_twice = "The volume name '{}' is used twice.";
constexpr const char* volume_host_fargate = "host.sourcePath should not be set for volumes in Fargate.";
constexpr const char* volume_host_path = "host.sourcePath of the volume '{}' must be an absolute path.";
constexpr const char* awsvpc_ports = "When networkMode=awsvpc, the host ports and container ports in port mappings must match.";
constexpr const char* host_ports = "When networkMode=host, the host ports and container ports in port mappings must match.";
constexpr const char* task_cpu = "Invalid 'cpu' setting for task.";
constexpr const char* task_memory = "Invalid 'memory' setting for task.";
constexpr const char* task_cpu_containers = "The cpu of the containers ({}) is more than the 'cpu' of the task ({}).";
constexpr const char* task_memory_containers = "The memory of the container '{}' ({}) is more than the 'memory' of the task ({}).";
constexpr const char* role_invalid = "Role is not valid";
constexpr const char* fargate_network_mode = "Fargate only supports network mode 'awsvpc'.";
constexpr const char* fargate_cpu = "Fargate requires that 'cpu' be defined at the task level.";
constexpr const char* fargate_memory = "Fargate requires that 'memory' be defined at the task level.";
constexpr const char* fargate_size = "No Fargate configuration exists for given values: {} CPU, {} memory.";
constexpr const char* fargate_privileged = "Fargate does not support privileged containers.";
constexpr const char* fargate_storage = "The ephemeral storage size must be between 21 and 200 GiB.";
constexpr const char* storage_fargate_only = "'ephemeralStorage' is only supported for tasks on Fargate.";
constexpr const char* member_unsupported = "'{}' is not supported by this version of boxship.";
constexpr const char* container_member_unsupported = "'{}' of the container '{}' is not supported by this version of boxship.";

// Running tasks
constexpr const char* count_range = "The count must be between 1 and {}.";
constexpr const char* launch_type_names = "launch type should be one of [EC2,FARGATE,EXTERNAL]";
constexpr const char* launch_type_or_strategy = "Specify either Launch Type or Capacity Provider Strategy, but not both.";
constexpr const char* launch_type_unsupported = "Task definition does not support launch_type {}.";
constexpr const char* no_instances = "No Container Instances were found in your cluster.";
constexpr const char* network_missing = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
constexpr const char* network_unwanted = "Network Configuration is not valid for the given networkMode of this task definition.";
constexpr const char* subnets_empty = "subnets can not be empty.";
constexpr const char* subnets_max = "subnets can have at most {} items.";
constexpr const char* groups_max = "securityGroups can have at most {} items.";
constexpr const char* subnet_unknown =
    "Error retrieving subnet information for [{0}]: The subnet ID '{0}' does not exist (ErrorCode: InvalidSubnetID.NotFound)";
constexpr const char* subnets_vpc = "The subnets of a request must belong to the same VPC.";
constexpr const char* group_unknown =
    "Error retrieving security group information for [{0}]: The security group '{0}' does not exist (ErrorCode: InvalidGroup.NotFound)";
constexpr const char* group_vpc = "The security group '{}' does not belong to the VPC of the subnets.";
constexpr const char* group_namespace = "Invalid namespace for group.";
constexpr const char* group_length = "The group can have at most 255 characters.";
constexpr const char* started_by_alone = "cannot specify startedBy with other arguments";
constexpr const char* started_by = "startedBy can have at most 128 letters, digits, hyphens, underscores, slashes and dots.";
constexpr const char* reference_id = "referenceId can have at most 1024 characters.";
constexpr const char* client_token = "clientToken must have between 1 and 64 characters.";
constexpr const char* client_token_used = "The provided clientToken is already in use with a different RunTask request.";
constexpr const char* override_unknown = "Override for container named {} is not a container in the TaskDefinition.";
constexpr const char* override_unnamed = "A container override needs a name.";
constexpr const char* override_size = "Container Overrides length must be at most 8192.";
constexpr const char* propagate_service = "'SERVICE' has no meaning for tasks that are run directly; use 'TASK_DEFINITION'.";
constexpr const char* platform_unknown = "The specified platform does not exist.";
constexpr const char* platform_ec2 = "The platform version must be null when specifying an EC2 launch type.";
constexpr const char* fargate_constraints = "Placement constraints are not supported with FARGATE launch type.";
constexpr const char* fargate_strategies = "Placement strategies are not supported with FARGATE launch type.";
constexpr const char* expression_invalid = "Invalid expression: {}.";
constexpr const char* fargate_definition_constraints = "Fargate requires task definition to have no placement constraints.";
constexpr const char* constraint_type = "constraint.type of a task definition can be 'memberOf' only.";
constexpr const char* constraint_member = "memberOf expression should be specified.";
constexpr const char* constraint_distinct = "distinctInstance expression should not be specified.";
constexpr const char* constraints_max = "At most 10 placement constraints can be given.";
constexpr const char* strategy_max = "At most 5 placement strategies can be given.";
constexpr const char* strategy_field = "Invalid field '{}' for the placement strategy '{}'.";
constexpr const char* volumes_unsupported = "'volumeConfigurations' is not supported by this version of boxship.";
constexpr const char* capacity_unavailable =
    "Capacity is unavailable at this time. Please try again later or in a different availability zone";
constexpr const char* no_addresses = "RESOURCE:ENI";
constexpr const char* tasks_empty = "Tasks cannot be empty.";
constexpr const char* tasks_max = "Tasks cannot have more than 100 elements.";
constexpr const char* task_not_found = "The referenced task was not found.";
constexpr const char* identifier_cluster = "Identifier is for cluster {}. Your cluster is {}";
constexpr const char* service_not_found = "Service not found.";
constexpr const char* stop_reason_length = "The reason can have at most 1024 characters.";
constexpr const char* start_instances_empty = "Container instances cannot be empty.";
constexpr const char* start_instances_max = "At most {} container instances can be named.";

// Services
constexpr const char* services_quota = "The cluster has reached its maximum of {} services.";
constexpr const char* desired_quota = "The desired count must not be greater than {}.";
constexpr const char* services_empty = "Services cannot be empty.";
constexpr const char* services_max = "Services cannot have more than 10 elements.";
constexpr const char* service_name = "A service's name is 1 to 255 letters, digits, hyphens and underscores.";
constexpr const char* service_not_idempotent = "Creation of service was not idempotent.";
constexpr const char* service_still_draining = "Unable to Start a service that is still Draining.";
constexpr const char* service_not_active = "Service was not ACTIVE.";
constexpr const char* service_definition = "TaskDefinition can not be blank.";
constexpr const char* service_scaled = "The service cannot be stopped while it is scaled above 0.";
constexpr const char* service_deploying = "The service cannot be stopped while deployments are active.";
constexpr const char* desired_missing = "A desired count is needed for a service of the scheduling strategy REPLICA.";
constexpr const char* desired_negative = "The desired count must not be negative.";
constexpr const char* daemon_desired =
    "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.";
constexpr const char* daemon_maximum =
    "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. "
    "Change the maximumPercent value to 100, and try again";
constexpr const char* daemon_fargate = "The daemon scheduling strategy is not supported on Fargate.";
constexpr const char* daemon_strategies = "The daemon scheduling strategy does not support placement strategies; every instance gets its task anyway.";
constexpr const char* daemon_distinct = "The daemon scheduling strategy does not support the placement constraint distinctInstance; an instance never gets a second task anyway.";
constexpr const char* scheduling_names = "The scheduling strategy should be one of [REPLICA,DAEMON]";
constexpr const char* minimum_percent = "minimumHealthyPercent must be between 0 and 100.";
constexpr const char* maximum_percent = "maximumPercent must be at least 100.";
constexpr const char* percents_block = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.";
constexpr const char* breaker_threshold = "The value of thresholdConfiguration must be between 1 and 10000.";
constexpr const char* grace_period = "healthCheckGracePeriodSeconds must not be negative.";
constexpr const char* grace_period_useless = "Health check grace period is only valid for services configured to use load balancers or container health checks.";
constexpr const char* rebalancing_impossible =
    "Availability Zone rebalancing needs the scheduling strategy REPLICA, another launch type than EXTERNAL, a maximumPercent above 100, no "
    "placement strategy before spread over attribute:ecs.availability-zone, and no placement constraint on attribute:ecs.availability-zone. "
    "Change them, or set availabilityZoneRebalancing to DISABLED.";
constexpr const char* service_member_unsupported = "'{}' of a service is not supported by this version of boxship.";
constexpr const char* controller_unsupported = "The deployment controller {} is not supported by this version of boxship; use ECS.";
constexpr const char* deployment_strategy_unsupported = "The deployment strategy {} is not supported by this version of boxship; use ROLLING.";
constexpr const char* deployment_alarms = "Deployment alarms that are enabled need at least one name in alarmNames.";
constexpr const char* load_balancers_max = "A service can have at most {} load balancers.";
constexpr const char* classic_load_balancer = "Classic Load Balancers are not supported; name a target group with targetGroupArn.";
constexpr const char* target_group_missing = "A load balancer of a service needs a targetGroupArn.";
constexpr const char* target_group_unknown = "The target group with targetGroupArn {} does not exist.";
constexpr const char* target_group_unattached = "The target group with targetGroupArn {} does not have an associated load balancer.";
constexpr const char* target_group_type =
    "The provided target group {} has target type {}, which is incompatible with the {} network mode specified in the task definition.";
constexpr const char* balanced_container = "The container {} does not exist in the task definition.";
constexpr const char* balanced_port = "The container {} did not have a container port {} defined.";
constexpr const char* deployment_superseded = "A newer deployment of the service has taken its place.";
constexpr const char* deployment_of_deleted = "The service was deleted.";
constexpr const char* deployments_empty = "Service deployments cannot be empty.";
constexpr const char* deployments_max = "At most 20 service deployments can be named.";
constexpr const char* deployment_not_found = "The service deployment was not found.";
constexpr const char* deployment_over = "The service deployment is over: {}.";
constexpr const char* revisions_empty = "Service revisions cannot be empty.";
constexpr const char* revisions_max = "At most 20 service revisions can be named.";
constexpr const char* namespace_unknown = "The namespace '{}' was not found.";
constexpr const char* protection_max = "Tasks cannot have more than 10 elements.";
constexpr const char* protection_minutes = "expiresInMinutes must be between 1 and 2880.";
constexpr const char* protection_service = "Only tasks of a service can be protected from scale-in.";
constexpr const char* protection_late = "The task is asked to stop already.";
constexpr const char* cluster_has_services = "The Cluster cannot be deleted while Services are active.";

// Container instances
constexpr const char* instances_quota = "The cluster has reached its maximum of {} container instances.";
constexpr const char* instances_empty = "Container instances cannot be empty.";
constexpr const char* instances_max = "Container instances cannot have more than 100 elements.";
constexpr const char* instance_not_found = "The referenced container instance was not found.";
constexpr const char* instance_inactive = "The referenced container instance is INACTIVE.";
constexpr const char* instance_has_tasks = "Found running tasks on the instance.";
constexpr const char* instance_resources = "Container instance registration needs the total resources CPU, MEMORY and PORTS.";
constexpr const char* instance_cluster = "The container instance is registered in another cluster.";
constexpr const char* instance_not_yours = "These credentials do not speak for that container instance.";
constexpr const char* tags_not_yours = "A host may read the tags of its own instance and tasks only.";
constexpr const char* host_creates_default_only = "A host may create the cluster default only.";
constexpr const char* instance_state = "The status of a container instance can be set to ACTIVE or DRAINING.";
constexpr const char* instance_state_max = "At most 10 container instances can be updated with one call.";
constexpr const char* fargate_cluster_only = "The cluster '_fargate' is for Fargate hosts, and Fargate hosts are for it.";
constexpr const char* agent_update = "The agent of boxship is updated with its package, not by this call.";

// Attributes, tags, settings, lists
constexpr const char* attributes_empty = "Attributes cannot be empty.";
constexpr const char* attributes_max = "Attributes cannot have more than 10 elements.";
constexpr const char* attribute_name = "Invalid attribute name '{}': up to 128 letters, digits, hyphens, underscores, slashes and dots are allowed.";
constexpr const char* attribute_value = "Invalid value for the attribute '{}': up to 128 characters are allowed.";
constexpr const char* attribute_system = "The attribute '{}' belongs to the system and cannot be changed.";
constexpr const char* attribute_target = "The target '{}' of the attribute was not found.";
constexpr const char* attribute_limit = "A container instance can have at most 10 custom attributes.";
constexpr const char* target_type = "The only target type is container-instance.";
constexpr const char* tags_max = "A resource can have at most {} tags.";
constexpr const char* tag_key = "A tag key has 1 to 128 characters.";
constexpr const char* tag_value = "A tag value has at most 256 characters.";
constexpr const char* tag_reserved = "Tag keys that begin with 'aws:' are reserved.";
constexpr const char* tag_twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
constexpr const char* arn_invalid = "The specified resource ARN is not valid.";
constexpr const char* resource_not_found = "The specified resource could not be found. ";
constexpr const char* setting_unknown = "You can not update this setting.";
constexpr const char* setting_invalid = "Invalid value '{}' for the setting '{}'.";
constexpr const char* page_size = "maxResults must be between 1 and {}.";
constexpr const char* page_token = "Invalid token.";

}  // namespace messages

template <class... Args>
std::string say(fmt::format_string<Args...> format, Args&&... args)
{
    return fmt::format(format, std::forward<Args>(args)...);
}

}  // namespace boxship::services::ecs
