#include "drive/agents/control_session.h"

#include "base/log.h"
#include "drive/agents/hub_impl.h"
#include "model/arns.h"

namespace boxship::drive {

using shape::Json;

namespace {
Json end_with(const char* error) { return Json::object({{"end", true}, {"error", error}}); }
}  // namespace

http::Async<> ControlSession::run(http::WebSocket& socket)
{
    socket_ = &socket;
    for (;;) {
        const auto text = co_await socket.read();
        if (!text.ok() || !*text) break;
        const auto frame = Json::parse(**text);
        if (!frame.ok()) {
            log_warning("control channel of {}: a frame that is not JSON: {}", to_text(instance_), frame.error());
            continue;
        }
        if (!frame->has("id")) {
            said_(*frame);
            continue;
        }
        const std::int64_t id = frame->get_int64("id");
        const auto waiting = waiting_.find(id);
        if (waiting == waiting_.end()) continue;  // cancelled meanwhile
        const bool more = waiting->second(*frame);
        if (frame->get_bool("end")) {
            waiting_.erase(waiting);
        } else if (!more) {
            waiting_.erase(waiting);
            send(Json::object({{"id", id}, {"kind", "cancel"}}));
        }
    }
    socket_ = nullptr;
    ended_ = true;
    for (auto& [id, each] : waiting_) each(end_with("the task's host lost its connection"));
    waiting_.clear();
}

void ControlSession::ask(Json request, Each each)
{
    http::post(executor_, [self = shared_from_this(), request = std::move(request), each = std::move(each)]() mutable {
        if (self->ended_ || !self->socket_) {
            each(end_with("the task's host is not connected"));
            return;
        }
        request.set("id", ++self->last_id_);
        self->waiting_.emplace(self->last_id_, std::move(each));
        self->send(request);
    });
}

void ControlSession::tell(Json frame)
{
    http::post(executor_, [self = shared_from_this(), frame = std::move(frame)] { self->send(frame); });
}

void ControlSession::send(const Json& frame)
{
    if (!socket_) return;
    http::spawn(executor_, [](std::shared_ptr<ControlSession> self, std::string text) -> http::Async<> {
        if (self->socket_) (void)co_await self->socket_->send(std::move(text));  // a failure shows in run() too
    }(shared_from_this(), frame.dump()), "send to an agent");
}

void ControlSession::cut()
{
    http::post(executor_, [self = shared_from_this()] {
        if (self->socket_) self->socket_->cut();
    });
}

http::Async<> AgentHub::Impl::serve_control(http::WebSocket& socket, InstanceId instance)
{
    http::Executor executor = co_await http::this_executor();
    ControlSession::Said said = [this](const Json& frame) {
        const auto task = model::task_of_arn(frame.get_string("taskArn"));
        if (!task) return;
        const std::string kind = frame.get_string("kind");
        if (kind == "timings") history.timings(*task, frame["phases"]);
        if (kind == "oomKills") history.oom_kills(*task, frame["containers"]);
        if (kind == "lastLines") history.last_lines(*task, frame["lines"]);
    };
    const auto session = std::make_shared<ControlSession>(executor, instance, std::move(said));
    store.env().executor.post([this, session] {
        auto& place = controls[session->instance()];
        if (place) place->cut();
        place = session;
        groups.add(session.get(), [session](const Json& frame) { session->tell(frame); });
    });
    co_await session->run(socket);
    store.env().executor.post([this, session] {
        groups.remove(session.get());
        const auto place = controls.find(session->instance());
        if (place != controls.end() && place->second == session) controls.erase(place);
    });
}

http::Async<http::Response> AgentHub::accept_control(const http::Request& request, std::string host)
{
    const auto instance = instance_of_query(request, "containerInstanceArn");
    if (!instance) co_return refuse_upgrade({"InvalidInstanceException", "containerInstanceArn is missing or malformed.", 400});
    const auto refusal = co_await impl_->check(*instance, std::move(host));
    if (refusal) co_return refuse_upgrade(*refusal);
    http::Response response;
    response.upgrade = [impl = impl_.get(), id = *instance](http::WebSocket& socket) { return impl->serve_control(socket, id); };
    co_return response;
}

void AgentHub::ask_agent(const InstanceId& instance, Json request, ControlSession::Each each)
{
    impl_->store.env().executor.post([impl = impl_.get(), instance, request = std::move(request), each = std::move(each)]() mutable {
        const auto session = impl->controls.find(instance);
        if (session == impl->controls.end()) each(end_with("the task's host is not connected"));
        else session->second->ask(std::move(request), std::move(each));
    });
}

}  // namespace boxship::drive
