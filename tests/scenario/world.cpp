#include "scenario/world.h"

#include "decide/retention.h"
#include "services/seed.h"
#include "shape/check.h"
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

void ManualExecutor::run()
{
    while (!queue_.empty()) {
        auto work = std::move(queue_.front());
        queue_.pop_front();
        work();
    }
}

World::World()
{
    services::serve_ecs(served_);
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
    store_ = std::make_unique<state::Store>(env(), state::make_memory_journal(journal_, executor_));
    CHECK(store_->load().ok());
}

void World::restart()
{
    executor_.run();
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
    RETURN_IF_ERROR(services::may_call(*served, principal_));

    const auto& info = *served->info;
    std::vector<std::max_align_t> storage(info.request->size / sizeof(std::max_align_t) + 1);
    void* record = storage.data();
    std::memset(record, 0, storage.size() * sizeof(std::max_align_t));
    const std::unique_ptr<void, std::function<void(void*)>> owner(record, [&](void* data) { shape::destroy_record(*info.request, data); });
    std::vector<shape::UnknownEnum> unknown;
    RETURN_IF_ERROR(shape::read_json(request, shape::RecordRef(*info.request, record), &unknown));
    RETURN_IF_ERROR(shape::validate(*info.service, shape::ConstRecordRef(*info.request, record), unknown));
    RETURN_IF_ERROR(services::check_refused(*served, record));

    Result<services::ServedOperation::Render> render = ApiError{};
    change([&](state::Txn& txn) {
        const services::Call call{.now = clock_.now(), .ids = random_, .principal = principal_, .scope = {"000000000000", "us-east-1"},
                                  .request_id = "request", .source = "127.0.0.1", .installation = installation_};
        render = served->run(txn, call, record);
        if (!render.ok()) txn.roll_back();
    });
    if (!render.ok()) return std::move(render).error();
    const auto response = (*render)();
    return shape::write_json(shape::ConstRecordRef(*info.response, response.get()));
}

void World::advance(Milliseconds by)
{
    clock_.advance(by);
    for (bool more = true; more;) {
        const auto expired = decide::plan_retention(view(), clock_.now());
        more = !expired.empty();
        change([&](state::Txn& txn) {
            for (const auto& id : expired.tasks) txn.erase<model::Task>(id);
            for (const auto& id : expired.tokens) txn.erase<model::ClientToken>(id);
            for (const auto& id : expired.instances) txn.erase<model::Instance>(id);
            for (const auto& id : expired.definitions) txn.erase<model::TaskDefinition>(id);
        });
    }
}

std::vector<std::string> World::complaints() const { return state::examine(store_->view()); }

}  // namespace boxship::tests
