#include "scenario/world.h"

#include <cstdlib>

#include "control/retention.h"
#include "front/dispatch.h"
#include "front/members.h"
#include "services/seed.h"
#include "shape/read.h"
#include "shape/slots.h"
#include "shape/write.h"
#include "state/doctor.h"

namespace boxship::tests {

void SeededRandom::fill(std::span<std::byte> bytes)
{
    for (auto& byte : bytes) {  // splitmix64, a byte at a time
        state_ += 0x9e3779b97f4a7c15ull;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        byte = static_cast<std::byte>((z ^ (z >> 31)) & 255);
    }
}

void VirtualExecutor::run()
{
    while (!queue_.empty() && queue_.begin()->first <= clock_.uptime()) {
        auto work = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        work();
    }
}

World::World()
{
    services::serve_ecs(served_);
    services::serve_ecr(served_);
    services::serve_ec2(served_);
    services::serve_sts(served_);
    act_as("root", "");
    open_store();
    const auto range = Ipv4Range::parse("172.31.0.0/16");
    change([&](state::Txn& txn) {
        const services::Seed seed{.scope = {"000000000000", "us-east-1"}, .vpc = *range};
        CHECK(services::seed_platform(txn, seed, random_, clock_.now()).ok());
    });
}

void World::open_store()
{
    retention_.reset();
    store_ = std::make_unique<state::Store>(env(), state::make_memory_journal(journal_, executor_));
    retention_ = std::make_unique<control::Retention>(*store_);
    retention_->follow();
    CHECK(store_->load().ok());
    retention_->start();
}

void World::restart()
{
    executor_.run();
    executor_.clear();
    open_store();
}

void World::act_as(const std::string& kind, const std::string& name)
{
    using Kind = services::Principal::Kind;
    principal_ = {};
    principal_.arn = "arn:aws:iam::000000000000:root";
    principal_.id = "000000000000";
    if (kind == "host") principal_ = {.kind = Kind::host, .arn = "arn:aws:sts::000000000000:assumed-role/boxship-host/" + name, .id = "AROAHOST:" + name, .host = name};
    if (kind == "task") principal_ = {.kind = Kind::task, .arn = "arn:aws:sts::000000000000:assumed-role/role/" + name, .id = "AROATASK:" + name};
}

void World::change(const std::function<void(state::Txn&)>& work)
{
    bool durable = false;
    store_->update(work, [&](HostResult<> outcome) { durable = outcome.ok(); });
    executor_.run();
    CHECK(durable);
}

Result<std::string> World::call(const std::string& service, const std::string& operation, const std::string& request)
{
    const services::ServedOperation* served = nullptr;
    for (const auto& candidate : served_.operations())
        if (candidate.info->service->name == service && candidate.info->name == operation) served = &candidate;
    if (!served) return ApiError{"NotImplemented", service + ":" + operation};

    const auto& info = *served->info;
    front::Ask ask;
    ask.operation = served;
    ask.protocol = info.service->protocols.front();
    auto* data = static_cast<std::byte*>(std::calloc(1, info.request->size));
    const std::shared_ptr<void> record(data, [&info](void* bytes) {
        shape::destroy_record(*info.request, bytes);
        std::free(bytes);
    });
    ask.request = record;
    const shape::RecordRef into(*info.request, data);
    RETURN_IF_ERROR(shape::read_json(request, into, &ask.unknown));
    if (const auto member = front::first_refused(into, served->refused)) return front::refusal(info, *member);
    ask.principal = principal_;
    ask.scope = {"000000000000", "us-east-1"};
    ask.request_id = "request";
    ask.source = "127.0.0.1";
    ask.installation = &installation_;
    std::optional<Result<services::ServedOperation::Render>> render;
    front::dispatch(*store_, std::move(ask), [&](auto answer) { render = std::move(answer); });
    executor_.run();
    CHECK(render.has_value());
    if (!render->ok()) return render->error();
    const auto response = (**render)();
    return shape::write_json(shape::ConstRecordRef(*info.response, response.get()));
}

void World::advance(Milliseconds by)
{
    clock_.advance(by);
    executor_.run();
}

std::vector<std::string> World::complaints() const { return state::examine(store_->view()); }

}  // namespace boxship::tests
