// boxship env: what points AWS clients here.
#include <cstdio>

#include <fmt/format.h>

#include "base/strings.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "env/real/process.h"

namespace boxship::bin {
namespace {

std::string quoted(const std::string& text)
{
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

// AWS_ENDPOINT_URL is understood since 2.13 (and 1.29). An older CLI would talk to the real AWS.
bool cli_ignores_endpoint_variable()
{
    const auto version = env::run_process({"aws", "--version"}, Milliseconds(20000));
    if (!version.ok()) return false;  // no CLI: nothing to wrap
    const std::string text = version->out + version->err;
    int major = 0, minor = 0;
    if (std::sscanf(text.c_str(), "aws-cli/%d.%d", &major, &minor) != 2) return true;
    return major < 2 ? minor < 29 : major == 2 && minor < 13;
}

int run_env(const Options& options)
{
    const DataDirectory data(options.data_directory());
    const auto connection = data.connection();
    if (!connection.ok()) return fail(connection.error());
    const std::string shell = options.json() ? "json" : options.get("--shell", "bash");
    const std::vector<std::pair<std::string, std::string>> variables = {
        {"AWS_ENDPOINT_URL", connection->endpoint},
        {"AWS_ACCESS_KEY_ID", connection->credentials.access_key_id},
        {"AWS_SECRET_ACCESS_KEY", connection->credentials.secret_access_key},
        {"AWS_REGION", connection->region},
        {"AWS_DEFAULT_REGION", connection->region},
    };
    if (shell == "json") {
        shape::Json json = shape::Json::object();
        for (const auto& [name, value] : variables) json.set(name, value);
        fmt::print("{}\n", json.dump_pretty());
        return 0;
    }
    const bool wrap = cli_ignores_endpoint_variable();
    if (shell == "bash" || shell == "zsh" || shell == "sh") {
        for (const auto& [name, value] : variables) fmt::print("export {}={}\n", name, quoted(value));
        fmt::print("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
        if (wrap) fmt::print("aws() {{ command aws --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"; }}\n");
    } else if (shell == "fish") {
        for (const auto& [name, value] : variables) fmt::print("set -gx {} {}\n", name, quoted(value));
        fmt::print("set -e AWS_SESSION_TOKEN; set -e AWS_PROFILE\n");
        if (wrap) fmt::print("function aws; command aws --endpoint-url $AWS_ENDPOINT_URL $argv; end\n");
    } else {
        fmt::print(stderr, "boxship env: --shell must be bash, fish or json, not '{}'\n", shell);
        return 2;
    }
    return 0;
}

}  // namespace

Command env_command()
{
    return {"env",
            {"boxship env [--shell bash|fish|json]",
             "Print what points AWS clients here",
             {{"--shell", "NAME", "bash (default), fish or json"}},
             {"eval \"$(boxship env)\"", "boxship env --shell fish | source"}},
            run_env};
}

}  // namespace boxship::bin
