#include <gtest/gtest.h>

#include "decide/query/node.h"

namespace boxship::decide::query {
namespace {

class QueryTest : public ::testing::Test {
protected:
    QueryTest()
    {
        instance_.agent_connected = true;
        instance_.agent_version = "1.82.3";
        instance_.ec2_instance_id = "i-0123456789abcdef0";
        instance_.registered_at = {1'529'360'908'000};  // 2018-06-18T22:28:28Z
        instance_.zone = "us-east-1a";
        instance_.attributes = {{"ecs.instance-type", "t2.micro"}, {"stack", "prod"}, {"gpu", ""}, {"weight", "9"}};
        load_.running = 3;
        load_.pending = 1;
        load_.groups = {{"service:db", 2}, {"family:web", 2}};
    }
    bool selects(std::string_view text)
    {
        const auto parsed = parse(text);
        EXPECT_TRUE(parsed.expression) << text << ": " << parsed.error;
        return parsed.expression && parsed.expression->selects(instance_, load_);
    }
    static std::string error(std::string_view text) { return parse(text).error; }

    model::Instance instance_;
    state::InstanceLoad load_;
};

TEST_F(QueryTest, compares_each_subject)
{
    EXPECT_TRUE(selects("attribute:ecs.instance-type == t2.micro"));
    EXPECT_TRUE(selects("attribute:ecs.instance-type =~ t2.*"));
    EXPECT_FALSE(selects("attribute:ecs.instance-type =~ t2"));  // the whole value
    EXPECT_TRUE(selects("attribute:ecs.instance-type matches t[23].(micro|small)"));
    EXPECT_TRUE(selects("attribute:ecs.availability-zone in [us-east-1a, 'us-east-1b']"));
    EXPECT_TRUE(selects("attribute:ecs.availability-zone not_in [us-east-1b,\"us-east-1c\"]"));
    EXPECT_TRUE(selects("attribute:stack exists"));
    EXPECT_TRUE(selects("attribute:gpu exists"));
    EXPECT_TRUE(selects("attribute:other !exists"));
    EXPECT_TRUE(selects("attribute:other not_exists"));
    EXPECT_TRUE(selects("attribute:other != x"));
    EXPECT_FALSE(selects("attribute:other == x"));
    EXPECT_TRUE(selects("attribute:weight < 10"));
    EXPECT_TRUE(selects("attribute:stack greater_than prob"));
    EXPECT_TRUE(selects("agentConnected == true"));
    EXPECT_TRUE(selects("agentConnected != false"));
    EXPECT_TRUE(selects("agentVersion >= 1.9"));
    EXPECT_FALSE(selects("agentVersion > 1.82.3"));
    EXPECT_TRUE(selects("ec2InstanceId in ['i-0123456789abcdef0', 'i-x']"));
    EXPECT_TRUE(selects("registeredAt >= 2018-06-18"));
    EXPECT_TRUE(selects("registeredAt == 2018-06-18T22:28:28Z"));
    EXPECT_TRUE(selects("registeredAt equals 2018-06-19T00:28:28+02:00"));
    EXPECT_TRUE(selects("registeredAt < 2018-06-18T22:29"));
    EXPECT_TRUE(selects("runningTasksCount >= 3"));
    EXPECT_TRUE(selects("pendingTasksCount less_than_equal 1"));
    EXPECT_TRUE(selects("task:group == service:db"));
    EXPECT_TRUE(selects("task:group !~ service:w.*"));
    EXPECT_FALSE(selects("task:group != family:web"));
}

TEST_F(QueryTest, joins_expressions)
{
    EXPECT_TRUE(selects("attribute:stack==prod&&runningTasksCount==3"));
    EXPECT_TRUE(selects("attribute:stack == test or attribute:stack == prod and agentConnected == true"));
    EXPECT_FALSE(selects("(attribute:stack == test || attribute:stack == prod) && agentConnected == false"));
    EXPECT_TRUE(selects("not(task:group == database)"));
    EXPECT_TRUE(selects("!(task:group == database) and not not attribute:stack exists"));
    EXPECT_FALSE(selects("!attribute:stack exists"));
    EXPECT_TRUE(selects("(attribute:ecs.instance-type =~ t2.(micro|small)) and attribute:stack exists"));
}

TEST_F(QueryTest, knows_what_depends_on_tasks)
{
    EXPECT_FALSE(parse("attribute:a == b and agentVersion > 1").expression->by_load());
    EXPECT_TRUE(parse("attribute:a == b and not task:group == c").expression->by_load());
}

TEST_F(QueryTest, says_where_it_does_not_understand)
{
    EXPECT_EQ(error(""), "a subject (attribute:NAME, task:group, agentConnected …) was expected at character 1");
    EXPECT_EQ(error("attribute:a"), "an operator was expected at character 12");
    EXPECT_EQ(error("attribute:a =="), "a value was expected at character 15");
    EXPECT_EQ(error("attribute:a == b c"), "'and', 'or' or the end was expected at character 18");
    EXPECT_EQ(error("(attribute:a == b"), "')' was expected at character 18");
    EXPECT_EQ(error("runningTasksCount =~ 3"), "'=~' does not go with this subject at character 21");
    EXPECT_EQ(error("runningTasksCount == many"), "a number was expected in front at character 26");
    EXPECT_EQ(error("registeredAt > yesterday"), "a date as 2018-06-18T22:28:28+00:00 was expected in front at character 25");
    EXPECT_EQ(error("attribute:a =~ 'a('"), "a valid pattern was expected in front at character 20");
    EXPECT_EQ(error("attribute:a == 'b"), "the quotation that begins here does not end at character 16");
    EXPECT_EQ(error("attribute:a in [b"), "',' or ']' was expected at character 18");
    EXPECT_NE(error(std::string(100, '(') + "attribute:a exists" + std::string(100, ')')), "");
    EXPECT_NE(error("attribute:a == " + std::string(2000, 'b')), "");
}

TEST_F(QueryTest, a_hostile_pattern_gives_up)
{
    instance_.attributes = {{"a", std::string(60, 'a') + "!"}};
    EXPECT_FALSE(selects("attribute:a =~ (a+)+"));
}

TEST_F(QueryTest, what_somebody_holds_is_not_parsed_again)
{
    const auto held = parse("attribute:held exists").expression;
    EXPECT_EQ(parse("attribute:held exists").expression, held);
}

}  // namespace
}  // namespace boxship::decide::query
