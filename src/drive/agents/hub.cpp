#include "drive/agents/hub.h"

#include "base/arn.h"
#include "base/log.h"
#include "drive/agents/acs_connection.h"
#include "drive/agents/hub_impl.h"

namespace boxship::drive {

using shape::Json;

AgentHub::Impl::Impl(state::Store& the_store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& the_history,
                     HubOptions the_options)
    : store(the_store), history(the_history), options(std::move(the_options)), acs{the_store, tokens, options}, sessions(the_store),
      groups(the_store), tasks(threads.executor())
{
    tasks.spawn("agents' heartbeats", [this] { return tick(); });
}

AgentHub::AgentHub(state::Store& store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& history, HubOptions options)
    : impl_(std::make_unique<Impl>(store, threads, tokens, history, std::move(options)))
{
}

AgentHub::~AgentHub() = default;

GroupFeed& AgentHub::groups() { return impl_->groups; }

void AgentHub::follow()
{
    impl_->sessions.follow();
    impl_->groups.follow();
}

http::Async<> AgentHub::Impl::tick()
{
    for (;;) {
        co_await http::sleep_for(options.heartbeat_interval);
        store.env().executor.post([this] { sessions.heartbeat(); });
    }
}

std::optional<InstanceId> instance_of_query(const http::Request& request, std::string_view parameter)
{
    const auto arn = Arn::parse(http::query_value(request.query, parameter).value_or(""));
    if (!arn || !arn->resource.starts_with("container-instance/")) return std::nullopt;
    return InstanceId::parse(arn->resource.substr(arn->resource.rfind('/') + 1));
}

http::Response refuse_upgrade(const Sessions::Refusal& refusal)
{
    const Json body = Json::object({{"type", refusal.type}, {"message", Json::object({{"message", refusal.message}})}});
    return http::text_response(refusal.status, body.dump(), "application/json");
}

http::Async<std::optional<AgentHub::Impl::Refusal>> AgentHub::Impl::check(InstanceId instance, std::string host)
{
    auto refusal = std::make_shared<std::optional<Refusal>>();
    std::function<void(std::function<void(HostResult<>)>)> start = [this, instance, host, refusal](std::function<void(HostResult<>)> done) {
        store.update(
            [instance, host, refusal](state::Txn& txn) { *refusal = Sessions::check(txn, instance, host); },
            std::move(done));
    };
    const HostResult<> durable = co_await http::from_callback<HostResult<>>(std::move(start));
    if (!durable.ok()) co_return Refusal{"ServerException", durable.error().message, 500};
    co_return *refusal;
}

http::Async<> AgentHub::Impl::serve_acs(http::WebSocket& socket, InstanceId instance, bool send_credentials)
{
    http::Executor executor = co_await http::this_executor();
    const auto connection = std::make_shared<AcsConnection>(executor);
    const auto conversation = std::make_shared<AcsConversation>(acs, connection, instance, send_credentials);
    std::function<void(std::function<void(HostResult<>)>)> begin = [this, conversation](std::function<void(HostResult<>)> done) {
        store.update([this, conversation](state::Txn& txn) { sessions.begin(txn, conversation); }, std::move(done));
    };
    const HostResult<> begun = co_await http::from_callback<HostResult<>>(std::move(begin));
    if (begun.ok()) co_await connection->run(socket, conversation);
    for (;;) {
        std::function<void(std::function<void(HostResult<>)>)> end = [this, conversation](std::function<void(HostResult<>)> done) {
            store.update([this, conversation](state::Txn& txn) { sessions.end(txn, conversation); }, std::move(done));
        };
        const HostResult<> ended = co_await http::from_callback<HostResult<>>(std::move(end));
        if (ended.ok()) co_return;
        log_warning("agent of {}: its disconnection is not noted: {}; trying again", to_text(instance), ended.error().message);
        co_await http::sleep_for(Milliseconds(1000));
    }
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
