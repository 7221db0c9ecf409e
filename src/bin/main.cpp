// boxship: one program, a file per subcommand.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/similar.h"
#include "bin/commands.h"

namespace boxship::bin {
namespace {

std::vector<Command> commands()
{
    return {up_command(),     down_command(),   status_command(), instances_command(), env_command(),     explain_command(), alarm_command(),
            quotas_command(), logs_command(),   doctor_command(), server_command(), agent_command(),     balancer_command(), version_command()};
}

// The command that is two letters away at most; "" when none is.
std::string most_like(const std::string& word)
{
    std::string name;
    std::size_t least = 3;
    for (const auto& command : commands()) {
        const std::size_t edits = edits_between(word, command.name);
        if (!command.listed || edits >= std::min(least, word.size())) continue;
        least = edits;
        name = command.name;
    }
    return name;
}

void print_overview()
{
    fmt::print("boxship: Amazon ECS, ECR and Fargate on your own machines\n\n");
    for (const auto& command : commands())
        if (command.listed) fmt::print("    {:<10} {}\n", command.name, command.usage.summary);
    fmt::print("\nStart with: boxship up --detach; then eval \"$(boxship env)\". Each command explains itself: boxship COMMAND --help\n");
}

int run(const std::vector<std::string>& words)
{
    if (words.empty() || words[0] == "--help" || words[0] == "help" || words[0] == "-h") {
        print_overview();
        return words.empty() ? 2 : 0;
    }
    for (const auto& command : commands()) {
        if (command.name != words[0]) continue;
        const auto options = Options::parse(command.usage, {words.begin() + 1, words.end()});
        if (!options.ok()) {
            fmt::print(stderr, "boxship {}: {}\n", command.name, options.error().message);
            return 2;
        }
        if (options->has("--help")) {
            print_help(command.usage);
            return 0;
        }
        return command.run(*options);
    }
    const std::string meant = most_like(words[0]);
    fmt::print(stderr, "boxship: there is no command '{}';{} 'boxship help' lists them\n", words[0], meant.empty() ? "" : " do you mean '" + meant + "'?");
    return 2;
}

}  // namespace

int fail(const std::string& sentence)
{
    fmt::print(stderr, "boxship: {}\n", sentence);
    return 1;
}

int fail(const HostError& error) { return fail(error.message); }

}  // namespace boxship::bin

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    return boxship::bin::run(std::vector<std::string>(argv + 1, argv + argc));
}
