// boxship alarm: the alarms that deployments look at (deploymentConfiguration.alarms). Nobody here measures anything: whoever
// does sets them.
#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"

namespace boxship::bin {
namespace {

using shape::Json;

int list(const Options& options, ApiClient& api)
{
    const auto answer = api.own("Alarms", Json::object());
    if (!answer.ok()) return fail(answer.error());
    if (options.json()) {
        fmt::print("{}\n", answer->dump_pretty());
        return 0;
    }
    if ((*answer)["alarms"].as_array().empty()) fmt::print("No alarm has been set.\n");
    for (const Json& alarm : (*answer)["alarms"].as_array())
        fmt::print("{:<6} {}{}{}\n", alarm.get_string("state"), alarm.get_string("name"), alarm.get_string("reason").empty() ? "" : "  ", alarm.get_string("reason"));
    return 0;
}

int run_alarm(const Options& options)
{
    const auto& words = options.words();
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    if (words.empty()) return list(options, api);
    if (words.size() != 3 || words[0] != "set" || (words[2] != "ALARM" && words[2] != "OK")) {
        fmt::print(stderr, "boxship alarm: name the alarm and its state: boxship alarm set NAME ALARM, or OK\n");
        return 2;
    }
    const auto answer = api.own("SetAlarm", Json::object({{"name", words[1]}, {"state", words[2]}, {"reason", options.get("--reason", "")}}));
    if (!answer.ok()) return fail(answer.error());
    if (options.json()) fmt::print("{}\n", Json::object({{"name", words[1]}, {"state", words[2]}}).dump_pretty());
    else fmt::print("{} is {}\n", words[1], words[2]);
    return 0;
}

}  // namespace

Command alarm_command()
{
    return {"alarm",
            {"boxship alarm [set NAME ALARM|OK]",
             "List or set the alarms that deployments look at",
             {{"--reason", "TEXT", "why, for people"}},
             {"boxship alarm set too-many-errors ALARM --reason \"5xx above 1 %\"", "boxship alarm"}},
            run_alarm};
}

}  // namespace boxship::bin
