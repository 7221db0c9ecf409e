// boxship quotas: how much of each thing there may be.
#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/show.h"

namespace boxship::bin {
namespace {

using shape::Json;

int run_quotas(const Options& options)
{
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto answer = api.own("Quotas", Json::object());
    if (!answer.ok()) return fail(answer.error());
    if (options.json()) {
        fmt::print("{}\n", answer->dump_pretty());
        return 0;
    }
    Table table({"NAME", "VALUE", "AWS", "CODE", "WHAT"});
    for (const Json& quota : (*answer)["quotas"].as_array()) {
        const auto value = quota.get_int64("value"), standard = quota.get_int64("default");
        table.add({quota.get_string("name"), std::to_string(value), value == standard ? "the same" : std::to_string(standard),
                   quota.get_string("code").empty() ? "-" : quota.get_string("code"), quota.get_string("title")});
    }
    table.print();
    return 0;
}

}  // namespace

Command quotas_command()
{
    return {"quotas",
            {"boxship quotas [--json]",
             "Show the service quotas",
             {},
             {"sudo boxship up --detach --quota ec2/vpcs=20 --quota L-53DA6B97=100", "boxship quotas"}},
            run_quotas};
}

}  // namespace boxship::bin
