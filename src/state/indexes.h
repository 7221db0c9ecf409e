// Ways to find rows other than by key. An index names its row type, the value it is asked by, and which values a row
// has (none, one or several). Tables keep them; nobody else does.
#pragma once

#include <tuple>

#include "model/ecs.h"
#include "model/registry.h"
#include "model/service.h"
#include "state/indexes_elbv2.h"
#include "state/indexes_network.h"
#include "state/stand.h"

namespace boxship::state {

using namespace model;  // rows are named so often here that the prefix would hide the words

// Rows of which a platform can hold hundreds of thousands.
template <class Row>
inline constexpr bool can_be_many = false;
template <>
inline constexpr bool can_be_many<Task> = true;
template <>
inline constexpr bool can_be_many<TaskDefinition> = true;
template <>
inline constexpr bool can_be_many<ClientToken> = true;
template <>
inline constexpr bool can_be_many<Eni> = true;

// Indexes that know how many rows each value has: what quotas ask without going through them.
template <class Index>
inline constexpr bool counted = false;

struct ClusterByName {
    using Row = Cluster;
    using Value = ScopedName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.scope, row.name}); }
};

struct FamilyRevision {
    ScopedName family;
    std::int32_t revision = 0;
    auto operator<=>(const FamilyRevision&) const = default;
};
struct DefinitionByRevision {
    using Row = TaskDefinition;
    using Value = FamilyRevision;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{{row.scope, row.family}, row.revision}); }
};

struct DeletedDefinitions {  // DELETE_IN_PROGRESS
    using Row = TaskDefinition;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (row.status == DefinitionStatus::delete_in_progress) emit(row.delete_requested_at);
    }
};

struct InstancesByCluster {
    using Row = Instance;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.cluster); }
};

struct InstancesByHost {  // by whose credentials may speak for it
    using Row = Instance;
    using Value = std::string;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.host_principal.empty() && row.status != InstanceStatus::inactive) emit(row.host_principal);
    }
};
struct InstancesByEc2Id {  // "i-…"; several when a host registered anew
    using Row = Instance;
    using Value = std::string;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.ec2_instance_id.empty() && row.status != InstanceStatus::inactive) emit(row.ec2_instance_id);
    }
};
struct InactiveInstancesByTime {  // what leaves memory next
    using Row = Instance;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (row.status == InstanceStatus::inactive) emit(row.deregistered_at);
    }
};

struct TasksByCluster {
    using Row = Task;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.cluster); }
};
struct TasksByInstance {  // live tasks only: what a host holds
    using Row = Task;
    using Value = InstanceId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.live() && row.instance) emit(row.instance); }
};
struct HostPort {
    InstanceId instance;
    std::int32_t port = 0;
    auto operator<=>(const HostPort&) const = default;
};
struct BalancedTasksByPort {  // live ones behind a load balancer, by the ports they have on their instance
    using Row = Task;
    using Value = HostPort;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.balanced || !row.live() || !row.instance) return;
        for (const auto& container : row.containers)
            for (const auto& binding : container.bindings) emit({row.instance, binding.port.host_port});
    }
};
struct TasksByDefinition {
    using Row = Task;
    using Value = TaskDefinitionId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.definition); }
};
struct StoppedTasksByTime {  // what leaves memory next
    using Row = Task;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (!row.live()) emit(row.stopped_at); }
};

struct TasksByService {  // live ones
    using Row = Task;
    using Value = ServiceId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.service && row.live()) emit(row.service); }
};
// Where a task that is not asked to stop stands among those of its service's revision. Tasks that differ in nothing but their
// age are neighbours, the newest the last of them.
struct Standing {
    RevisionKey revision;
    Stand stand;
    Time created_at;
    auto operator<=>(const Standing&) const = default;
};
struct WantedTasks {  // of services: live, and not asked to stop
    using Row = Task;
    using Value = Standing;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.service || !row.live() || !row.wanted) return;
        emit(Value{{row.service, row.revision}, stand_of(row), row.created_at});
    }
};
struct UnsettledTasks {  // ended ones from which their service has not drawn its conclusions
    using Row = Task;
    using Value = ServiceId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.service && !row.live() && !row.settled) emit(row.service); }
};

