// From what a service is asked to be to the revision that its tasks are made of, and the deployment that brings it.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/arn.h"
#include "model/elbv2_arns.h"
#include "decide/targets.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/service_request.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

Result<model::TargetGroupUse> read_load_balancer(const View& view, const Call& call, const model::TaskDefinition& definition, const api::LoadBalancer& entry)
{
    if (!entry.load_balancer_name.empty()) return invalid(messages::classic_load_balancer);
    if (entry.advanced_configuration) return invalid(say(messages::service_member_unsupported, "loadBalancers.advancedConfiguration"));
    if (entry.target_group_arn.empty()) return invalid(messages::target_group_missing);
    const std::string arn = entry.target_group_arn.str();
    const auto group = decide::target_group_of(view, call.scope, arn);
    if (!group) return invalid(say(messages::target_group_unknown, arn));
    if (!decide::is_attached(view, group->id)) return invalid(say(messages::target_group_unattached, arn));
    const bool awsvpc = definition.network_mode == model::NetworkMode::awsvpc;
    if ((group->type == model::TargetType::ip) != awsvpc)
        return invalid(say(messages::target_group_type, arn, group->type == model::TargetType::ip ? "ip" : "instance",
                           api::to_text(to_api(definition.network_mode))));
    const auto container = std::ranges::find(definition.containers, entry.container_name.view(), &model::ContainerFacts::name);
    if (container == definition.containers.end()) return invalid(say(messages::balanced_container, entry.container_name));
    const std::int32_t port = entry.container_port.value_or(0);
    if (std::ranges::find(container->ports, port, &model::PortMapping::container_port) == container->ports.end())
        return invalid(say(messages::balanced_port, entry.container_name, port));
    return model::TargetGroupUse{arn, container->name, port};
}

// The digest of an image in the platform's own registry, whose tags may move later; "" when it is not there.
std::string own_digest(const View& view, const Call& call, const std::string& image)
{
    const auto slash = image.find('/');
    if (slash == std::string::npos) return {};
    const std::string host = image.substr(0, slash);
    if (host != call.installation.registry_host && !host.starts_with(call.scope.account + ".dkr.ecr.")) return {};
    const auto colon = image.rfind(':');
    const bool tagged = colon != std::string::npos && colon > slash;
    const auto repository = view.first<state::RepositoryByName>({call.scope, image.substr(slash + 1, tagged ? colon - slash - 1 : std::string::npos)});
    const auto tag = repository ? view.get<model::ImageTag>({repository->id, tagged ? image.substr(colon + 1) : "latest"}) : nullptr;
    return tag ? tag->digest : "";
}

void pin_images(const View& view, const Call& call, const model::TaskDefinition& definition, model::ServiceRevision& revision)
{
    for (const auto& container : definition.containers) {
        if (!container.versioned || container.image.find('@') != std::string::npos) continue;
        if (std::string digest = own_digest(view, call, container.image); !digest.empty())
            revision.digests.push_back({container.name, std::move(digest)});
        else
            revision.unpinned.push_back(container.name);
    }
}

std::string load_balancers_text(const shape::List<api::LoadBalancer>& list)
{
    if (list.empty()) return {};
    api::CreateServiceRequest carrier;
    carrier.load_balancers = list;
    return shape::write_json(carrier);
}

}  // namespace

RevisionWish wish_of(const View& view, const model::Service& service, const model::ServiceRevision& revision)
{
    RevisionWish wish;
    if (const auto cluster = view.get<model::Cluster>(service.cluster)) wish.cluster = cluster->name;
    wish.definition = revision.definition_arn;
    wish.target.launch_type = service.launch_type;
    for (const auto& share : revision.providers) {
        auto& item = wish.target.strategy.emplace_back();
        item.capacity_provider = share.name;
        item.base = share.base;
        item.weight = share.weight;
    }
    if (!revision.network.empty()) read_back(revision.network, wish.network.emplace());
    wish.platform_version = revision.platform_version;
    api::CreateServiceRequest carrier;
    read_back(revision.load_balancers, carrier);
    wish.load_balancers = std::move(carrier.load_balancers);
    return wish;
}

