#include "state/doctor.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "state/doctor_elbv2.h"
#include "state/doctor_services.h"

namespace boxship::state {
namespace {

class Doctor {
public:
    explicit Doctor(const View& view) : view_(view) {}

    std::vector<std::string> examine()
    {
        clusters();
        definitions();
        for (const auto& [id, task] : view_.rows<Task>()) this->task(*task);
        networks();
        registry();
        examine_revisions(view_, complaints_);
        what_lives();
        return std::move(complaints_);
    }

    std::vector<std::string> examine(const Changes& changes)
    {
        for (const auto& change : changes)
            if (reaches_far(change)) return examine();
        for (const auto& change : changes) {
            if (const auto* task = change.after_as<Task>(); task && !task->live())
                if (const auto row = view_.get<Task>(task->id)) this->task(*row);
            if (const auto* deployment = change.after_as<ServiceDeployment>()) examine_deployments(view_, deployment->service, complaints_);
        }
        for (const auto& [id, instance] : view_.rows<Instance>())
            view_.visit<TasksByInstance>(id, [this](const TaskId& task) {
                this->task(*view_.get<Task>(task));
                return true;
            });
        what_lives();
        return std::move(complaints_);
    }

private:
    // Rows that others refer to, wherever they are: that one goes, or that it becomes another one.
    static bool reaches_far(const Change& change)
    {
        if (change.is<Task>() || change.is<ClientToken>() || change.is<AccountSetting>() || change.is<ServiceEvent>() || change.is<Alarm>() || change.is<Target>() ||
            change.is<Eni>())
            return false;
        const bool follows = change.is<Instance>() || change.is<Service>() || change.is<ServiceRevision>() || change.is<ServiceDeployment>();
        return !follows || !change.after;
    }

    // Everything that is not over: there is little of it beside what is.
    void what_lives()
    {
        instances();
        reservations();
        interfaces();
        examine_load_balancers(view_, complaints_);
        examine_services(view_, complaints_);
        sums();
    }

