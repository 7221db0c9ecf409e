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
//
// An operation on bytes (layers, manifests) is served by add_data: its verb looks up and refuses on the state's thread like
// any other, and answers with the work to do afterwards, elsewhere, which delivers the rows.
//
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

// Called once, off the state's thread; must not block. It calls what it is given once, later, on any thread.
template <class Rows>
using DataWork = std::function<void(std::function<void(Result<Rows>)> deliver)>;

struct ServedOperation {
    const shape::OperationInfo* info = nullptr;
    // The answer, made off the state's thread. `record` makes the record of the type that info names; `json`, where there
    // is one, the same as JSON text with less work.
    struct Render {
        std::function<std::shared_ptr<const void>()> record;
        std::function<std::string()> json;
    };
    std::function<Result<Render>(Txn&, const Call&, const void* request)> run;
    // Instead of `run`, of an operation on bytes.
    std::function<Result<DataWork<Render>>(Txn&, const Call&, const void* request)> begin;
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
                         typename Op::Response (*render)(const Rows&), std::string (*write)(const Rows&) = nullptr)
    {
        ServedOperation& operation = operations_.emplace_back();
        operation.info = &Op::info;
        operation.run = [verb, render, write](Txn& txn, const Call& call,
                                              const void* request) -> Result<ServedOperation::Render> {
            auto rows = verb(txn, call, *static_cast<const typename Op::Request*>(request));
            if (!rows.ok()) return std::move(rows).error();
            return later<Op>(render, std::move(rows).value(), write);
        };
        return operation;
    }
    template <class Op, class Rows>
    ServedOperation& add_data(Result<DataWork<Rows>> (*verb)(Txn&, const Call&, const typename Op::Request&),
                              typename Op::Response (*render)(const Rows&))
    {
        using Render = ServedOperation::Render;
        ServedOperation& operation = operations_.emplace_back();
        operation.info = &Op::info;
        operation.begin = [verb, render](Txn& txn, const Call& call, const void* request) -> Result<DataWork<Render>> {
            auto work = verb(txn, call, *static_cast<const typename Op::Request*>(request));
            if (!work.ok()) return std::move(work).error();
            return DataWork<Render>([render, work = std::move(work).value()](std::function<void(Result<Render>)> deliver) {
                work([render, deliver = std::move(deliver)](Result<Rows> rows) {
                    if (rows.ok()) deliver(later<Op>(render, std::move(rows).value()));
                    else deliver(std::move(rows).error());
                });
            });
        };
        return operation;
    }
    const std::vector<ServedOperation>& operations() const { return operations_; }

private:
    template <class Op, class Rows>
    static ServedOperation::Render later(typename Op::Response (*render)(const Rows&), Rows rows, std::string (*write)(const Rows&) = nullptr)
    {
        const auto kept = std::make_shared<const Rows>(std::move(rows));
        ServedOperation::Render made;
        made.record = [render, kept] { return std::shared_ptr<const void>(std::make_shared<const typename Op::Response>(render(*kept))); };
        if (write) made.json = [write, kept] { return write(*kept); };
        return made;
    }

    std::vector<ServedOperation> operations_;
};

// One per AWS service, in services/<svc>/served.cpp.
void serve_acm(Served& served);
void serve_ecs(Served& served);
void serve_ecr(Served& served);
void serve_ec2(Served& served);
void serve_elbv2(Served& served);
void serve_sts(Served& served);

}  // namespace boxship::services
