// What must hold between what is durable, what clients were told and what runs on the hosts. It learns of commits where
// they become durable, and keeps a picture of its own, by simpler means than the product's.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "model/ecs.h"
#include "model/elbv2.h"
#include "model/network.h"
#include "sim/services_oracle.h"
#include "sim/stage.h"
#include "state/store.h"

namespace boxship::sim {

class Hosts;

class Oracle {
public:
    explicit Oracle(Stage& stage) : stage_(stage), services_(stage, *this) {}
    void look_at(const Hosts& hosts) { hosts_ = &hosts; }

    // A group is on the disk.
    void durable(const std::string& blob);
    // What a server's watchers were told, in the order of the disk; `server` numbers its process.
    void told(int server, const state::Changes& changes);
    // A server has loaded: its rows are those of the disk.
    void loaded(const state::View& view);

    struct Committed {
        model::Task task;
        std::string bytes;
        bool given_up = false;          // its host was deregistered or lost, and may not know yet
    };
    const std::map<TaskId, Committed>& tasks() const { return tasks_; }
    const std::map<InstanceId, model::Instance>& instances() const { return instances_; }
    const std::map<EniId, model::Eni>& enis() const { return enis_; }
    const std::map<model::TargetKey, model::Target>& targets() const { return targets_; }
    // Invariant 12: somebody ends a container of this task.
    void check_drained(const std::string& task) const;
    const ServicesOracle& services() const { return services_; }
    const Committed* find(const std::string& task_id) const;
    bool knew(const std::string& task_id) const { return ever_.contains(task_id); }
    // Tasks by what they were started by: clients write their token there.
    const std::map<std::string, std::set<TaskId>>& started_by() const { return started_by_; }

    bool hosts_may_be_lost = false;                 // the tasks of an agent that stays away end without it
    std::uint64_t groups = 0;
    std::uint64_t connections = 0;                  // groups that say of agents that they came or went, and nothing else
    std::string last_group;                         // its rows: "a row of table 5, one of table 30 erased"

private:
    void task(const TaskId& id, bool erased, std::string_view row);
    void forward(const model::Task& before, const model::Task& after);
    void ended(const TaskId& id);
    void eni_freed(const model::Eni& eni);
    std::set<InstanceId> came_;                     // away before the last group: what ended in it may have ended before they came
    bool only_connects(const InstanceId& id, std::string_view row) const;

    Stage& stage_;
    ServicesOracle services_;
    const Hosts* hosts_ = nullptr;
    std::map<TaskId, Committed> tasks_;
    std::map<InstanceId, model::Instance> instances_;
    std::map<EniId, model::Eni> enis_;
    std::map<model::TargetKey, model::Target> targets_;
    std::map<std::string, std::set<TaskId>> started_by_;
    std::set<std::string> ever_;
    std::vector<TaskId> ended_;                     // in the group that is read
    struct Told {
        std::int64_t version = 0;
    };
    std::map<std::pair<int, TaskId>, Told> told_;
};

}  // namespace boxship::sim
