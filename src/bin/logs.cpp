// boxship logs: what a task's containers print.
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "env/real/real_env.h"

namespace boxship::bin {
namespace {

using shape::Json;

// "10m" → ten minutes before now.
std::optional<Time> parse_since(const std::string& text, Time now)
{
    long count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end + 1 != text.data() + text.size() || count < 0) return std::nullopt;
    switch (*end) {
    case 's': return now - std::chrono::seconds(count);
    case 'm': return now - std::chrono::minutes(count);
    case 'h': return now - std::chrono::hours(count);
    case 'd': return now - std::chrono::hours(24 * count);
    default: return std::nullopt;
    }
}

// One object a line comes in; pieces may end anywhere.
class Printer {
public:
    explicit Printer(bool raw, bool with_names) : raw_(raw), with_names_(with_names) {}

    HostResult<> take(std::string_view piece)
    {
        pending_ += piece;
        for (auto end = pending_.find('\n'); end != pending_.npos; end = pending_.find('\n')) {
            const std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            RETURN_IF_ERROR(print(line));
        }
        std::fflush(stdout);
        return {};
    }
    const std::string& error() const { return error_; }

private:
    HostResult<> print(const std::string& text)
    {
        const auto frame = Json::parse(text);
        if (!frame.ok()) return HostError{"the platform's answer is not JSON: " + frame.error()};
        if (frame->has("error")) error_ = frame->get_string("error");
        for (const Json& line : (*frame)["lines"].as_array()) {
            if (raw_) {
                fmt::print("{}\n", line.dump());
                continue;
            }
            std::FILE* out = line.get_string("stream") == "stderr" ? stderr : stdout;
            if (with_names_) fmt::print(out, "{} | ", line.get_string("container"));
            fmt::print(out, "{}\n", line.get_string("text"));
        }
        return {};
    }

    const bool raw_;
    const bool with_names_;
    std::string pending_;
    std::string error_;
};

int run_logs(const Options& options)
{
    // "-f" is the flag everybody's fingers know.
    if (options.words().size() != 1) {
        fmt::print(stderr, "boxship logs: name one task: boxship logs TASK[/CONTAINER]\n");
        return 2;
    }
    env::RealClock clock;
    std::string task = options.words()[0];
    Json request = Json::object();
    // An ARN holds slashes itself: a container stands behind a task id only.
    const auto slash = task.rfind('/');
    if (slash != task.npos && !task.starts_with("arn:")) {
        request.set("container", task.substr(slash + 1));
        task.resize(slash);
    }
    request.set("task", task);
    request.set("follow", options.has("-f") || options.has("--follow"));
    if (options.has("--since")) {
        const auto since = parse_since(options.get("--since"), clock.now());
        if (!since) {
            fmt::print(stderr, "boxship logs: --since must be a duration such as 90s, 10m or 2h, not '{}'\n", options.get("--since"));
            return 2;
        }
        request.set("since", since->ms);
    }
    const auto tail = options.number("--tail", -1, 0, 1'000'000);
    if (!tail.ok()) {
        fmt::print(stderr, "boxship logs: {}\n", tail.error().message);
        return 2;
    }
    if (*tail >= 0) request.set("tail", *tail);
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    Printer printer(options.json(), !request.has("container"));
    const auto done = api.own_stream("Logs", request, [&](std::string_view piece) { return printer.take(piece); });
    if (!done.ok()) return fail(done.error());
    if (!printer.error().empty()) return fail(printer.error());
    return 0;
}

}  // namespace

Command logs_command()
{
    return {"logs",
            {"boxship logs TASK[/CONTAINER] [-f] [--since T] [--tail N]",
             "Print what a task's containers write",
             {{"-f", "", "go on as they write"},
              {"--follow", "", "the same"},
              {"--since", "T", "only the last 90s, 10m, 2h …"},
              {"--tail", "N", "only the last N lines"}},
             {"boxship logs 0123456789ab -f", "boxship logs 0123456789ab/web --since 10m"}},
            run_logs};
}

}  // namespace boxship::bin