struct ServiceName {
    ClusterId cluster;
    std::string name;
    auto operator<=>(const ServiceName&) const = default;
};
struct ServicesByName {  // deleted ones as well: several may have had the name
    using Row = Service;
    using Value = ServiceName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.cluster, row.name}); }
};
struct WaitingServices {  // by cluster: those that have found no room for a task
    using Row = Service;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.complaint.empty() && row.status != ServiceStatus::inactive) emit(row.cluster);
    }
};
struct DaemonServices {  // by cluster
    using Row = Service;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (row.scheduling == Scheduling::daemon && row.status != ServiceStatus::inactive) emit(row.cluster);
    }
};
struct RebalancedServices {  // by cluster: those whose tasks follow its instances into other zones
    using Row = Service;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (row.rebalance && row.launch_type == LaunchType::ec2 && row.status == ServiceStatus::active) emit(row.cluster);
    }
};
struct DeletedServicesByTime {  // what leaves memory next
    using Row = Service;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.status == ServiceStatus::inactive) emit(row.deleted_at); }
};
struct DeploymentOfService {
    ServiceId service;
    Time created_at;
    auto operator<=>(const DeploymentOfService&) const = default;
};
struct DeploymentsByService {  // oldest first
    using Row = ServiceDeployment;
    using Value = DeploymentOfService;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.service, row.created_at}); }
};
struct RevisionsByDefinition {
    using Row = ServiceRevision;
    using Value = TaskDefinitionId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.definition); }
};
struct RevisionsByTargetGroup {  // by the group's ARN
    using Row = ServiceRevision;
    using Value = std::string;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        for (const auto& use : row.targets) emit(use.arn);
    }
};
struct DrainingInstances {  // by cluster
    using Row = Instance;
    using Value = ClusterId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.status == InstanceStatus::draining) emit(row.cluster); }
};

struct ClientTokensByTime {
    using Row = ClientToken;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.created_at); }
};

struct RepositoryByName {
    using Row = Repository;
    using Value = ScopedName;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.scope, row.name}); }
};
struct LinksByDigest {  // in which repositories a blob is
    using Row = BlobLink;
    using Value = std::string;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.id.name); }
};
struct LinksByPromise {  // links whose promise may have run out; 0 is "none, an image holds it"
    using Row = BlobLink;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.kept_until) emit(row.kept_until); }
};
struct BlobsByCondemnation {
    using Row = Blob;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { if (row.state == BlobState::condemned) emit(row.condemned_at); }
};
struct ImagesByBlob {  // images of a repository that need a blob: manifest, config, layers
    using Row = Image;
    using Value = InRepository;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        emit(row.id);
        if (!row.config.empty()) emit(Value{row.id.repository, row.config});
        for (const auto& layer : row.layers) emit(Value{row.id.repository, layer});
    }
};
struct ImagesByRepository {
    using Row = Image;
    using Value = RepositoryId;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.id.repository); }
};
struct ImagesByChild {  // indexes of a repository that name a manifest
    using Row = Image;
    using Value = InRepository;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        for (const auto& child : row.children) emit(Value{row.id.repository, child});
    }
};
struct ImagesBySubject {  // referrers
    using Row = Image;
    using Value = InRepository;
    template <class Emit>
    static void values(const Row& row, Emit emit)
    {
        if (!row.subject.empty()) emit(Value{row.id.repository, row.subject});
    }
};
struct TagsByDigest {
    using Row = ImageTag;
    using Value = InRepository;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(Value{row.id.repository, row.digest}); }
};
struct UploadsByActivity {
    using Row = Upload;
    using Value = Time;
    template <class Emit>
    static void values(const Row& row, Emit emit) { emit(row.last_activity); }
};

