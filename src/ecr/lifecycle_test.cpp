#include <gtest/gtest.h>

#include "ecr/lifecycle.h"

namespace boxship::ecr {
namespace {

using namespace std::chrono_literals;

std::string rule(int priority, const std::string& selection, const std::string& action = R"({"type":"expire"})")
{
    return fmt::format(R"({{"rulePriority":{},"selection":{{{}}},"action":{}}})", priority, selection, action);
}
LifecyclePolicy policy(const std::string& rules) { return *parse_lifecycle_policy("{\"rules\":[" + rules + "]}"); }

const Time now{1'800'000'000'000};
LifecycleImage image(const std::string& digest, int days_old, std::vector<std::string> tags = {})
{
    return {digest, std::move(tags), now - 24h * days_old - 1h};
}
std::string expired(const std::vector<LifecycleImage>& images, const LifecyclePolicy& policy)
{
    std::string text;
    for (const auto& expiry : expired_images(images, policy, now)) text += expiry.digest + std::to_string(expiry.priority) + " ";
    return text;
}

const std::string any_count = R"("tagStatus":"any","countType":"imageCountMoreThan","countNumber":2)";

TEST(Lifecycle, counts_from_the_newest_and_by_age)
{
    const std::vector<LifecycleImage> images{image("a", 1), image("b", 5), image("c", 9), image("d", 3)};
    EXPECT_EQ(expired(images, policy(rule(1, any_count))), "c1 b1 ");
    EXPECT_EQ(expired(images, policy(rule(7, R"("tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":4)"))), "c7 b7 ");
}

TEST(Lifecycle, a_pattern_list_needs_every_pattern_to_match_some_tag)
{
    const std::vector<LifecycleImage> images{image("a", 9, {"prod-1", "web"}), image("b", 8, {"prod-2"}), image("c", 7, {"web"}), image("d", 9)};
    const std::string rest = R"("countType":"sinceImagePushed","countUnit":"days","countNumber":1)";
    EXPECT_EQ(expired(images, policy(rule(1, R"("tagStatus":"tagged","tagPatternList":["prod*","w*"],)" + rest))), "a1 ");
    EXPECT_EQ(expired(images, policy(rule(1, R"("tagStatus":"tagged","tagPrefixList":["prod"],)" + rest))), "a1 b1 ");
}

TEST(Lifecycle, what_a_higher_rule_selects_no_lower_rule_takes)
{
    const std::vector<LifecycleImage> images{image("a", 1, {"prod"}), image("b", 2, {"prod2"}), image("c", 3, {"x"}), image("d", 4, {"y"})};
    const std::string keep_prod = rule(1, R"("tagStatus":"tagged","tagPrefixList":["prod"],"countType":"imageCountMoreThan","countNumber":5)");
    // The count of the lower rule sees all four images.
    EXPECT_EQ(expired(images, policy(keep_prod + "," + rule(2, any_count))), "d2 c2 ");
    EXPECT_EQ(expired({image("a", 9, {"prod"}), image("b", 1), image("c", 2)}, policy(keep_prod + "," + rule(2, any_count))), "");
}

TEST(Lifecycle, keeps_what_a_task_runs)
{
    std::vector<LifecycleImage> images{image("a", 1), image("b", 5), image("c", 9), image("d", 3)};
    images[2].in_use = true;
    EXPECT_EQ(expired(images, policy(rule(1, any_count))), "b1 ");
}

TEST(Lifecycle, refuses_policies_with_a_sentence)
{
    const auto complaint = [](const std::string& rules) {
        const auto parsed = parse_lifecycle_policy("{\"rules\":[" + rules + "]}");
        return parsed.ok() ? std::string("accepted") : parsed.error();
    };
    EXPECT_EQ(complaint(rule(1, any_count)), "accepted");
    EXPECT_NE(complaint(rule(0, any_count)).find("rulePriority"), std::string::npos);
    EXPECT_NE(complaint(rule(1, any_count) + "," + rule(1, any_count)).find("unique"), std::string::npos);
    EXPECT_NE(complaint(rule(1, any_count) + "," + rule(2, R"("tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1)")).find("largest"), std::string::npos);
    EXPECT_NE(complaint(rule(1, R"("tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":1)")).find("exactly one"), std::string::npos);
    EXPECT_NE(complaint(rule(1, R"("tagStatus":"tagged","tagPatternList":["*a*b*c*d*"],"countType":"imageCountMoreThan","countNumber":1)")).find("wildcards"), std::string::npos);
    EXPECT_NE(complaint(rule(1, R"("tagStatus":"any","countType":"sinceImagePushed","countNumber":1)")).find("days"), std::string::npos);
    EXPECT_NE(complaint(rule(1, R"("tagStatus":"any","countType":"imageCountMoreThan","countNumber":0)")).find("countNumber"), std::string::npos);
    EXPECT_NE(complaint(rule(1, any_count, R"({"type":"transition","targetStorageClass":"archive"})")).find("archived"), std::string::npos);
    EXPECT_NE(complaint("").find("no rules"), std::string::npos);
    EXPECT_FALSE(parse_lifecycle_policy("nonsense").ok());
}

}  // namespace
}  // namespace boxship::ecr
