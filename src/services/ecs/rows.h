// What verbs hand to rendering: rows and plain values, nothing that points into the view. And the renderers that several
// operations share.
#pragma once

#include <string>
#include <vector>

#include "ecs/types.h"
#include "services/ecs/convert.h"
#include "services/ecs/names.h"
#include "services/ecs/paging.h"
#include "state/txn.h"

namespace boxship::services::ecs {

using state::Txn;

struct ClusterRow {
    ClusterPtr cluster;
    state::ClusterCounts counts;
};
// Which optional parts of an answer were asked for.
struct ClusterParts {
    bool tags = false, settings = false, statistics = false, configuration = false;
};
ClusterRow cluster_row(const View& view, ClusterPtr cluster);
void render_cluster(const ClusterRow& row, const ClusterParts& parts, api::Cluster& out);

void render_definition(const model::TaskDefinition& definition, api::TaskDefinition& out);

struct TaskRow {
    TaskPtr task;
    ClusterPtr cluster;
    DefinitionPtr definition;
    InstancePtr instance;     // nullptr: given up and forgotten

    bool operator==(const TaskRow&) const = default;  // the same rows
};
TaskRow task_row(const View& view, TaskPtr task);
void render_task(const TaskRow& row, bool tags, api::Task& out);
// The JSON of what render_task makes. On any thread.
void append_task_json(const TaskRow& row, bool tags, std::string& out);

struct TaskRows {
    std::vector<TaskRow> tasks;
    std::vector<FailureRow> failures;
    bool tags = true;
};

struct InstanceRow {
    InstancePtr instance;
    ClusterPtr cluster;
    state::InstanceLoad load;
};
InstanceRow instance_row(const View& view, InstancePtr instance);
void render_instance(const InstanceRow& row, bool tags, api::ContainerInstance& out);

}  // namespace boxship::services::ecs
