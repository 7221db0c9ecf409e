#include "control/services.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/mutant.h"
#include "control/service_events.h"
#include "decide/placement/story.h"
#include "decide/service/sentences.h"
#include "decide/service/service.h"
#include "model/fields.h"

namespace boxship::control {
namespace {

using model::Service;

// Makes the tasks that the plan asks for, as far as there is room for them.
class Starter {
public:
    Starter(state::Txn& txn, const Service& service, const model::ServiceRevision& revision, const decide::Launch& launch, Ids& ids, Time now)
        : txn_(txn), service_(service), revision_(revision), launch_(launch), ids_(ids), now_(now)
    {
    }

    void start_anywhere(int count)
    {
        const auto request = decide::placement_of(txn_, service_, launch_);
        while (count-- > 0) {
            const auto place = decide::place(txn_, request, ids_);
            if (!place.instance) {
                complaint_ = decide::say::no_place(service_, place);
                return;
            }
            if (!make(launch_, *place.instance, decide::tell_placement(txn_, request, *place.instance))) return;
        }
    }
    // Nowhere else: a task that moves to another zone than meant would move for ever.
    void start_in(const std::vector<Text>& zones)
    {
        for (const auto& zone : zones) {
            decide::Launch launch = launch_;
            std::erase_if(launch.subnets, [&](const auto& subnet) { return subnet->zone != zone; });
            auto request = decide::placement_of(txn_, service_, launch);
            if (service_.launch_type != model::LaunchType::fargate) request.need.zones = {zone.str()};
            const auto place = decide::place(txn_, request, ids_);
            if (place.instance && make(launch, *place.instance, "moved to a zone that has fewer tasks of the service\n" + decide::tell_placement(txn_, request, *place.instance)))
                by_zone_[zone].push_back(started_.back());
            else if (!place.instance)
                complaint_ = decide::say::no_place_in(service_, zone);
        }
    }
    void start_on(const std::vector<InstanceId>& hosts)
    {
        for (const auto& id : hosts) {
            const auto instance = txn_.get<model::Instance>(id);
            if (!instance) continue;
            const auto found = decide::obstacle(txn_, *instance, launch_.need);
            if (!found.reason.empty()) {
                complaint_ = decide::say::no_place(service_, {.instance = nullptr, .refusals = {{id, found.reason, found.detail}}});
                continue;
            }
            if (!make(launch_, *instance, "placed there because every instance has one")) return;
        }
    }

    const std::vector<TaskId>& started() const { return started_; }
    const std::string& complaint() const { return complaint_; }
    void report(std::vector<std::string>& events) const
    {
        for (const auto& [zone, tasks] : by_zone_) events.push_back(decide::say::started_in(service_, zone, tasks));
        if (by_zone_.empty() && !started_.empty()) events.push_back(decide::say::started(service_, started_));
    }

private:
    bool make(const decide::Launch& launch, const model::Instance& instance, const std::string& story)
    {
        auto made = decide::make_task(txn_, launch, instance, ids_, now_, &txn_.counts(revision_.id).zones);
        if (!made) {
            complaint_ = decide::say::no_addresses(service_);
            return false;
        }
        if (!revision_.providers.empty())
            made->task.capacity_provider = decide::next_provider(revision_.providers, txn_.counts(revision_.id).providers);
        started_.push_back(made->task.id);
        if (made->eni) txn_.put(std::move(*made->eni));
        txn_.put(std::move(made->task), fmt::format("started by (service {}), deployment {}\n{}", service_.name,
                                                    model::deployment_id(revision_.id.number), story));
        return true;
    }