template <>
inline constexpr bool counted<SubnetsByVpc> = true;
template <>
inline constexpr bool counted<RouteTablesByVpc> = true;
template <>
inline constexpr bool counted<ListenersByLoadBalancer> = true;
template <>
inline constexpr bool counted<RulesByListener> = true;
template <>
inline constexpr bool counted<TargetsByGroup> = true;
template <>
inline constexpr bool counted<ImagesByRepository> = true;
template <>
inline constexpr bool counted<NatGatewaysByZone> = true;

template <class Row>
struct IndexesOf { using Type = std::tuple<>; };
template <>
struct IndexesOf<Cluster> { using Type = std::tuple<ClusterByName>; };
template <>
struct IndexesOf<TaskDefinition> { using Type = std::tuple<DefinitionByRevision, DeletedDefinitions>; };
template <>
struct IndexesOf<Instance> {
    using Type = std::tuple<InstancesByCluster, InstancesByHost, InstancesByEc2Id, InactiveInstancesByTime, DrainingInstances>;
};
template <>
struct IndexesOf<Task> {
    using Type = std::tuple<TasksByCluster, TasksByInstance, BalancedTasksByPort, TasksByDefinition, StoppedTasksByTime, TasksByService,
                            WantedTasks, UnsettledTasks>;
};
template <>
struct IndexesOf<Service> { using Type = std::tuple<ServicesByName, WaitingServices, DaemonServices, RebalancedServices, DeletedServicesByTime>; };
template <>
struct IndexesOf<ServiceRevision> { using Type = std::tuple<RevisionsByDefinition, RevisionsByTargetGroup>; };
template <>
struct IndexesOf<ServiceDeployment> { using Type = std::tuple<DeploymentsByService>; };
template <>
struct IndexesOf<ClientToken> { using Type = std::tuple<ClientTokensByTime>; };
template <>
struct IndexesOf<Subnet> { using Type = std::tuple<SubnetsByVpc>; };
template <>
struct IndexesOf<SecurityGroup> { using Type = std::tuple<GroupsByVpc>; };
template <>
struct IndexesOf<Eni> { using Type = std::tuple<EniByAddress, EnisBySubnet, EnisByGroup, EnisByTask, EnisByLoadBalancer>; };
template <>
struct IndexesOf<RouteTable> { using Type = std::tuple<RouteTablesByVpc>; };
template <>
struct IndexesOf<InternetGateway> { using Type = std::tuple<GatewaysByVpc>; };
template <>
struct IndexesOf<NatGateway> { using Type = std::tuple<NatGatewaysByZone, NatGatewaysByVpc, DeletedNatGatewaysByTime>; };
template <>
struct IndexesOf<ElasticAddress> { using Type = std::tuple<AddressByNumber, AddressesByEni>; };
template <>
struct IndexesOf<Repository> { using Type = std::tuple<RepositoryByName>; };
template <>
struct IndexesOf<Blob> { using Type = std::tuple<BlobsByCondemnation>; };
template <>
struct IndexesOf<BlobLink> { using Type = std::tuple<LinksByDigest, LinksByPromise>; };
template <>
struct IndexesOf<Image> { using Type = std::tuple<ImagesByBlob, ImagesByRepository, ImagesByChild, ImagesBySubject>; };
template <>
struct IndexesOf<ImageTag> { using Type = std::tuple<TagsByDigest>; };
template <>
struct IndexesOf<Upload> { using Type = std::tuple<UploadsByActivity>; };
template <>
struct IndexesOf<LoadBalancer> { using Type = std::tuple<LoadBalancerByName>; };
template <>
struct IndexesOf<Listener> {
    using Type = std::tuple<ListenersByLoadBalancer, ListenerByPort, ListenersByTargetGroup, ListenersByCertificate>;
};
template <>
struct IndexesOf<ListenerRule> { using Type = std::tuple<RulesByListener, RuleByPriority, RulesByTargetGroup>; };
template <>
struct IndexesOf<TargetGroup> { using Type = std::tuple<TargetGroupByName>; };
template <>
struct IndexesOf<Target> { using Type = std::tuple<TargetsByGroup, DrainingTargetsByTime>; };

}  // namespace boxship::state
