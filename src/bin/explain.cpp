// boxship explain: why is a task as it is, from its permanent history; what a service waits for.
#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/show.h"
#include "env/real/real_env.h"

namespace boxship::bin {
namespace {

using shape::Json;

void print_last_lines(const Json::Array& lines)
{
    if (lines.empty()) return;
    fmt::print("\nIts last lines\n");
    for (const Json& line : lines)
        fmt::print("  {} {}  {}\n", line.get_string("container"), line.get_string("stream") == "stderr" ? "!" : "|", line.get_string("text"));
}

void print_explanation(const Json& answer, Time now)
{
    const Json& task = answer["task"];
    fmt::print("Task {}  {}  {}\n", task.get_string("id", task.get_string("taskId")), task.get_string("definition"), task.get_string("lastStatus"));
    fmt::print("{}\n", answer.get_string("why"));
    if (!answer["containers"].as_array().empty()) {
        fmt::print("\n");
        Table containers({"CONTAINER", "STATUS", "EXIT", "IMAGE", "REASON"});
        for (const Json& container : answer["containers"].as_array())
            containers.add({container.get_string("name"), container.get_string("lastStatus"),
                            container.has("exitCode") ? std::to_string(container.get_int64("exitCode")) : "-",
                            container.get_string("image"), container.get_string("reason", "-")});
        containers.print();
    }
    fmt::print("\nWhat happened\n");
    for (const Json& event : answer["events"].as_array())
        fmt::print("  {}  {}\n", show_time(Time{event.get_int64("time")}, now), event.get_string("text"));
    for (const auto& [container, processes] : answer["oomKills"].as_object())
        fmt::print("  The kernel killed {} of the processes of {} for want of memory.\n", processes.as_int64(), container);
    print_last_lines(answer["lastLines"].as_array());
    if (answer["timings"].as_array().empty()) return;
    fmt::print("\nThe launch, as its host measured it\n");
    std::int64_t first = answer["timings"].as_array().front().get_int64("startMs");
    for (const Json& phase : answer["timings"].as_array()) first = std::min(first, phase.get_int64("startMs"));
    for (const Json& phase : answer["timings"].as_array())
        fmt::print("  {:>6} ms  +{:<8.1f} {}\n", phase.get_int64("startMs") - first, phase.get_double("ms"), phase.get_string("name"));
}

// A service's story.
void print_story(const Json& answer, Time now)
{
    const Json& service = answer["service"];
    fmt::print("Service {}  {}  {}  {} of {} tasks run\n", service.get_string("name"), service.get_string("definition"), service.get_string("status"),
               service.get_int64("running"), service.get_int64("desired"));
    if (const std::string why = answer.get_string("why"); !why.empty()) fmt::print("{}\n", why);
    fmt::print("\n");
    Table deployments({"DEPLOYMENT", "STATUS", "DEFINITION", "SINCE"});
    for (const Json& deployment : answer["deployments"].as_array())
        deployments.add({deployment.get_string("id"), deployment.get_string("status"), deployment.get_string("definition"),
                         show_age(now - Time{deployment.get_int64("createdAt")})});
    deployments.print();
    if (!answer["tasks"].as_array().empty()) {
        fmt::print("\n");
        Table tasks({"TASK", "STATUS", "HEALTH", "TARGETS", "DEFINITION", "HOST", "SINCE"});
        for (const Json& task : answer["tasks"].as_array()) {
            const bool stopping = task.get_string("desiredStatus") == "STOPPED";
            tasks.add({task.get_string("id").substr(0, 12), task.get_string("lastStatus") + (stopping ? " (stopping)" : ""), task.get_string("health"),
                       task.get_string("targets", "-"), task.get_string("definition"), task.get_string("host"), show_age(now - Time{task.get_int64("startedAt", task.get_int64("createdAt"))})});
        }
        tasks.print();
    }
    fmt::print("\nWhat happened\n");
    for (const Json& event : answer["events"].as_array())
        fmt::print("  {}  {}\n", show_time(Time{event.get_int64("time")}, now), event.get_string("text"));
}

int run_explain(const Options& options)
{
    if (options.words().size() != 1) {
        fmt::print(stderr, "boxship explain: name a task or a service: boxship explain TASK|SERVICE (its ARN, its id or name)\n");
        return 2;
    }
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto answer = api.own("Explain", Json::object({{"task", options.words()[0]}}));
    if (!answer.ok()) return fail(answer.error());
    env::RealClock clock;
    if (options.json()) fmt::print("{}\n", answer->dump_pretty());
    else if (answer->has("service")) print_story(*answer, clock.now());
    else print_explanation(*answer, clock.now());
    return 0;
}

}  // namespace

Command explain_command()
{
    return {"explain",
            {"boxship explain TASK|SERVICE [--json]",
             "Say why a task or a service is as it is, what it waits for, what happened",
             {},
             {"boxship explain 0123456789ab", "boxship explain web", "boxship explain arn:aws:ecs:us-east-1:000000000000:task/default/0123…"}},
            run_explain};
}

}  // namespace boxship::bin
