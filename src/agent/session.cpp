#include "agent/session.h"

#include <boost/asio/awaitable.hpp>

namespace boxship::agent {

namespace {

Submitter::Call submit_call(http::TaskGroup& group, ApiClient& api)
{
    return [&group, &api](shape::Json input, std::function<void(const Submitter::Answer&)> done) {
        auto text = std::make_shared<shape::Json>(std::move(input));
        group.spawn("report", [&api, text, done = std::move(done)]() -> http::Async<> {
            const auto heard = done;
            const auto answer = co_await api.call("SubmitTaskStateChange", std::move(*text));
            heard(answer);
        });
    };
}

Submitter::Wait wait_on(http::TaskGroup& group)
{
    return [&group](Milliseconds pause, std::function<void()> then) {
        group.spawn("wait", [pause, then = std::move(then)]() -> http::Async<> {
            const auto work = then;
            co_await http::sleep_for(pause);
            work();
        });
    };
}

}  // namespace

Session::Session(http::Executor executor, SessionParts parts, HostFacts facts, std::string instance_arn, ChannelTimes times)
    : group_(executor),
      membership_(parts.api, parts.ledger, parts.clock, parts.random, facts, std::move(instance_arn)),
      submitter_(submit_call(group_, parts.api), wait_on(group_), parts.random, facts.cluster),
      acs_(group_, membership_, parts.api, parts.credentials, parts.board, parts.random, times),
      tcs_(group_, membership_, parts.api, parts.telemetry, parts.workers, parts.clock, parts.random, times),
      control_(group_, membership_, parts.api, parts.logs, parts.on_groups, parts.random, times),
      credentials_(parts.credentials)
{
    parts.board.watch([this, &logs = parts.logs](const TaskView& view) {
        logs.poke();
        tcs_.look_at(view);
    });
}

Session::~Session()
{
    stop();
}

void Session::stop()
{
    group_.cancel();
    group_.join();
    acs_.forget_engine();
}

void Session::start(std::shared_ptr<Engine> engine)
{
    group_.spawn("control plane", [this, engine]() -> http::Async<> {
        Session& self = *this;
        std::shared_ptr<Engine> tasks = engine;
        co_await self.membership_.join();
        self.group_.spawn("telemetry channel", [&self]() { return self.tcs_.run(); });
        self.group_.spawn("control channel", [&self]() { return self.control_.run(); });
        co_await self.acs_.run(std::move(tasks));
    });
}

void Session::submit(TaskReport report, std::function<void()> heard)
{
    if (report.life == Life::stopped) credentials_.drop_task(report.task);
    group_.spawn("report", [this, report = std::move(report), heard = std::move(heard)]() -> http::Async<> {
        submitter_.submit(report, heard);
        co_return;
    });
}

void Session::launched(const std::string& task_arn, const std::vector<Phase>& phases)
{
    control_.timings(task_arn, phases);
}

void Session::ended(const std::string& task_arn, const std::vector<OomKills>& kills)
{
    control_.oom_kills(task_arn, kills);
    control_.last_lines(task_arn);
}

}  // namespace boxship::agent
