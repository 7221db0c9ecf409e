// What an expression is made of; for the parser and the evaluation alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "decide/query/query.h"

namespace boxship::decide::query {

// A pattern in the syntax of PCRE2, which holds nearly all of Java's; the whole text must match.
class Pattern {
public:
    static std::shared_ptr<const Pattern> compile(std::string_view text);  // nullptr: it is not valid
    bool matches(std::string_view text) const;
    ~Pattern();

private:
    explicit Pattern(void* code) : code_(code) {}
    void* code_;  // pcre2_code, whose header stays out of here
};

enum class Subject : std::uint8_t {
    agent_connected, agent_version, attribute, ec2_instance_id, registered_at, running_tasks, pending_tasks, task_group
};
enum class Test : std::uint8_t { equals, greater, greater_equal, less, less_equal, exists, in, matches };

struct Node {
    enum class Kind : std::uint8_t { all, any, negation, test } kind = Kind::test;
    std::vector<std::unique_ptr<const Node>> parts;  // all, any: two or more; negation: one

    Subject subject = Subject::attribute;
    std::string attribute;                  // its name
    Test test = Test::equals;               // "!=" and its like are negations of one of these
    std::vector<std::string> values;        // one; several for `in`, none for `exists`
    std::int64_t number = 0;                // values[0] as a count or as milliseconds since 1970
    std::shared_ptr<const Pattern> pattern;
};

bool selects(const Node& node, const model::Instance& instance, const state::InstanceLoad& load);

// 2018-06-18 up to 2018-06-18T22:28:28.123+00:00; nothing else. Milliseconds since 1970, UTC where no zone is named.
bool parse_date(std::string_view text, std::int64_t& ms);

// "1.82.3" against "1.9": by numbers, part by part.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace boxship::decide::query
