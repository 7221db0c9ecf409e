#include "agent/group_news.h"

#include "base/log.h"

namespace boxship::agent {

namespace net = runtime::net;

using shape::Json;

namespace {

std::vector<net::GroupRule> read_rules(const Json& list)
{
    std::vector<net::GroupRule> rules;
    for (const Json& json : list.as_array()) {
        net::GroupRule rule{.egress = json.get_bool("egress"), .protocol = json.get_string("protocol"), .range = {}, .group = json.get_string("group")};
        rule.from_port = static_cast<int>(json.get_int64("from", -1));
        rule.to_port = static_cast<int>(json.get_int64("to", -1));
        if (rule.group.empty()) {
            const auto range = net::Ipv4Net::parse(json.get_string("range"));
            if (!range) {
                log_warning("a rule of a security group without a peer: {}", json.dump());
                continue;
            }
            rule.range = *range;
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

std::vector<net::GroupNews::Member> read_members(const Json& list)
{
    std::vector<net::GroupNews::Member> members;
    for (const Json& json : list.as_array())
        if (const auto address = net::Ipv4::parse(json.get_string("address"))) members.push_back({json.get_string("router"), json.get_string("id"), *address});
    return members;
}

std::vector<net::WaysOut> read_ways(const Json& list)
{
    std::vector<net::WaysOut> ways;
    for (const Json& json : list.as_array()) {
        const auto subnet = net::Ipv4Net::parse(json.get_string("subnet"));
        if (!subnet) continue;
        net::WaysOut& way = ways.emplace_back(net::WaysOut{*subnet, {}});
        for (const Json& span : json["to"].as_array()) {
            const auto first = net::Ipv4::parse(span.get_string("first")), last = net::Ipv4::parse(span.get_string("last"));
            if (first && last) way.spans.emplace_back(*first, *last);
        }
    }
    return ways;
}

}  // namespace

net::GroupNews read_group_news(const Json& frame)
{
    net::GroupNews news{.all = frame.get_bool("all"), .groups = {}, .left = read_members(frame["left"]), .joined = read_members(frame["joined"]), .gone = {}, .ways = {}};
    for (const Json& json : frame["groups"].as_array()) {
        net::GroupNews::Change change{json.get_string("router"), json.get_string("id"), read_rules(json["rules"]), {}};
        if (json["members"].is_array()) {
            auto& members = change.members.emplace();
            for (const Json& text : json["members"].as_array())
                if (const auto address = net::Ipv4::parse(text.as_string())) members.insert(*address);
        }
        news.groups.push_back(std::move(change));
    }
    for (const Json& json : frame["ways"].as_array()) news.ways.emplace_back(json.get_string("router"), read_ways(json["subnets"]));
    for (const Json& json : frame["gone"].as_array()) news.gone.emplace_back(json.get_string("router"), json.get_string("id"));
    return news;
}

}  // namespace boxship::agent
