// The list of what is served: one explicit line per operation, checked against the model's types.
//
//     void serve_tasks(Served& served)
//     {
//         served.add<ecs::ops::RunTask>(run_task, render_run_task).ignores({"enableECSManagedTags"}).refuses({"placementStrategy"});
//     }
//
//     Result<TaskRows>     run_task(Txn& txn, const Call& call, const ecs::RunTaskRequest& request);   the state's thread
//     ecs::RunTaskResponse render_run_task(const TaskRows& rows);                                     any thread
//
// A verb looks up, refuses, changes and answers with rows (shared pointers, ids, plain values: nothing that points into
// the view). When it answers with an error, what it wrote is taken back. Rendering happens off the state's thread.
// Members of the request that a verb does not honour are listed: `ignores` (no effect, and docs/coverage.md says so) or
// `refuses` (present and not empty: the service's invalid-parameter error, with a sentence); silence is not an option.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "services/call.h"
#include "state/txn.h"

namespace boxship::shape {
struct OperationInfo;  // shape/, generated
}

namespace boxship::services {

using state::Txn;

struct ServedOperation {
    const shape::OperationInfo* info = nullptr;
    // Makes the response record, of the type that info names.
    using Render = std::function<std::shared_ptr<const void>()>;
    std::function<Result<Render>(Txn&, const Call&, const void* request)> run;
    std::vector<std::string> ignored;   // member paths, "networkConfiguration.awsvpcConfiguration.assignPublicIp"
    std::vector<std::string> refused;
    bool any_principal = false;         // else: root, and hosts where `hosts` says so
    bool hosts = false;

    ServedOperation& ignores(std::vector<std::string> members) { ignored = std::move(members); return *this; }
    ServedOperation& refuses(std::vector<std::string> members) { refused = std::move(members); return *this; }
    ServedOperation& for_hosts() { hosts = true; return *this; }
    ServedOperation& for_anyone() { any_principal = true; return *this; }
};

class Served {
public:
    template <class Op, class Rows>
    ServedOperation& add(Result<Rows> (*verb)(Txn&, const Call&, const typename Op::Request&),
                         typename Op::Response (*render)(const Rows&))
    {
        ServedOperation& operation = operations_.emplace_back();
        operation.info = &Op::info;
        operation.run = [verb, render](Txn& txn, const Call& call,
                                       const void* request) -> Result<ServedOperation::Render> {
            auto rows = verb(txn, call, *static_cast<const typename Op::Request*>(request));
            if (!rows.ok()) return std::move(rows).error();
            return ServedOperation::Render([render, rows = std::make_shared<const Rows>(std::move(rows).value())] {
                return std::shared_ptr<const void>(std::make_shared<const typename Op::Response>(render(*rows)));
            });
        };
        return operation;
    }
    const std::vector<ServedOperation>& operations() const { return operations_; }

private:
    std::vector<ServedOperation> operations_;
};

// One per AWS service, in services/<svc>/served.cpp.
void serve_ecs(Served& served);
void serve_ecr(Served& served);
void serve_ec2(Served& served);
void serve_sts(Served& served);

}  // namespace boxship::services
