#define PCRE2_CODE_UNIT_WIDTH 8
#include "decide/query/query.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <pcre2.h>

#include "base/check.h"
#include "base/numbers.h"
#include "decide/placement/score.h"
#include "decide/query/node.h"

namespace boxship::decide::query {
namespace {

// A hostile pattern must not hold up the state's thread: what takes longer does not match.
constexpr std::uint32_t match_steps_max = 10'000;

template <class T>
bool holds(Test test, const T& value, const T& wanted)
{
    switch (test) {
    case Test::greater: return value > wanted;
    case Test::greater_equal: return value >= wanted;
    case Test::less: return value < wanted;
    case Test::less_equal: return value <= wanted;
    default: return value == wanted;
    }
}

// What has no order of its own, and need not be there.
bool holds_text(const Node& node, std::string_view value)
{
    switch (node.test) {
    case Test::exists: return true;
    case Test::in: return std::ranges::find(node.values, value) != node.values.end();
    case Test::matches: return node.pattern->matches(value);
    case Test::equals: return value == node.values.front();
    default: break;
    }
    // By number where both are numbers, else letter by letter.
    const auto have = parse_number<double>(value), wanted = parse_number<double>(node.values.front());
    if (have && wanted) return holds(node.test, *have, *wanted);
    return holds(node.test, value, std::string_view(node.values.front()));
}

bool selects_by_test(const Node& node, const model::Instance& instance, const state::InstanceLoad& load)
{
    switch (node.subject) {
    case Subject::agent_connected: return holds_text(node, instance.agent_connected ? "true" : "false");
    case Subject::agent_version: return holds(node.test, compare_versions(instance.agent_version, node.values.front()), 0);
    case Subject::ec2_instance_id: return holds_text(node, instance.ec2_instance_id);
    case Subject::registered_at: return holds(node.test, instance.registered_at.ms, node.number);
    case Subject::running_tasks: return holds<std::int64_t>(node.test, load.running, node.number);
    case Subject::pending_tasks: return holds<std::int64_t>(node.test, load.pending, node.number);
    case Subject::task_group: return std::ranges::any_of(load.groups, [&](const auto& entry) { return holds_text(node, entry.first.view()); });
    case Subject::attribute: break;
    }
    if (node.attribute == zone_attribute) return holds_text(node, instance.zone);
    const auto found = std::ranges::find(instance.attributes, node.attribute, &model::KeyValue::key);
    return found != instance.attributes.end() && holds_text(node, found->value);
}

}  // namespace

std::shared_ptr<const Pattern> Pattern::compile(std::string_view text)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    auto* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                               PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
    if (!code) return nullptr;
    return std::shared_ptr<const Pattern>(new Pattern(code));
}

Pattern::~Pattern() { pcre2_code_free(static_cast<pcre2_code*>(code_)); }

bool Pattern::matches(std::string_view text) const
{
    const auto* code = static_cast<const pcre2_code*>(code_);
    auto* data = pcre2_match_data_create_from_pattern(code, nullptr);
    auto* context = pcre2_match_context_create(nullptr);
    CHECK(data && context);
    pcre2_set_match_limit(context, match_steps_max);
    pcre2_set_heap_limit(context, 1024);  // KiB
    const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data, context);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    return found >= 0;
}

bool selects(const Node& node, const model::Instance& instance, const state::InstanceLoad& load)
{
    const auto part_selects = [&](const auto& part) { return selects(*part, instance, load); };
    switch (node.kind) {
    case Node::Kind::all: return std::ranges::all_of(node.parts, part_selects);
    case Node::Kind::any: return std::ranges::any_of(node.parts, part_selects);
    case Node::Kind::negation: return !part_selects(node.parts.front());
    case Node::Kind::test: break;
    }
    return selects_by_test(node, instance, load);
}

bool parse_date(std::string_view text, std::int64_t& ms)
{
    const auto digits = [&](std::size_t count, int& value) {
        if (text.size() < count || !std::ranges::all_of(text.substr(0, count), [](char c) { return c >= '0' && c <= '9'; })) return false;
        std::from_chars(text.data(), text.data() + count, value);
        text.remove_prefix(count);
        return true;
    };
    const auto sign = [&](char c) {
        if (!text.starts_with(c)) return false;
        text.remove_prefix(1);
        return true;
    };
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, thousandths = 0, zone = 0;
    if (!digits(4, year) || !sign('-') || !digits(2, month) || !sign('-') || !digits(2, day)) return false;
    if (sign('T')) {
        if (!digits(2, hour)) return false;
        if (sign(':') && (!digits(2, minute) || (sign(':') && (!digits(2, second) || (sign('.') && !digits(3, thousandths)))))) return false;
        const bool east = text.starts_with('+');
        int zone_hour = 0, zone_minute = 0;
        if (east || text.starts_with('-')) {
            text.remove_prefix(1);
            if (!digits(2, zone_hour) || (sign(':'), !digits(2, zone_minute))) return false;
            zone = (east ? 1 : -1) * (zone_hour * 60 + zone_minute);
        } else {
            sign('Z');
        }
    }
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) return false;
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    ms = ((std::int64_t{days} * 24 + hour) * 60 + minute - zone) * 60'000 + second * 1000 + thousandths;
    return true;
}

int compare_versions(std::string_view a, std::string_view b)
{
    const auto take = [](std::string_view& text) {
        if (text.starts_with('v')) text.remove_prefix(1);
        const auto end = std::min(text.find('.'), text.size());
        std::int64_t number = 0;
        std::from_chars(text.data(), text.data() + end, number);
        text.remove_prefix(std::min(end + 1, text.size()));
        return number;
    };
    while (!a.empty() || !b.empty()) {
        const auto left = take(a), right = take(b);
        if (left != right) return left < right ? -1 : 1;
    }
    return 0;
}

Expression::Expression(std::string text, std::unique_ptr<const Node> root, bool by_load)
    : text_(std::move(text)), root_(std::move(root)), by_load_(by_load)
{
}
Expression::~Expression() = default;

bool Expression::selects(const model::Instance& instance, const state::InstanceLoad& load) const { return query::selects(*root_, instance, load); }

}  // namespace boxship::decide::query
