#include "base/sorted_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace boxship {
namespace {

// What a set that is right holds after the same steps.
class Both {
public:
    void insert(int value) { EXPECT_EQ(set_.insert(value), expected_.insert(value).second) << value; }
    void erase(int value) { EXPECT_EQ(set_.erase(value), expected_.erase(value) == 1) << value; }
    void check() const
    {
        ASSERT_EQ(set_.size(), expected_.size());
        EXPECT_TRUE(std::equal(set_.begin(), set_.end(), expected_.begin()));
        EXPECT_TRUE(std::equal(set_.rbegin(), set_.rend(), expected_.rbegin()));
        for (int value = -2; value < 5000; value += 7) {
            const auto at = set_.lower_bound(value);
            const auto sought = expected_.lower_bound(value);
            ASSERT_EQ(at == set_.end(), sought == expected_.end()) << value;
            if (sought == expected_.end()) continue;
            EXPECT_EQ(*at, *sought);
            EXPECT_EQ(set_.position(at), static_cast<std::size_t>(std::distance(expected_.begin(), sought)));
            EXPECT_EQ(set_.nth(set_.position(at)), at);
        }
    }

private:
    SortedSet<int> set_;
    std::set<int> expected_;
};

TEST(SortedSet, holds_what_a_tree_would_in_whatever_order_it_comes)
{
    std::mt19937 random(1);
    Both both;
    for (int i = 0; i < 6000; ++i) {
        const int value = static_cast<int>(random() % 3000);
        if (random() % 3) both.insert(value);
        else both.erase(value);
    }
    both.check();
    for (int value = 0; value < 3000; ++value) both.erase(value);
    both.check();
}

TEST(SortedSet, grows_in_order_at_its_end_at_its_front_and_between)
{
    Both up, down, between;
    for (int value = 0; value < 1000; ++value) up.insert(value);
    for (int value = 1000; value > 0; --value) down.insert(value);
    for (int value = 0; value < 300; ++value) between.insert(value);
    for (int value = 3000; value < 3300; ++value) between.insert(value);
    for (int value = 1000; value < 2000; ++value) between.insert(value);
    for (int value = 2999; value >= 2000; --value) between.insert(value);
    for (const auto* both : {&up, &down, &between}) both->check();
}

TEST(SortedSet, is_made_of_what_is_sorted)
{
    std::vector<int> values;
    for (int i = 0; i < 1000; ++i) values.push_back(2 * i);
    SortedSet<int> set(values);
    EXPECT_TRUE(std::equal(set.begin(), set.end(), values.begin(), values.end()));
    EXPECT_FALSE(set.insert(500));
    EXPECT_TRUE(set.insert(501));
    EXPECT_EQ(*std::next(set.lower_bound(500)), 501);
}

}  // namespace
}  // namespace boxship
