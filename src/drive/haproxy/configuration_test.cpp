#include "drive/haproxy/configuration.h"

#include <gtest/gtest.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/ids_for_tests.h"
#include "drive/haproxy/words.h"
#include "env/real/files.h"
#include "env/real/process.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

TEST(Words, no_byte_of_a_user_means_anything_to_haproxy)
{
    EXPECT_EQ(word("plain/text.1"), "plain/text.1");
    EXPECT_EQ(word(""), "\"\"");
    std::string all;
    for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
    for (const char c : word(all)) EXPECT_TRUE(c == '\\' || c == '.' || (c >= '/' && c <= ':') || c == '_' || (c | 32) >= 'a') << c;
    EXPECT_EQ(plain_text(word(all)), all);
    EXPECT_EQ(plain_text(word("")), "");
    EXPECT_EQ(word("a\n} \"$X\" 'b' #"), "a\\x0a\\x7d\\x20\\x22\\x24X\\x22\\x20\\x27b\\x27\\x20\\x23");
    EXPECT_EQ(format_text("100%[src]"), "100\\x25\\x25\\x5bsrc\\x5d");
}

TEST(Words, wildcards_become_expressions_and_the_rest_stays_text)
{
    EXPECT_EQ(wildcard_regex("/a.b*?", "."), "\\/a\\.b.*.");
    EXPECT_EQ(wildcard_regex("a\\*b", "."), "a\\*b");
    EXPECT_EQ(wildcard_regex("(x|y)$", "."), "\\(x\\|y\\)\\$");
    EXPECT_TRUE(has_wildcard("a*"));
    EXPECT_FALSE(has_wildcard("a\\*"));
    EXPECT_EQ(unescaped("a\\*b"), "a*b");
}

class Configuration : public testing::Test {
protected:
    Configuration()
    {
        std::filesystem::create_directories(directory + "/empty");
        auto balancer = std::make_shared<LoadBalancer>(LoadBalancer{.id = id<LoadBalancerId>(1), .name = "web", .vpc = id<VpcId>(1)});
        BalancerPlan plan_of;
        plan_of.row = balancer;
        plan_of.name = "app/web/0100000000000000";
        plan_of.dns_name = "web-1.us-east-1.elb.localhost";
        plan_of.vpc = "vpc-1";
        plan_of.addresses = {0x7F000102, 0x7F000103};
        plan.balancers.push_back(plan_of);
        options.directory = directory;
        options.generation = 7;
        // Of the test's own process: a namespace that is surely there.
        options.namespace_of = [](const std::string&) { return std::string("../../proc/self/ns/net"); };
    }
    ~Configuration() override { std::filesystem::remove_all(directory); }

    void add_group(int number, TargetGroup row)
    {
        row.id = id<TargetGroupId>(number);
        GroupPlan group;
        group.row = std::make_shared<TargetGroup>(row);
        plan.groups[row.id] = group;
        options.places[row.id] = 8;
    }
    Listener& add_listener(int port, std::vector<RuleAction> actions)
    {
        auto listener = std::make_shared<Listener>(Listener{.id = id<ListenerId>(port % 200), .port = port, .actions = std::move(actions)});
        plan.balancers[0].listeners.push_back({listener, {}});
        return *listener;
    }
    void add_rule(int priority, RuleCondition condition, RuleAction action)
    {
        plan.balancers[0].listeners.back().rules.push_back(
            std::make_shared<ListenerRule>(ListenerRule{.priority = priority, .conditions = {std::move(condition)}, .actions = {std::move(action)}}));
    }
    static RuleAction forward(int group) { return {.targets = {{id<TargetGroupId>(group), 1}}}; }

    // HAProxy's own opinion, where there is one.
    void expect_accepted()
    {
        const std::string text = configuration(plan, options);
        const std::string file = directory + "/haproxy.cfg";
        ASSERT_TRUE(env::write_file(file, text).ok());
        if (!env::file_exists("/usr/sbin/haproxy") || !env::file_exists("/run/netns")) GTEST_SKIP() << "no haproxy here, or no /run/netns";
        const auto checked = env::run_process({"/usr/sbin/haproxy", "-c", "-f", file});
        ASSERT_TRUE(checked.ok()) << checked.error().message;
        EXPECT_EQ(checked->exit_code, 0) << checked->err << text;
    }

    const std::string directory = testing::TempDir() + "haproxy-" + std::to_string(::getpid());
    Plan plan;
    ConfigurationOptions options;
};

