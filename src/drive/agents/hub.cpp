#include "drive/agents/hub.h"

#include "base/arn.h"
#include "base/log.h"
#include "drive/agents/hub_impl.h"

namespace boxship::drive {

using shape::Json;

AgentHub::Impl::Impl(state::Store& the_store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& the_history,
                     HubOptions the_options)
    : store(the_store), history(the_history), options(std::move(the_options)), acs{the_store, tokens, options}, tasks(threads.executor())
{
    tasks.spawn("agents' heartbeats", [this] { return tick(); });
}

AgentHub::AgentHub(state::Store& store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& history, HubOptions options)
    : impl_(std::make_unique<Impl>(store, threads, tokens, history, std::move(options)))
{
}

AgentHub::~AgentHub() = default;

void AgentHub::follow()
{
    impl_->store.watch([impl = impl_.get()](const state::Changes& changes) {
        for (const auto& change : changes) {
            const auto* after = change.after_as<model::Task>();
            if (!after) continue;
            const auto* before = change.before_as<model::Task>();
            // What concerns the host: that the task is there, that it should end, that it ended.
            if (before && before->instance == after->instance && before->wanted == after->wanted && before->live() == after->live())
                continue;
            const auto session = impl->sessions.find(after->instance);
            if (session == impl->sessions.end()) continue;
            const auto row = std::static_pointer_cast<const model::Task>(change.after);
            if (auto assignment = find_assignment(impl->store.view(), row)) session->second->task_changed(std::move(*assignment));
        }
    });
}

http::Async<> AgentHub::Impl::tick()
{
    for (;;) {
        co_await http::sleep_for(options.heartbeat_interval);
        store.env().executor.post([this] {
            for (const auto& [id, session] : sessions) session->heartbeat();
        });
    }
}

std::optional<InstanceId> instance_of_query(const http::Request& request, std::string_view parameter)
{
    const auto arn = Arn::parse(http::query_value(request.query, parameter).value_or(""));
    if (!arn || !arn->resource.starts_with("container-instance/")) return std::nullopt;
    return InstanceId::parse(arn->resource.substr(arn->resource.rfind('/') + 1));
}

http::Response refuse_upgrade(const AgentHub::Impl::Refusal& refusal)
{
    const Json body = Json::object({{"type", refusal.type}, {"message", Json::object({{"message", refusal.message}})}});
    return http::text_response(refusal.status, body.dump(), "application/json");
}

http::Async<std::optional<AgentHub::Impl::Refusal>> AgentHub::Impl::check(InstanceId instance, std::string host)
{
    auto refusal = std::make_shared<std::optional<Refusal>>();
    std::function<void(std::function<void(HostResult<>)>)> start = [this, instance, host, refusal](std::function<void(HostResult<>)> done) {
        store.update(
            [instance, host, refusal](state::Txn& txn) {
                const auto row = txn.get<model::Instance>(instance);
                if (!row) *refusal = Refusal{"InvalidInstanceException", "The container instance is not known here.", 400};
                else if (row->host_principal != host)
                    *refusal = Refusal{"AccessDeniedException", "These credentials belong to another host.", 403};
                else if (row->status == model::InstanceStatus::inactive)
                    *refusal = Refusal{"InactiveInstanceException", "instance inactive", 400};
            },
            std::move(done));
    };
    const HostResult<> durable = co_await http::from_callback<HostResult<>>(std::move(start));
    if (!durable.ok()) co_return Refusal{"ServerException", durable.error().message, 500};
    co_return *refusal;
}

http::Async<> AgentHub::Impl::serve_acs(http::WebSocket& socket, InstanceId instance, bool send_credentials)
{
    http::Executor executor = co_await http::this_executor();
    const auto session = std::make_shared<AcsSession>(acs, executor, instance, send_credentials);
    std::function<void(std::function<void(HostResult<>)>)> begin = [this, session](std::function<void(HostResult<>)> done) {
        store.update(
            [this, session](state::Txn& txn) {
                session->take_snapshot(txn);
                auto& place = sessions[session->instance()];
                if (place) place->cut();  // only the newest connection counts
                place = session;
            },
            std::move(done));
    };
    const HostResult<> begun = co_await http::from_callback<HostResult<>>(std::move(begin));
    if (begun.ok()) co_await session->run(socket);
    std::function<void(std::function<void(HostResult<>)>)> end = [this, session](std::function<void(HostResult<>)> done) {
        store.update(
            [this, session](state::Txn& txn) {
                const auto place = sessions.find(session->instance());
                if (place == sessions.end() || place->second != session) return;
                sessions.erase(place);
                const auto row = txn.get<model::Instance>(session->instance());
                if (!row || !row->agent_connected) return;
                model::Instance changed = *row;
                changed.agent_connected = false;
                ++changed.version;
                txn.put(std::move(changed));
            },
            std::move(done));
    };
    const HostResult<> ended = co_await http::from_callback<HostResult<>>(std::move(end));
    if (!ended.ok()) log_warning("agent of {}: its disconnection is not noted: {}", to_text(instance), ended.error().message);
}

http::Async<http::Response> AgentHub::accept_acs(const http::Request& request, std::string host)
{
    const auto instance = instance_of_query(request, "containerInstanceArn");
    if (!instance) co_return refuse_upgrade({"InvalidInstanceException", "containerInstanceArn is missing or malformed.", 400});
    const bool send_credentials = http::query_value(request.query, "sendCredentials") == "true";
    const auto refusal = co_await impl_->check(*instance, std::move(host));
    if (refusal) co_return refuse_upgrade(*refusal);
    http::Response response;
    response.upgrade = [impl = impl_.get(), id = *instance, send_credentials](http::WebSocket& socket) {
        return impl->serve_acs(socket, id, send_credentials);
    };
    co_return response;
}

}  // namespace boxship::drive
