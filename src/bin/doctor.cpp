// boxship doctor: what is wrong with the state, and what the host has and lacks.
#include <unistd.h>

#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/programs.h"
#include "runtime/host_profile.h"

namespace boxship::bin {
namespace {

using shape::Json;

int examine_state(const Options& options)
{
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto answer = api.own("Doctor", Json::object());
    if (!answer.ok()) return fail(answer.error());
    const auto& findings = (*answer)["findings"].as_array();
    if (options.json()) {
        fmt::print("{}\n", answer->dump_pretty());
    } else if (findings.empty()) {
        fmt::print("The state is sound: {} rows examined.\n", answer->get_int64("rows"));
    } else {
        for (const Json& finding : findings) fmt::print("{}\n", finding.as_string());
    }
    if (findings.empty()) return 0;
    return options.json() ? 1 : fail(fmt::format("{} findings; please report them with the journal's size and the server's log", findings.size()));
}

const char* word(runtime::HostFinding::Grade grade)
{
    switch (grade) {
    case runtime::HostFinding::Grade::good: return "good";
    case runtime::HostFinding::Grade::limited: return "limited";
    case runtime::HostFinding::Grade::missing: return "missing";
    }
    return "";
}

int examine_host(const Options& options)
{
    if (::geteuid() != 0) return fail("examining the host needs root; run this with sudo");
    const auto profile = probe_this_host();
    if (options.json()) {
        Json findings = Json::array();
        for (const auto& finding : profile.findings)
            findings.push_back(Json::object({{"subject", finding.subject}, {"value", finding.value}, {"grade", word(finding.grade)}, {"advice", finding.advice}}));
        fmt::print("{}\n", Json::object({{"usable", profile.usable()}, {"findings", std::move(findings)}}).dump_pretty());
    } else {
        fmt::print("{}", runtime::to_table(profile));
    }
    return profile.usable() ? 0 : 1;
}

int run_doctor(const Options& options)
{
    if (options.words().empty()) return examine_state(options);
    if (options.words().size() != 1 || options.words()[0] != "host") {
        fmt::print(stderr, "boxship doctor: only 'host' may follow: boxship doctor [host]\n");
        return 2;
    }
    return examine_host(options);
}

}  // namespace

Command doctor_command()
{
    return {"doctor",
            {"boxship doctor [host]", "Examine the state, or what the host has and lacks", {}, {"boxship doctor", "sudo boxship doctor host"}},
            run_doctor};
}

}  // namespace boxship::bin
