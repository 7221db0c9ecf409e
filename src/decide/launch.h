// What a task to be started is, and the task itself: whoever starts tasks (RunTask, StartTask, services) fills in a
// Launch once and makes as many tasks of it as are wanted. A new task holds all that it needs, its network interface included.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "decide/placement/placement.h"
#include "state/view.h"

namespace boxship::decide {

struct Launch {
    model::Scope scope;
    model::Task pattern;                                           // the task, but for ids, instance and times
    std::vector<std::shared_ptr<const model::Subnet>> subnets;     // awsvpc only
    std::vector<SecurityGroupId> groups;
    Need need;
};

// What the tasks of `pattern`, which are of this definition, take from their hosts. `fargate_overcommit`: of CPU, on Fargate.
Need need_of(const model::Task& pattern, const model::TaskDefinition& definition,
             const std::vector<std::shared_ptr<const model::Subnet>>& subnets, double fargate_overcommit);

struct NewTask {
    model::Task task;
    std::optional<model::Eni> eni;
};
// The task on this instance, which must fit. Nothing when no subnet has an address left. `crowds`: on Fargate, where the host
// says nothing of the zone, a subnet in the zone with the fewest of these is taken.
std::optional<NewTask> make_task(const state::View& view, const Launch& launch, const model::Instance& instance, Ids& ids, Time now,
                                 const std::map<Text, int>* crowds = nullptr);

}  // namespace boxship::decide
