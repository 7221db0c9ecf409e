#include "agent/group_news.h"

#include <gtest/gtest.h>

namespace boxship::agent {
namespace {

namespace net = runtime::net;

TEST(GroupNews, is_read)
{
    const auto frame = shape::Json::parse(R"({"kind":"groups","all":true,
        "groups":[{"router":"default","id":"sg-a","rules":[{"egress":true,"protocol":"tcp","from":80,"to":81,"range":"10.0.0.0/8"},
                                                           {"egress":false,"protocol":"-1","from":-1,"to":-1,"group":"sg-b"},
                                                           {"egress":false,"protocol":"-1","range":"nonsense"}],"members":["10.0.0.9"]},
                  {"router":"vpc-1","id":"sg-b","rules":[]}],
        "left":[{"router":"default","id":"sg-a","address":"10.0.0.10"}],"joined":[{"router":"vpc-1","id":"sg-b","address":"10.0.0.11"}],
        "gone":[{"router":"default","id":"sg-c"}],
        "ways":[{"router":"default","subnets":[{"subnet":"10.0.0.0/24","to":[{"first":"0.0.0.0","last":"9.255.255.255"},{"first":"nonsense","last":"1.1.1.1"}]},
                                               {"subnet":"nonsense","to":[]},{"subnet":"10.0.1.0/24","to":[]}]}]})");
    ASSERT_TRUE(frame.ok());
    const net::GroupNews news = read_group_news(*frame);
    EXPECT_TRUE(news.all);
    ASSERT_EQ(news.groups.size(), 2u);
    const std::vector<net::GroupRule> rules{{true, "tcp", 80, 81, *net::Ipv4Net::parse("10.0.0.0/8"), ""}, {false, "-1", -1, -1, {}, "sg-b"}};
    EXPECT_EQ(news.groups[0].rules, rules) << "a rule that is not understood allows nothing";
    EXPECT_EQ(news.groups[0].members, std::set{*net::Ipv4::parse("10.0.0.9")});
    EXPECT_EQ(news.groups[1].router, "vpc-1");
    EXPECT_FALSE(news.groups[1].members.has_value());
    ASSERT_EQ(news.left.size(), 1u);
    EXPECT_EQ(to_text(news.left[0].address), "10.0.0.10");
    ASSERT_EQ(news.joined.size(), 1u);
    EXPECT_EQ(news.joined[0].group, "sg-b");
    ASSERT_EQ(news.gone.size(), 1u);
    EXPECT_EQ(news.gone[0].second, "sg-c");
    ASSERT_EQ(news.ways.size(), 1u);
    EXPECT_EQ(news.ways[0].first, "default");
    const std::vector<net::WaysOut> ways{{*net::Ipv4Net::parse("10.0.0.0/24"), {{{0}, *net::Ipv4::parse("9.255.255.255")}}}, {*net::Ipv4Net::parse("10.0.1.0/24"), {}}};
    EXPECT_EQ(news.ways[0].second, ways);
}

}  // namespace
}  // namespace boxship::agent
