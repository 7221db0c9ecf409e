// Our own calls, under /_boxship/v1/: what commands and the console ask that no AWS API answers. JSON in, JSON out.
//
//     Status    {}                                    hosts, tasks, counts, in one picture
//     Explain   {"task": ARN or id, or a service's    why it is pending, stopped, waiting; its events and timings.
//                        ARN or name}                 Of a service what it waits for; its deployments, tasks, events
//     Logs      {"task", "container"?, "follow"?, "tail"?, "since"?}    a stream, one JSON object a line
//     Doctor    {}                                    what is wrong with the rows; nothing, one hopes
//     GiveUpHost {"host": name}                       it will not come back: its instance is deregistered, its tasks are lost;
//                                                     nothing happens while {"connected": true} is the answer
//     SetAlarm  {"name", "state": "ALARM" or "OK", "reason"?}    what deployments look at; nobody here measures anything
//     Alarms    {}                                    as they were set
//     Quotas    {}                                    what may be of each thing, and how much AWS lets there be
//     Suspend   {"reason"}                            nothing is replaced any more; every task is asked to stop
#pragma once

#include <string>

#include "drive/agents/hub.h"
#include "drive/history/history.h"
#include "model/quotas.h"
#include "state/store.h"
#include "wire/http/message.h"

namespace boxship::admin {

struct Facts {
    std::string version;
    std::string endpoint;
    std::string registry_host;
    std::string vpc_cidr;
    model::Scope scope;
    model::Quotas quotas;
};

class Admin {
public:
    Admin(state::Store& store, drive::AgentHub& hub, drive::History& history, Facts facts)
        : store_(store), hub_(hub), history_(history), facts_(std::move(facts))
    {
    }

    // `body` is the whole request body. The caller is root: whoever calls this has made sure.
    http::Async<http::Response> handle(std::string operation, std::string body);

    // The same, on the state's thread: for the server's own start.
    static void resume(state::Txn& txn);

private:
    http::Async<http::Response> status();
    http::Async<http::Response> doctor();
    http::Async<http::Response> explain(shape::Json request);
    http::Async<http::Response> logs(shape::Json request);
    http::Async<http::Response> suspend(shape::Json request);
    http::Async<http::Response> give_up_host(shape::Json request);
    http::Async<http::Response> set_alarm(shape::Json request);
    http::Async<http::Response> alarms();
    http::Response quotas() const;

    state::Store& store_;
    drive::AgentHub& hub_;
    drive::History& history_;
    const Facts facts_;
};

// Shared by the files of this folder.
http::Response json_answer(const shape::Json& json);
http::Response json_error(int status, std::string message);

// One sentence or two: why is it as it is, and what happens next. On the state's thread.
std::string explain_task(const state::View& view, const model::Task& task);
// What an exit code usually means, or "".
std::string exit_code_hint(int code);

// A task by ARN, id, or the unique beginning of an id (six digits at least); nullopt: none, or several.
std::optional<TaskId> find_task(const state::View& view, const std::string& text);

// A service by ARN or by name; nullptr: none, or several clusters have one of the name.
std::shared_ptr<const model::Service> find_service(const state::View& view, const std::string& text);
shape::Json service_json(const state::View& view, const model::Service& service);
// Its deployment's story, its tasks, and what it waits for now.
shape::Json service_story(const state::View& view, const model::Service& service, Time now);

shape::Json task_json(const state::View& view, const model::Task& task);

}  // namespace boxship::admin
