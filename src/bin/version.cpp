#include <fmt/format.h>

#include "bin/commands.h"
#include "shape/json_value.h"
#include "state/journal.h"

namespace boxship::bin {
namespace {

int run_version(const Options& options)
{
    if (options.json())
        fmt::print("{}\n", shape::Json::object({{"version", BOXSHIP_VERSION}, {"journalFormat", state::journal_format}}).dump_pretty());
    else
        fmt::print("boxship {} (journal format {})\n", BOXSHIP_VERSION, state::journal_format);
    return 0;
}

}  // namespace

Command version_command()
{
    return {"version", {"boxship version", "Print the version", {}, {}}, run_version};
}

}  // namespace boxship::bin