Result<model::ServiceRevision> make_revision(Txn& txn, const Call& call, const model::Service& service, const RevisionWish& wish)
{
    LaunchWish launching;
    launching.cluster = wish.cluster;
    launching.task_definition = wish.definition;
    launching.launch_type = wish.target.launch_type;
    launching.platform_version = wish.platform_version;
    if (wish.network) launching.network = &*wish.network;
    ASSIGN_OR_RETURN(Launch launch, prepare_launch(txn, call, launching));
    model::ServiceRevision revision;
    // Numbers grow with time, so that the newest is the greatest; two within a millisecond differ by chance. Those that were
    // rolled back from count as well: the clock may have been set back.
    revision.id = {service.id, call.now.ms * 1'000'000 + static_cast<std::int64_t>(call.ids.number(1'000'000))};
    const auto& standing = txn.rows<model::ServiceRevision>();
    auto newest = standing.lower_bound({service.id, std::numeric_limits<std::int64_t>::max()});
    if (newest != standing.begin() && (--newest)->first.service == service.id) revision.id.number = std::max(revision.id.number, newest->first.number + 1);
    revision.definition = launch.definition->id;
    revision.definition_arn = definition_arn(*launch.definition);
    revision.pattern = std::move(launch.pattern);
    revision.pattern.group = "service:" + service.name;
    revision.pattern.started_by = model::deployment_id(revision.id.number);
    revision.pattern.service = service.id;
    revision.pattern.revision = revision.id.number;
    for (const auto& subnet : launch.subnets) revision.subnets.push_back(subnet->id);
    revision.groups = std::move(launch.groups);
    if (wish.network) revision.network = shape::write_json(*wish.network);
    for (const auto& item : wish.target.strategy)
        revision.providers.push_back({item.capacity_provider.str(), item.base.value_or(0), item.weight.value_or(wish.target.strategy.size() == 1 ? 1 : 0)});
    if (wish.target.launch_type == model::LaunchType::fargate) revision.platform_version = wish.platform_version.empty() ? "LATEST" : wish.platform_version;
    if (const auto most = call.quota(model::Quota::target_groups_per_service); wish.load_balancers.size() > most) return invalid(say(messages::load_balancers_max, most));
    for (const auto& entry : wish.load_balancers) {
        ASSIGN_OR_RETURN(auto use, read_load_balancer(txn, call, *launch.definition, entry));
        revision.targets.push_back(std::move(use));
    }
    revision.load_balancers = load_balancers_text(wish.load_balancers);
    pin_images(txn, call, *launch.definition, revision);
    revision.created_at = call.now;
    revision.updated_at = call.now;
    revision.rollout_reason = fmt::format("ECS deployment {} in progress.", model::deployment_id(revision.id.number));
    return revision;
}

bool same_content(const model::ServiceRevision& a, const model::ServiceRevision& b)
{
    return a.definition == b.definition && a.network == b.network && model::encode(a.providers) == model::encode(b.providers) &&
           a.platform_version == b.platform_version && a.load_balancers == b.load_balancers && a.pattern.launch_type == b.pattern.launch_type;
}

void stop_deployment(Txn& txn, const model::Service& service, const char* reason, Time now)
{
    const auto current = txn.get<model::ServiceDeployment>(service.deployment);
    if (!current || model::is_over(current->status)) return;
    model::ServiceDeployment deployment = *current;
    deployment.status = model::DeploymentStatus::stopped;
    deployment.reason = reason;
    deployment.finished_at = deployment.stopped_at = deployment.updated_at = now;
    txn.put(std::move(deployment));
}

namespace {

// The history of a service that is deployed all day has an end.
void forget_oldest(Txn& txn, const model::Service& service)
{
    constexpr std::size_t deployments_kept = 200;
    const auto& entries = txn.entries<state::DeploymentsByService>();
    auto first = entries.lower_bound({{service.id, Time{}}, ServiceDeploymentId()});
    std::size_t count = 0;
    for (auto at = first; at != entries.end() && at->first.service == service.id; ++at) ++count;
    if (count < deployments_kept) return;
    const auto oldest = txn.get<model::ServiceDeployment>(first->second);
    const model::RevisionKey revision{service.id, oldest->target};
    if (oldest->target != service.primary && txn.counts(revision).live == 0) txn.erase<model::ServiceRevision>(revision);
    txn.erase<model::ServiceDeployment>(oldest->id);
}

}  // namespace

void deploy(Txn& txn, const Call& call, model::Service& service, model::ServiceRevision revision)
{
    stop_deployment(txn, service, messages::deployment_superseded, call.now);
    forget_oldest(txn, service);
    model::ServiceDeployment deployment;
    deployment.id = call.ids.next<ServiceDeploymentId>();
    deployment.service = service.id;
    deployment.target = revision.id.number;
    for (const auto& [number, counts] : txn.revisions_in_use(service.id)) deployment.sources.push_back(number);
    if (deployment.sources.empty() && service.primary != 0) deployment.sources.push_back(service.primary);
    deployment.created_at = deployment.updated_at = call.now;
    deployment.configuration = service.configuration;
    deployment.breaker = service.rules.breaker;
    if (service.rules.alarms) deployment.alarm_names = service.rules.alarm_names;
    service.primary = revision.id.number;
    service.deployment = deployment.id;
    service.launch_type = revision.pattern.launch_type;
    service.steady = false;
    service.complaint.clear();
    txn.put(std::move(revision));
    txn.put(std::move(deployment));
}

}  // namespace boxship::services::ecs
