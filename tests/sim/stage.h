// What everything in a simulated run shares: time, chance, the story so far, and the first thing that went wrong.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "world/timeline.h"

namespace boxship::sim {

using tests::Lane;
using tests::SeededRandom;
using tests::Timeline;
using tests::VirtualClock;

class Stage : public env::Faults {
public:
    explicit Stage(std::uint64_t seed) : timeline(seed), random(seed * 2 + 1), fate(timeline, "fate"), many_checkpoints_(seed % 4 == 0) {}

    Timeline timeline;
    SeededRandom random;            // of the world: delays and faults. Processes and workloads have their own.
    Lane fate;                      // what happens to machines, processes and wires
    bool faults_on = true;

    // The branch called `name` is taken one time in `one_in`, and counted. Never once the faults are over.
    bool unlucky(const char* name, std::uint64_t one_in)
    {
        if (!faults_on || !random.chance(one_in)) return false;
        ++taken[name];
        return true;
    }
    bool hit(const char* name) override;    // env.faults of every process

    template <class... Args>
    void note(fmt::format_string<Args...> format, Args&&... args)
    {
        tell(fmt::format(format, std::forward<Args>(args)...));
    }
    // An invariant does not hold. The first one counts.
    template <class... Args>
    void fail(int invariant, fmt::format_string<Args...> format, Args&&... args)
    {
        if (failure) return;
        failure = Failure{invariant, fmt::format(format, std::forward<Args>(args)...)};
        note("FAILED: {}", failure->sentence);
    }
    void mix(std::string_view bytes)
    {
        std::uint64_t word = 0;
        for (; bytes.size() > sizeof word; bytes.remove_prefix(sizeof word)) {
            std::memcpy(&word, bytes.data(), sizeof word);
            hash = (hash ^ word) * 1099511628211u;
            hash ^= hash >> 32;
        }
        for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }

    struct Failure {
        int invariant = 0;          // of style.md's list; 0: the program itself gave up
        std::string sentence;
    };
    std::optional<Failure> failure;
    std::map<std::string, int> taken;
    std::deque<std::string> story;  // the last lines
    std::uint64_t hash = 14695981039346656037u;
    bool aloud = false;             // the whole story, on stdout, as it happens

private:
    const bool many_checkpoints_;
    void tell(std::string line);
};

}  // namespace boxship::sim