    state::Txn& txn_;
    const Service& service_;
    const model::ServiceRevision& revision_;
    const decide::Launch& launch_;
    Ids& ids_;
    const Time now_;
    std::vector<TaskId> started_;
    std::map<Text, std::vector<TaskId>> by_zone_;       // of those that move
    std::string complaint_;
};

std::optional<Time> turn(state::Txn& txn, const ServiceId& id, double overcommit, Ids& ids, Time now)
{
    decide::ServicePlan plan = decide::plan_service(txn, id, now);
    for (auto& task : plan.tasks) txn.put(std::move(task));
    for (auto& revision : plan.revisions) txn.put(std::move(revision));
    if (plan.deployment) txn.put(std::move(*plan.deployment));
    const auto before = txn.get<Service>(id);
    if (!before) return plan.wake_at;
    Service service = plan.service ? std::move(*plan.service) : *before;
    bool changed = plan.service.has_value();

    const auto primary = txn.get<model::ServiceRevision>({id, service.primary});
    if (primary && (plan.starts > 0 || !plan.start_on.empty() || !plan.start_in.empty())) {
        if (const auto launch = decide::launch_of(txn, service, *primary, overcommit)) {
            Starter starter(txn, service, *primary, *launch, ids, now);
            if (!plan.start_in.empty()) starter.start_in(plan.start_in);
            else if (plan.start_on.empty()) starter.start_anywhere(plan.starts);
            else starter.start_on(plan.start_on);
            starter.report(plan.events);
            if (const int moving = static_cast<int>(starter.started().size()); !plan.start_in.empty() && service.moving != moving) {
                service.moving = moving;
                changed = true;
            }
            changed |= decide::complain(service, starter.complaint(), plan.events, now);
        }
    }
    for (auto& event : plan.events) add_event(txn, service, std::move(event), ids, now);
    if (changed || !plan.events.empty()) txn.put(std::move(service));
    return plan.wake_at;
}

}  // namespace

Services::Services(state::Store& store, double fargate_overcommit)
    : store_(store), loop_(store, [&store, fargate_overcommit](state::Txn& txn, const ServiceId& id, Time now) {
          return turn(txn, id, fargate_overcommit, store.env().random, now);
      })
{
}

void Services::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes) heard(change);
    });
}

void Services::start()
{
    store_.update([this](state::Txn&) { touch_all(); }, [](HostResult<>) {});
}

void Services::touch_all()
{
    for (const auto& [id, service] : store_.view().rows<Service>())
        if (service->status != model::ServiceStatus::inactive) loop_.touch(id);
}

// Room may have come up in the cluster: services that wait for it look again.
void Services::freed(const ClusterId& cluster, bool fargate)
{
    const auto view = store_.view();
    if (!fargate) {
        for (const auto& service : view.all<state::WaitingServices>(cluster)) loop_.touch(service->id);
        return;
    }
    for (const auto& [of, id] : view.entries<state::WaitingServices>())
        if (view.get<Service>(id)->launch_type == model::LaunchType::fargate) loop_.touch(id);
}

void Services::instance_changed(const model::Instance* before, const model::Instance& after)
{
    freed(after.cluster, after.fargate);
    const auto view = store_.view();
    for (const auto& service : view.all<state::DaemonServices>(after.cluster)) loop_.touch(service->id);
    const bool other = !before || before->status != after.status;
    if (other || before->agent_connected != after.agent_connected || model::encode(before->attributes) != model::encode(after.attributes))
        for (const auto& service : view.all<state::RebalancedServices>(after.cluster)) loop_.touch(service->id);
    if (before && other)
        for (const auto& task : view.all<state::TasksByInstance>(after.id))
            if (task->service) loop_.touch(task->service);
}

// Which tasks an instance has may decide whether a DAEMON's belongs there.
void Services::tasks_changed(const model::Task* before, const model::Task& after)
{
    if (before && before->live() == after.live()) return;
    const auto view = store_.view();
    for (const auto& service : view.all<state::DaemonServices>(after.cluster))
        if (after.service != service->id && decide::depends_on_tasks(view, *service)) loop_.touch(service->id);
}

void Services::heard(const state::Change& change)
{
    if (const auto* service = change.after_as<Service>()) loop_.touch(service->id);
    if (const auto* revision = change.after_as<model::ServiceRevision>()) loop_.touch(revision->id.service);
    if (const auto* deployment = change.after_as<model::ServiceDeployment>()) loop_.touch(deployment->service);
    if (const auto* task = change.after_as<model::Task>()) {
        if (task->service) loop_.touch(task->service);
        tasks_changed(change.before_as<model::Task>(), *task);
        if (!task->live() && !mutant("services: nobody hears that room came up")) freed(task->cluster, task->launch_type == model::LaunchType::fargate);
    }
    if (const auto* instance = change.after_as<model::Instance>()) instance_changed(change.before_as<model::Instance>(), *instance);
    if (change.is<model::Platform>()) touch_all();
    if (const auto* alarm = change.after_as<model::Alarm>())
        for (const auto& [id, service] : store_.view().rows<Service>())
            if (std::ranges::find(service->rules.alarm_names, alarm->name.name) != service->rules.alarm_names.end()) loop_.touch(id);
}

}  // namespace boxship::control
