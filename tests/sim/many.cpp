#include "sim/many.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>

#include "shape/json_value.h"

namespace boxship::sim {
namespace {

using shape::Json;

Json to_json(const RunOutcome& outcome)
{
    Json taken = Json::object();
    for (const auto& [name, times] : outcome.taken) taken.set(name, times);
    Json json = Json::object({{"hash", std::to_string(outcome.hash)}, {"next", std::to_string(outcome.next_random)}, {"groups", outcome.groups},
                              {"events", outcome.events}, {"calls", outcome.calls}, {"faults", outcome.faults}, {"taken", taken}});
    if (outcome.failure) {
        json.set("invariant", outcome.failure->invariant);
        json.set("sentence", outcome.failure->sentence);
    }
    return json;
}

struct Child {
    pid_t pid = 0;
    int pipe = -1;
    std::uint64_t seed = 0;
    std::string text;
};

// The child's outcome as JSON; of one that crashed, a failure.
Json outcome_of(const Child& child, int status)
{
    if (auto json = Json::parse(child.text); json.ok() && json->is_object()) return std::move(json).value();
    return Json::object({{"invariant", 0}, {"sentence", fmt::format("the process ended with status {:#x}", status)}});
}

Child begin_child(const RunOptions& options, const std::string& mutant)
{
    int ends[2];
    CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    std::fflush(stdout);
    const pid_t pid = ::fork();
    CHECK(pid >= 0);
    if (pid > 0) {
        ::close(ends[1]);
        return {pid, ends[0], options.seed, ""};
    }
    // A mutant's crash is a finding like another; nobody reads its last words.
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (!mutant.empty()) {
        CHECK(enable_mutant(mutant));
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    }
    const std::string text = to_json(run(options)).dump();
    for (std::size_t at = 0; at < text.size();) {
        const auto n = ::write(ends[1], text.data() + at, text.size() - at);
        if (n <= 0) ::_exit(3);
        at += static_cast<std::size_t>(n);
    }
    ::_exit(0);
}

// Runs seeds, `jobs` at a time, until `each` says that it has seen enough.
void run_seeds(const Batch& batch, const std::string& mutant, const std::function<bool(std::uint64_t seed, const Json& outcome)>& each)
{
    std::vector<Child> children;
    std::uint64_t next = batch.from;
    bool enough = false;
    while (!children.empty() || (!enough && next < batch.from + batch.runs)) {
        while (!enough && children.size() < std::max(1u, batch.jobs) && next < batch.from + batch.runs) {
            const RunOptions options = batch.small ? small_run(next) : RunOptions{.seed = next};
            children.push_back(begin_child(options, mutant));
            ++next;
        }
        std::vector<pollfd> polls;
        for (const Child& child : children) polls.push_back({child.pipe, POLLIN, 0});
        ::poll(polls.data(), polls.size(), -1);
        for (std::size_t at = polls.size(); at-- > 0;) {
            if (!polls[at].revents) continue;
            char buffer[4096];
            const auto n = ::read(children[at].pipe, buffer, sizeof buffer);
            if (n > 0) {
                children[at].text.append(buffer, static_cast<std::size_t>(n));
                continue;
            }
            int status = 0;
            ::waitpid(children[at].pid, &status, 0);
            ::close(children[at].pipe);
            const Child done = std::move(children[at]);
            children.erase(children.begin() + static_cast<std::ptrdiff_t>(at));
            if (!enough) enough = !each(done.seed, outcome_of(done, status));
        }
    }
}

constexpr std::uint64_t mutant_seeds_max = 300;

}  // namespace

RunOptions small_run(std::uint64_t seed) { return {.seed = seed, .groups = 220, .act_one_most = Milliseconds(20 * 60'000)}; }

void print(const RunOptions& options, const RunOutcome& outcome)
{
    if (outcome.failure && !options.aloud)
        for (const auto& line : outcome.story) std::printf("  %s\n", line.c_str());
    if (outcome.failure)
        std::printf("seed %llu: invariant %d: %s\n", static_cast<unsigned long long>(options.seed),
                    outcome.failure->invariant, outcome.failure->sentence.c_str());
    std::printf("seed %llu: %llu groups, %llu calls, %d faults, %llu events, hash %016llx, next %016llx\n", static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(outcome.groups), static_cast<unsigned long long>(outcome.calls), outcome.faults,
                static_cast<unsigned long long>(outcome.events), static_cast<unsigned long long>(outcome.hash), static_cast<unsigned long long>(outcome.next_random));
    if (options.aloud)
        for (const auto& [name, times] : outcome.taken) std::printf("  %-34s %d\n", name.c_str(), times);
}

int run_many(const Batch& batch)
{
    const auto begun = std::chrono::steady_clock::now();
    std::map<std::string, std::uint64_t> taken;
    std::map<std::string, int> kinds;
    std::uint64_t runs = 0, failures = 0, groups = 0, calls = 0, faults = 0;
    std::int64_t groups_least = std::numeric_limits<std::int64_t>::max(), faults_least = groups_least;
    run_seeds(batch, "", [&](std::uint64_t seed, const Json& outcome) {
        constexpr std::uint64_t told_every = 250;
        if (++runs % told_every == 0 && runs < batch.runs)
            std::fprintf(stderr, "%llu of %llu runs, %llu failed\n", static_cast<unsigned long long>(runs),
                         static_cast<unsigned long long>(batch.runs), static_cast<unsigned long long>(failures));
        groups += static_cast<std::uint64_t>(outcome.get_int64("groups"));
        groups_least = std::min(groups_least, outcome.get_int64("groups"));
        faults_least = std::min(faults_least, outcome.get_int64("faults"));
        calls += static_cast<std::uint64_t>(outcome.get_int64("calls"));
        faults += static_cast<std::uint64_t>(outcome.get_int64("faults"));
        for (const auto& [name, times] : outcome["taken"].as_object()) taken[name] += static_cast<std::uint64_t>(times.as_int64());
        std::string sentence = outcome.get_string("sentence");
        // Invariant 16: some seeds twice.
        if (sentence.empty() && seed % 25 == 0) {
            run_seeds({seed, 1, 1, batch.small}, "", [&](std::uint64_t, const Json& again) {
                if (again.get_string("hash") != outcome.get_string("hash") || again.get_string("next") != outcome.get_string("next"))
                    sentence = "the second time it went another way";
                return true;
            });
        }
        if (sentence.empty()) return true;
        ++failures;
        ++kinds[sentence.substr(0, 40)];
        std::printf("seed %llu: invariant %lld: %s\n", static_cast<unsigned long long>(seed), static_cast<long long>(outcome.get_int64("invariant", 16)), sentence.c_str());
        std::fflush(stdout);
        return true;
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("%llu runs from seed %llu: %llu failed; %llu groups, %llu calls, %llu faults in %.1f s\n", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(batch.from), static_cast<unsigned long long>(failures),
                static_cast<unsigned long long>(groups), static_cast<unsigned long long>(calls), static_cast<unsigned long long>(faults), seconds);
    std::printf("at least %lld groups and %lld faults in each\n", static_cast<long long>(groups_least), static_cast<long long>(faults_least));
    std::printf("rare branches taken:\n");
    for (const auto& [name, times] : taken) std::printf("  %-34s %llu\n", name.c_str(), static_cast<unsigned long long>(times));
    if (failures) std::printf("again, with the whole story: boxship-sim --seed N --loud%s\n", batch.small ? " --small" : "");
    return failures ? 1 : 0;
}

int hunt_mutants(unsigned jobs)
{
    int survivors = 0;
    for (const auto& [name, what] : mutants()) {
        std::string found;
        run_seeds({1, mutant_seeds_max, jobs, true}, name, [&](std::uint64_t seed, const Json& outcome) {
            if (outcome.get_string("sentence").empty()) return true;
            found = fmt::format("seed {}, invariant {}: {}", seed, outcome.get_int64("invariant"), outcome.get_string("sentence"));
            return false;
        });
        survivors += found.empty();
        std::printf("%-36s %s\n    %s\n", name.c_str(), what.c_str(), found.empty() ? "NOT FOUND" : found.c_str());
        std::fflush(stdout);
    }
    std::printf("%zu planted bugs, %d not found\n", mutants().size(), survivors);
    return survivors ? 1 : 0;
}

}  // namespace boxship::sim