    template <class... Args>
    void complain(fmt::format_string<Args...> format, Args&&... args)
    {
        complaints_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    void clusters()
    {
        std::set<ScopedName> names;
        for (const auto& [id, cluster] : view_.rows<Cluster>())
            if (!names.insert({cluster->scope, cluster->name}).second) complain("two clusters are called {}", cluster->name);
    }

    void definitions()
    {
        std::set<FamilyRevision> revisions;
        for (const auto& [id, definition] : view_.rows<TaskDefinition>()) {
            const ScopedName name{definition->scope, definition->family};
            const auto family = view_.get<Family>(name);
            if (!revisions.insert({name, definition->revision}).second)
                complain("two task definitions are {}:{}", definition->family, definition->revision);
            if (!family || family->latest_revision < definition->revision)
                complain("the family {} does not know of its revision {}", definition->family, definition->revision);
        }
    }

    void instances()
    {
        for (const auto& [id, instance] : view_.rows<Instance>()) {
            const auto cluster = view_.get<Cluster>(instance->cluster);
            if (!cluster) complain("container instance {} is in a cluster that is not there", to_text(id));
            if (cluster && instance->fargate != cluster->internal) complain("container instance {} is in a cluster of the wrong kind", to_text(id));
            if (instance->status == InstanceStatus::inactive && view_.any<TasksByInstance>(id))
                complain("container instance {} is INACTIVE and has live tasks", to_text(id));
        }
    }

    void task(const Task& task)
    {
        const std::string name = to_text(task.id);
        if (!view_.get<Cluster>(task.cluster)) complain("task {} is in a cluster that is not there", name);
        if (!view_.get<TaskDefinition>(task.definition)) complain("task {} has a definition that is not there", name);
        if (!view_.get<Instance>(task.instance)) complain("task {} is on an instance that is not there", name);
        if (task.service && task.live() && !view_.get<ServiceRevision>({task.service, task.revision})) complain("task {} is of a revision that is not there", name);
        if (!task.created_at) complain("task {} has no time of creation", name);
        if (task.live()) {
            if (task.stopped_at) complain("task {} is {} and has a time of stopping", name, model::to_text(task.status));
            if (task.eni && !view_.get<Eni>(task.eni)) complain("task {} has a network interface that is not there", name);
        } else {
            if (task.wanted) complain("task {} is STOPPED and wanted", name);
            if (task.stop_code == StopCode::none) complain("task {} is STOPPED without a code", name);
            if (task.stopped_reason.empty()) complain("task {} is STOPPED without a reason", name);
            if (!task.stopped_at) complain("task {} is STOPPED without a time", name);
            if (task.eni) complain("task {} is STOPPED and holds a network interface", name);
        }
        if (!task.wanted && !task.stopping_at) complain("task {} is to stop since an unknown time", name);
    }

    // What live tasks hold must fit their instance. A Fargate host's CPU is overcommitted on purpose.
    void reservations()
    {
        for (const auto& [id, instance] : view_.rows<Instance>()) {
            std::int64_t cpu = 0, memory = 0;
            std::set<std::pair<Protocol, std::int32_t>> ports;
            for (const auto& task : view_.all<TasksByInstance>(id)) {
                cpu += task->cpu;
                memory += task->memory;
                for (const auto& port : task->reserved_ports)
                    if (!ports.emplace(port.protocol, port.host_port).second)
                        complain("host port {} of instance {} has two owners", port.host_port, to_text(id));
            }
            if (cpu > instance->cpu && !instance->fargate) complain("the tasks of instance {} reserve {} CPU units of {}", to_text(id), cpu, instance->cpu);
            if (memory > instance->memory) complain("the tasks of instance {} reserve {} MiB of {}", to_text(id), memory, instance->memory);
        }
    }

    void interfaces()
    {
        std::set<VpcAddress> addresses;
        std::set<std::string> macs;
        for (const auto& [id, eni] : view_.rows<Eni>()) {
            const std::string name = to_short_text("eni-", id);
            if (!addresses.insert({eni->vpc, eni->address}).second) complain("the address {} has two owners", ipv4_text(eni->address));
            if (!macs.insert(eni->mac).second) complain("the MAC {} has two owners", eni->mac);
            const auto subnet = view_.get<Subnet>(eni->subnet);
            if (!subnet)
                complain("{} is in a subnet that is not there", name);
            else if (!Ipv4Range{subnet->network, subnet->prefix}.contains(eni->address) || subnet->vpc != eni->vpc)
                complain("{} has the address {} outside of its subnet", name, ipv4_text(eni->address));
            for (const auto& group : eni->groups)
                if (!view_.get<SecurityGroup>(group)) complain("{} has a security group that is not there", name);
            if (eni->nat && (!view_.get<NatGateway>(eni->nat) || view_.get<NatGateway>(eni->nat)->eni != id)) complain("{} belongs to a NAT gateway that does not have it", name);
            if (eni->task) {
                const auto task = view_.get<Task>(eni->task);
                if (!task || task->eni != id) complain("{} belongs to a task that does not have it", name);
            }
        }
    }

    void networks()
    {
        for (const auto& [id, subnet] : view_.rows<Subnet>())
            if (!view_.get<Vpc>(subnet->vpc)) complain("{} is in a VPC that is not there", to_short_text("subnet-", id));
        for (const auto& [id, group] : view_.rows<SecurityGroup>())
        {
            const std::string name = to_short_text("sg-", id);
            if (!view_.get<Vpc>(group->vpc)) complain("{} is in a VPC that is not there", name);
            for (const auto& rule : group->rules)
                if (rule.group && !view_.get<SecurityGroup>(rule.group)) complain("a rule of {} names a group that is not there", name);
        }
        std::set<SubnetId> associated;
        std::map<VpcId, int> mains;
        for (const auto& [id, table] : view_.rows<RouteTable>()) {
            const std::string name = to_short_text("rtb-", id);
            if (!view_.get<Vpc>(table->vpc)) complain("{} is in a VPC that is not there", name);
            mains[table->vpc] += table->is_main();
            for (const auto& association : table->associations) {
                if (!association.subnet) continue;
                const auto subnet = view_.get<Subnet>(association.subnet);
                if (!subnet || subnet->vpc != table->vpc) complain("{} is associated with a subnet that is not of its VPC", name);
                if (!associated.insert(association.subnet).second) complain("the subnet of {} has two route tables", name);
            }
            for (const auto& route : table->routes)
                if (static_cast<bool>(route.gateway) == static_cast<bool>(route.nat)) complain("a route of {} does not lead to one thing", name);
        }
        for (const auto& [id, vpc] : view_.rows<Vpc>())
            if (mains[id] > 1) complain("{} has {} main route tables", to_short_text("vpc-", id), mains[id]);
        for (const auto& [id, nat] : view_.rows<NatGateway>()) {
            const std::string name = to_short_text("nat-", id);
            const auto eni = view_.get<Eni>(nat->eni);
            if (nat->deleted() ? static_cast<bool>(nat->eni) : !eni || eni->nat != id) complain("{} does not have the interface that it should", name);
            if (nat->deleted() || !nat->is_public) continue;
            const auto address = view_.get<ElasticAddress>(nat->address);
            if (!address || address->nat != id || address->eni) complain("{} does not have the address that it should", name);
        }
        std::set<VpcId> attached;
        for (const auto& [id, gateway] : view_.rows<InternetGateway>())
            if (gateway->vpc && (!view_.get<Vpc>(gateway->vpc) || !attached.insert(gateway->vpc).second))
                complain("{} is attached to a VPC that is not there, or has another gateway", to_short_text("igw-", id));
    }

    void registry()
    {
        for (const auto& [key, link] : view_.rows<BlobLink>()) {
            const auto blob = view_.get<Blob>(key.name);
            if (!view_.get<Repository>(key.repository)) complain("a link to {} is in a repository that is not there", key.name);
            if (!blob) complain("a repository holds {}, which is not there", key.name);
            if (blob && blob->state == BlobState::condemned) complain("{} is condemned and held by a repository", key.name);
        }
        for (const auto& [digest, blob] : view_.rows<Blob>())
            if (blob->state != BlobState::condemned && !view_.any<LinksByDigest>(digest)) complain("{} is held by no repository and not condemned", digest);
        for (const auto& [key, image] : view_.rows<Image>()) {
            if (!view_.get<Repository>(key.repository)) complain("image {} is in a repository that is not there", key.name);
            std::vector<std::string> needs = image->layers;
            needs.push_back(key.name);
            if (!image->config.empty()) needs.push_back(image->config);
            for (const auto& digest : needs)
                if (!view_.get<BlobLink>({key.repository, digest})) complain("image {} needs {}, which its repository does not hold", key.name, digest);
            for (const auto& child : image->children)
                if (!view_.get<Image>({key.repository, child})) complain("index {} names {}, which is not there", key.name, child);
        }
        for (const auto& [key, tag] : view_.rows<ImageTag>())
            if (!view_.get<Image>({key.repository, tag->digest})) complain("the tag {} names {}, which is not there", key.name, tag->digest);
    }

    void sums()
    {
        Derived counted;
        for (const auto& [id, instance] : view_.rows<Instance>()) {
            counted.change(nullptr, instance.get());
            for (const auto& task : view_.all<TasksByInstance>(id)) counted.change(nullptr, task.get());
        }
        for (const auto& [id, service] : view_.rows<Service>()) counted.change(nullptr, service.get());
        for (const auto& [id, revision] : view_.rows<ServiceRevision>())
            if (!(counted.counts(id) == view_.counts(id))) complain("the counts of revision {} are not those of its tasks", id.number);
        for (const auto& [id, cluster] : view_.rows<Cluster>())
            if (!(counted.counts(id) == view_.counts(id))) complain("the counts of cluster {} are not those of its rows", cluster->name);
        for (const auto& [id, instance] : view_.rows<Instance>())
            if (!(counted.load(id) == view_.load(id))) complain("the load of instance {} is not that of its tasks", to_text(id));
        rows_counted<Cluster>("clusters");
        rows_counted<LoadBalancer>("load balancers");
        rows_counted<TargetGroup>("target groups");
        rows_counted<Vpc>("VPCs");
        rows_counted<InternetGateway>("internet gateways");
        rows_counted<ElasticAddress>("addresses");
        rows_counted<SecurityGroup>("security groups");
        rows_counted<Repository>("repositories");
        rows_counted<Certificate>("certificates");
        index_counted<SubnetsByVpc>("subnets");
        index_counted<RouteTablesByVpc>("route tables");
        index_counted<ListenersByLoadBalancer>("listeners");
        index_counted<RulesByListener>("rules");
        index_counted<TargetsByGroup>("targets");
        index_counted<ImagesByRepository>("images");
        index_counted<NatGatewaysByZone>("NAT gateways");
    }

    // What quotas are asked of.
    template <class Row>
    void rows_counted(const char* what)
    {
        std::map<Scope, std::size_t> found;
        for (const auto& [key, row] : view_.rows<Row>())
            if (counts_for_quotas(*row)) ++found[row->scope];
        for (const auto& [scope, count] : found)
            if (view_.count_in<Row>(scope) != count) complain("{} {} are counted as {}", count, what, view_.count_in<Row>(scope));
    }
    template <class Index>
    void index_counted(const char* what)
    {
        std::map<typename Index::Value, std::size_t> found;
        for (const auto& entry : view_.entries<Index>()) ++found[entry.first];
        for (const auto& [value, count] : found)
            if (view_.count<Index>(value) != count) complain("{} {} of one owner are counted as {}", count, what, view_.count<Index>(value));
    }

    const View& view_;
    std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> examine(const View& view) { return Doctor(view).examine(); }

std::vector<std::string> examine(const View& view, const Changes& changes) { return Doctor(view).examine(changes); }

}  // namespace boxship::state
