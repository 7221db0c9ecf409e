// The cluster query language: which container instances an expression selects, as in
//     attribute:ecs.instance-type =~ t3.* and not (task:group == service:db or runningTasksCount > 10)
// Parsed once, then asked of many instances; immutable, shared by whoever keeps it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "state/derived.h"

namespace boxship::decide::query {

struct Node;

class Expression {
public:
    Expression(std::string text, std::unique_ptr<const Node> root, bool by_load);
    ~Expression();

    bool selects(const model::Instance& instance, const state::InstanceLoad& load) const;
    // Whether the answer depends on the tasks of the instance, and not on its row alone.
    bool by_load() const { return by_load_; }
    const std::string& text() const { return text_; }

private:
    std::string text_;
    std::unique_ptr<const Node> root_;
    bool by_load_;
};
using ExpressionPtr = std::shared_ptr<const Expression>;

constexpr std::size_t text_max = 2000;  // as in the API
constexpr std::size_t depth_max = 50;   // of parentheses and negations

// Exactly one of the two is there. The error says where and what was expected, and fits behind a colon. An expression that
// somebody still holds is not parsed again. On any thread.
struct Parsed {
    ExpressionPtr expression;
    std::string error;
};
Parsed parse(std::string_view text);

}  // namespace boxship::decide::query