TEST_F(Configuration, every_kind_of_rule_and_of_group_is_accepted)
{
    add_group(1, {});
    add_group(2, {.protocol = TargetProtocol::https, .version = ProtocolVersion::http2, .health_check = {.protocol = TargetProtocol::https, .port = "81", .matcher = "200-299,301"}});
    add_group(3, {.version = ProtocolVersion::grpc, .health_check = {.path = "/AWS.ALB/healthcheck", .matcher = "0-2,12"}});
    add_group(4, {.attributes = {{"stickiness.enabled", "true"}, {"slow_start.duration_seconds", "30"}}});
    add_group(5, {.attributes = {{"stickiness.enabled", "true"}, {"stickiness.type", "app_cookie"}, {"stickiness.app_cookie.cookie_name", "S[x*'"},
                                 {"load_balancing.algorithm.type", "least_outstanding_requests"}}});
    plan.groups[id<TargetGroupId>(1)].targets = {{.key = {}, .address = {0x0A000001, 80}, .state = TargetState::healthy},
                                                 {.key = {}, .address = {0x0A000002, 80}, .state = TargetState::initial}};
    add_listener(80, {forward(1)});
    add_rule(1, {.field = ConditionField::host_header, .values = {"*.example.com", "a.b"}}, forward(2));
    add_rule(2, {.field = ConditionField::path_pattern, .values = {"/x*", "/\"'}{ #$", "-f"}}, forward(3));
    add_rule(3, {.field = ConditionField::http_header, .values = {"}", "a b\\"}, .header = "X-Odd!#$&*+-.^_|~"}, forward(4));
    add_rule(4, {.field = ConditionField::query_string, .pairs = {{"k", "v*"}, {"", "(x"}}}, forward(5));
    add_rule(5, {.field = ConditionField::http_request_method, .values = {"GET"}},
             {.type = ActionType::fixed_response, .status_code = "503", .message_body = "%[env(HOME)]\n} \"if TRUE\\", .content_type = "text/plain"});
    add_rule(6, {.field = ConditionField::source_ip, .values = {"10.0.0.0/8", "2001:db8::/32"}},
             {.type = ActionType::redirect, .protocol = "#{protocol}", .port = "#{port}", .host = "x%[src]#{host}", .path = "/a #{path}\"", .query = "q=%#{query}", .status_code = "HTTP_302"});
    RuleAction weighted{.targets = {{id<TargetGroupId>(1), 1}, {id<TargetGroupId>(4), 3}, {id<TargetGroupId>(5), 0}}, .sticky = true, .sticky_seconds = 60};
    add_listener(81, {weighted});
    add_listener(82, {forward(1)});
    expect_accepted();
    const std::string text = configuration(plan, options);
    EXPECT_NE(text.find("server s1 10.0.0.1:80"), std::string::npos) << "a healthy target is there from the beginning";
    EXPECT_EQ(text.find("10.0.0.2:80"), std::string::npos) << "others wait for their check";
    const std::string open = open_name(id<TargetGroupId>(1)), served = group_name(id<TargetGroupId>(1));
    EXPECT_NE(text.find(fmt::format("    use_backend {0} if {{ nbsrv({1}) eq 0 }} {{ nbsrv({0}) gt 0 }}\n    default_backend {1}\n", open, served)), std::string::npos)
        << "without a healthy target the unhealthy ones are asked";
}

TEST_F(Configuration, attributes_of_the_load_balancer_and_of_the_listener_are_accepted)
{
    add_group(1, {});
    LoadBalancer balancer = *plan.balancers[0].row;
    balancer.attributes = {{"routing.http.drop_invalid_header_fields.enabled", "true"}, {"routing.http.desync_mitigation_mode", "strictest"},
                           {"routing.http.xff_client_port.enabled", "true"}, {"access_logs.s3.enabled", "true"}, {"idle_timeout.timeout_seconds", "7"}};
    plan.balancers[0].row = std::make_shared<LoadBalancer>(balancer);
    Listener& listener = add_listener(80, {forward(1)});
    listener.attributes = {{"routing.http.response.server.enabled", "false"}, {"routing.http.response.strict_transport_security.header_value", "max-age=1; \"%x"}};
    expect_accepted();
    EXPECT_NE(configuration(plan, options).find("timeout client 7s"), std::string::npos);
    balancer.attributes = {{"routing.http.desync_mitigation_mode", "monitor"}, {"routing.http.xff_header_processing.mode", "remove"}};
    plan.balancers[0].row = std::make_shared<LoadBalancer>(balancer);
    expect_accepted();
}

TEST_F(Configuration, a_loopback_port_belongs_to_one_listener_or_is_shared_by_name)
{
    add_group(1, {});
    add_listener(8080, {forward(1)});
    options.loopback_ports = {8080};
    EXPECT_NE(configuration(plan, options).find("bind 127.0.0.1:8080\n"), std::string::npos);
    BalancerPlan second = plan.balancers[0];
    second.dns_name = "other-1.us-east-1.elb.localhost";
    second.addresses = {0x7F000104, 0x7F000105};
    second.listeners.clear();
    plan.balancers.push_back(second);
    auto listener = std::make_shared<Listener>(Listener{.id = id<ListenerId>(9), .port = 8080, .actions = {forward(1)}});
    plan.balancers[1].listeners.push_back({listener, {}});
    const std::string text = configuration(plan, options);
    EXPECT_NE(text.find("frontend loopback_8080\n    bind 127.0.0.1:8080\n"), std::string::npos);
    EXPECT_NE(text.find("other\\x2d1.us\\x2deast\\x2d1.elb.localhost"), std::string::npos);
    expect_accepted();
    options.loopback_ports.clear();
    EXPECT_EQ(configuration(plan, options).find("bind 127.0.0.1:8080"), std::string::npos) << "somebody else has the port";
}

TEST_F(Configuration, what_a_response_says_is_as_long_as_aws_allows)
{
    add_listener(80, {{.type = ActionType::fixed_response, .status_code = "200", .message_body = std::string(1024, '\n'), .content_type = "text/html"}});
    expect_accepted();
}

}  // namespace
}  // namespace boxship::drive::haproxy
