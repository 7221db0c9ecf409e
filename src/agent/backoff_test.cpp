#include "agent/backoff.h"

#include <gtest/gtest.h>

#include <random>

namespace boxship::agent {
namespace {

class Dice : public Ids {
public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    void fill(std::span<std::byte> bytes) override
    {
        for (auto& byte : bytes) byte = static_cast<std::byte>(engine_());
    }

private:
    std::mt19937 engine_;
};

// As an agent reconnects: 250 ms, growing by half, up to two minutes.
Backoff of_an_agent() { return Backoff(Milliseconds(250), 1.5, Milliseconds(120'000)); }

TEST(Backoff, grows_to_its_bound_and_begins_again_after_a_reset)
{
    Dice dice(1);
    Backoff backoff = of_an_agent();
    Milliseconds last{0};
    for (int i = 0; i < 30; ++i) last = backoff.pause(dice);
    EXPECT_GE(last.count(), 96'000);
    EXPECT_LE(last.count(), 144'000);
    backoff.reset();
    EXPECT_LE(backoff.pause(dice).count(), 300);
}

TEST(Backoff, a_thousand_agents_do_not_come_back_at_once)
{
    for (const int away_ms : {1'000, 5'000, 60'000}) {
        std::map<std::int64_t, int> arrivals;   // per 100 ms after the server is back
        for (unsigned agent = 0; agent < 1000; ++agent) {
            Dice dice(agent);
            Backoff backoff = of_an_agent();
            Milliseconds at{0};
            while (at.count() < away_ms) at += backoff.pause(dice);
            ++arrivals[(at.count() - away_ms) / 100];
        }
        int most = 0;
        for (const auto& [slot, count] : arrivals) most = std::max(most, count);
        EXPECT_LT(most, 500) << "after " << away_ms << " ms";
        EXPECT_LT(arrivals.rbegin()->first * 100, away_ms + 1000) << "nobody waits longer than the server was away";
    }
}

}  // namespace
}  // namespace boxship::agent
