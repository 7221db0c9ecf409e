// boxship-sim: the brain and its agents on virtual time, with faults. docs/simulation.md says how to read a failure.
//
//     boxship-sim --seed N [--loud] [--small]      one run, in this process
//     boxship-sim --runs K [--from N] [--jobs J] [--small]
//     boxship-sim --mutants                        planted bugs: which seed finds each, and how
#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "sim/many.h"

namespace boxship::sim {
namespace {

struct Arguments {
    std::uint64_t seed = 0, runs = 0, from = 1;
    unsigned jobs = 2;
    bool loud = false, small = false, mutants = false;
    std::string mutant;
};

bool read(int count, char** words, Arguments& out)
{
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        if (word == "--loud" || word == "--small" || word == "--mutants") {
            (word == "--loud" ? out.loud : word == "--small" ? out.small : out.mutants) = true;
            continue;
        }
        if (++at == count) return false;
        const std::string_view value = words[at];
        if (word == "--mutant") {
            out.mutant = value;
            continue;
        }
        std::uint64_t number = 0;
        if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc()) return false;
        if (word == "--seed") out.seed = number;
        else if (word == "--runs") out.runs = number;
        else if (word == "--from") out.from = number;
        else if (word == "--jobs") out.jobs = static_cast<unsigned>(number);
        else return false;
    }
    return out.seed || out.runs || out.mutants;
}

int one(const Arguments& arguments)
{
    RunOptions options = arguments.small ? small_run(arguments.seed) : RunOptions{.seed = arguments.seed};
    options.aloud = arguments.loud;
    const RunOutcome outcome = run(options);
    print(options, outcome);
    return outcome.failure ? 1 : 0;
}

}  // namespace
}  // namespace boxship::sim

int main(int count, char** words)
{
    using namespace boxship::sim;
    Arguments arguments;
    if (!read(count, words, arguments)) {
        std::fprintf(stderr, "boxship-sim --seed N [--loud] [--small] | --runs K [--from N] [--jobs J] [--small] | --mutants\n");
        return 2;
    }
    // A run is over in a second and its process with it: nothing is given back to the kernel meanwhile.
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    ::mallopt(M_TOP_PAD, 16 << 20);
    boxship::set_log_level(static_cast<boxship::LogLevel>(arguments.loud ? 0 : 9));
    if (!arguments.mutant.empty() && !enable_mutant(arguments.mutant)) {
        std::fprintf(stderr, "there is no mutant called %s\n", arguments.mutant.c_str());
        return 2;
    }
    if (arguments.mutants) return hunt_mutants(arguments.jobs);
    if (arguments.seed) return one(arguments);
    return run_many({arguments.from, arguments.runs, arguments.jobs, arguments.small});
}
