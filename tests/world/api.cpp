#include "world/api.h"

#include <cstdlib>

#include "base/check.h"
#include "front/dispatch.h"
#include "front/members.h"
#include "shape/read.h"
#include "shape/slots.h"
#include "shape/write.h"

namespace boxship::tests {

using Kind = services::Principal::Kind;

void serve_all(services::Served& served)
{
    services::serve_ecs(served);
    services::serve_ecr(served);
    services::serve_ec2(served);
    services::serve_sts(served);
    services::serve_elbv2(served);
    services::serve_acm(served);
}

services::Principal root_principal() { return {.arn = "arn:aws:iam::000000000000:root", .id = "000000000000"}; }

services::Principal host_principal(const std::string& host)
{
    return {.kind = Kind::host, .arn = "arn:aws:sts::000000000000:assumed-role/boxship-host/" + host, .id = "AROAHOST:" + host, .host = host};
}

services::Principal task_principal(const TaskId& task)
{
    return {.kind = Kind::task, .arn = "arn:aws:sts::000000000000:assumed-role/role/" + to_text(task), .id = "AROATASK:" + to_text(task), .task = task};
}

void call_api(state::Store& store, const services::Served& served, const services::Installation& installation, const ApiCall& call,
              CallDone done)
{
    const services::ServedOperation* operation = nullptr;
    for (const auto& candidate : served.operations())
        if (candidate.info->service->name == call.service && candidate.info->name == call.operation) operation = &candidate;
    if (!operation) return done(ApiError{"NotImplemented", call.service + ":" + call.operation});

    const auto& info = *operation->info;
    front::Ask ask;
    ask.operation = operation;
    ask.protocol = info.service->protocols.front();
    auto* data = static_cast<std::byte*>(std::calloc(1, info.request->size));
    const std::shared_ptr<void> record(data, [&info](void* bytes) {
        shape::destroy_record(*info.request, bytes);
        std::free(bytes);
    });
    ask.request = record;
    const shape::RecordRef into(*info.request, data);
    if (const auto read = shape::read_json(call.request, into, &ask.unknown); !read.ok()) return done(read.error());
    if (const auto member = front::first_refused(into, operation->refused)) return done(front::refusal(info, *member));
    ask.principal = call.principal;
    ask.scope = {"000000000000", "us-east-1"};
    ask.request_id = "request";
    ask.source = "127.0.0.1";
    ask.installation = &installation;
    front::dispatch(store, std::move(ask), [&info, done = std::move(done)](Result<services::ServedOperation::Render> render) {
        if (!render.ok()) return done(render.error());
        const auto response = render->record();
        std::string text = shape::write_json(shape::ConstRecordRef(*info.response, response.get()));
        if (render->json) CHECK(render->json() == text);  // the shorter way leads to the same
        done(std::move(text));
    });
}

}  // namespace boxship::tests
