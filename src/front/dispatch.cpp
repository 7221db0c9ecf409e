#include "front/dispatch.h"

#include <exception>

#include "base/log.h"
#include "base/mutant.h"
#include "front/authenticate.h"
#include "model/ecs.h"
#include "shape/check.h"
#include "shape/slots.h"

namespace boxship::front {

namespace {

using services::Principal;
using services::ServedOperation;
using Render = ServedOperation::Render;

// A task's session lives as long as its task; it may only ask who it is.
Result<> authorise(const state::View& view, const Ask& ask)
{
    const ServedOperation& operation = *ask.operation;
    switch (ask.principal.kind) {
    case Principal::Kind::root: return {};
    case Principal::Kind::host:
        if (operation.hosts || operation.any_principal) return {};
        break;
    case Principal::Kind::task: {
        const auto task = view.get<model::Task>(ask.principal.task);
        if (!task || (!task->live() && !mutant("front: a stopped task may still ask"))) return to_error(KeyProblem::expired_token, ask.protocol);
        if (operation.any_principal) return {};
        break;
    }
    }
    return access_denied(ask.principal, *operation.info, ask.protocol);
}

// EC2's way to ask whether one may: everything is done but kept.
bool only_asks(const Ask& ask)
{
    if (ask.protocol != shape::Protocol::ec2) return false;
    const shape::MemberInfo* member = ask.operation->info->request->find("DryRun");
    return member && shape::is_present(*member, ask.request.get()) && shape::as<bool>(shape::get(*member, ask.request.get()));
}

using Work = services::DataWork<Render>;

// An answer, or for an operation on bytes the work that will have one.
Result<Render> run(state::Txn& txn, const services::Call& call, const Ask& ask, Work& work)
{
    const shape::OperationInfo& info = *ask.operation->info;
    RETURN_IF_ERROR(authorise(txn, ask));
    const auto checked = check_request(info, ask.request.get(), ask.unknown);
    const bool speaks_first = info.service->validation == shape::ValidationStyle::own;
    if (!checked.ok() && !speaks_first) return checked.error();
    if (ask.operation->begin) {
        if (!checked.ok()) return checked.error();
        ASSIGN_OR_RETURN(work, ask.operation->begin(txn, call, ask.request.get()));
        return Render();
    }
    auto answer = ask.operation->run(txn, call, ask.request.get());
    if (!answer.ok()) return answer;
    if (!checked.ok()) return checked.error();
    if (only_asks(ask)) return ApiError{"DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412};
    return answer;
}

}  // namespace

Result<> check_request(const shape::OperationInfo& operation, const void* request, const std::vector<shape::UnknownEnum>& unknown)
{
    auto checked = shape::validate(*operation.service, {*operation.request, request}, unknown);
    if (checked.ok() || operation.name != "RegisterTaskDefinition") return checked;
    return ApiError{"ClientException", checked.error().message, 400};
}

ApiError refusal(const shape::OperationInfo& operation, std::string_view member)
{
    std::string_view code = "InvalidParameterException";
    switch (operation.service->validation) {
    case shape::ValidationStyle::ec2: code = "InvalidParameterValue"; break;
    case shape::ValidationStyle::framework: code = "ValidationError"; break;
    case shape::ValidationStyle::ecr:
    case shape::ValidationStyle::own: break;
    }
    if (operation.name == "RegisterTaskDefinition") code = "ClientException";
    return {std::string(code), fmt::format("'{}' is not supported by this server.", member), 400};
}

ApiError server_error(shape::Protocol protocol)
{
    const char* code = protocol == shape::Protocol::query ? "InternalFailure" : protocol == shape::Protocol::ec2 ? "InternalError" : "ServerException";
    return {code, "The request failed because of an error on the server; its log names this request id.", 500};
}

void dispatch(state::Store& store, Ask asked, Done done)
{
    struct Running {
        Ask ask;
        Result<Render> answer;
        Work work;
    };
    auto running = std::make_shared<Running>(Running{std::move(asked), server_error(asked.protocol), {}});
    store.update(
        [running, &store](state::Txn& txn) {
            const Ask& ask = running->ask;
            const services::Call call{store.env().clock.now(), store.env().random, ask.principal, ask.scope,
                                      ask.request_id,          ask.source,         *ask.installation};
            try {
                running->answer = run(txn, call, ask, running->work);
            } catch (const std::exception& thrown) {
                log_error("request {}: {} threw: {}", ask.request_id, ask.operation->info->name, thrown.what());
                running->answer = server_error(ask.protocol);
            }
            if (!running->answer.ok()) txn.roll_back();
        },
        [running, done = std::move(done)](HostResult<> durable) {
            if (!durable.ok()) {
                log_error("request {}: {}", running->ask.request_id, durable.error().message);
                running->answer = server_error(running->ask.protocol);
            }
            if (running->answer.ok() && running->work) running->work(done);
            else done(std::move(running->answer));
        });
}

}  // namespace boxship::front
