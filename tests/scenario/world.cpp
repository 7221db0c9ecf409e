#include "scenario/world.h"

#include "services/seed.h"
#include "state/doctor.h"

namespace boxship::tests {

World::World(std::shared_ptr<state::MemoryJournalData> journal, Time now)
    : timeline_(4712, now), random_(4712), journal_(std::move(journal))
{
    serve_all(served_);
    act_as("root", "");
    open_store();
}

World::World()
{
    serve_all(served_);
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
    installation_.seal = [](std::string_view plain, std::string_view context) { return std::string(context) + ":" + std::to_string(plain.size()); };
    retention_.reset();
    targets_.reset();
    balance_.reset();
    services_.reset();
    store_ = std::make_unique<state::Store>(env(), state::make_memory_journal(journal_, executor_));
    retention_ = std::make_unique<control::Retention>(*store_);
    targets_ = std::make_unique<control::Targets>(*store_);
    balance_ = std::make_unique<control::Balance>(*store_);
    services_ = std::make_unique<control::Services>(*store_, installation_.fargate_overcommit);
    retention_->follow();
    targets_->follow();
    balance_->follow();
    services_->follow();
    CHECK(store_->load().ok());
    retention_->start();
    targets_->start();
    balance_->start();
    services_->start();
}

void World::restart()
{
    timeline_.run_due();
    executor_.clear();
    open_store();
}

void World::act_as(const std::string& kind, const std::string& name)
{
    principal_ = root_principal();
    if (kind == "host") principal_ = host_principal(name);
    if (kind == "task") principal_ = task_principal(TaskId::parse(name).value_or(TaskId()));
}

void World::change(const std::function<void(state::Txn&)>& work)
{
    bool durable = false;
    store_->update(work, [&](HostResult<> outcome) { durable = outcome.ok(); });
    timeline_.run_due();
    CHECK(durable);
}

Result<std::string> World::call(const std::string& service, const std::string& operation, const std::string& request)
{
    std::optional<Result<std::string>> answered;
    call_api(*store_, served_, installation_, {service, operation, request, principal_}, [&](auto answer) { answered = std::move(answer); });
    timeline_.run_due();
    CHECK(answered.has_value());
    return std::move(*answered);
}

void World::advance(Milliseconds by)
{
    timeline_.run_until(timeline_.now() + by);
}

std::vector<std::string> World::complaints() const { return state::examine(store_->view()); }

}  // namespace boxship::tests
