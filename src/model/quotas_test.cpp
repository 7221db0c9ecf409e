#include "model/quotas.h"

#include <gtest/gtest.h>

#include <set>

namespace boxship::model {
namespace {

TEST(Quotas, have_names_and_codes_of_their_own)
{
    std::set<std::string> names, codes;
    for (const auto& facts : quota_facts()) {
        EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
        if (*facts.code) { EXPECT_TRUE(codes.insert(facts.code).second) << facts.code; }
        EXPECT_GT(facts.standard, 0) << facts.name;
    }
    EXPECT_EQ(Quotas()[Quota::vpcs], 5u);
}

TEST(Quotas, are_read_by_name_and_by_code)
{
    EXPECT_EQ(parse_quota("ec2/vpcs=20")->facts->quota, Quota::vpcs);
    EXPECT_EQ(parse_quota("L-F678F1CE=20")->value, 20);
    EXPECT_EQ(parse_quota("ec2/vpcs=default")->value, 5);
    for (const char* text : {"ec2/vpcs", "ec2/vpcs=", "ec2/vpcs=-1", "ec2/vpcs=many", "ec2/vpcs=99999999999", "ec2/vpcs=1 "}) EXPECT_FALSE(parse_quota(text).ok()) << text;
    EXPECT_EQ(parse_quota("ec2/vpcs=many").error().message, "the quota ec2/vpcs must be a number from 0 to 1000000000, or 'default', not 'many'");
}

TEST(Quotas, similar_names_are_offered)
{
    EXPECT_EQ(similar_quotas("ec2/vpc").front(), "ec2/vpcs");
    EXPECT_EQ(similar_quotas("servces-per-cluster").front(), "ecs/services-per-cluster");
    EXPECT_EQ(similar_quotas("listeners").front(), "elbv2/listeners-per-application-load-balancer");
    const auto unknown = parse_quota("vcps=7");
    ASSERT_FALSE(unknown.ok());
    EXPECT_NE(unknown.error().message.find("ec2/vpcs"), std::string::npos) << unknown.error().message;
}

}  // namespace
}  // namespace boxship::model
