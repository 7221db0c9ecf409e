#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "decide/query/node.h"

namespace boxship::decide::query {
namespace {

struct Operator {
    std::string_view word;
    Test test;
    bool negated;
};
// The longer before those that they begin with.
constexpr std::array operators{
    Operator{"==", Test::equals, false},       Operator{"!=", Test::equals, true},         Operator{">=", Test::greater_equal, false},
    Operator{"<=", Test::less_equal, false},   Operator{">", Test::greater, false},        Operator{"<", Test::less, false},
    Operator{"=~", Test::matches, false},      Operator{"!~", Test::matches, true},        Operator{"!exists", Test::exists, true},
    Operator{"!in", Test::in, true},           Operator{"equals", Test::equals, false},    Operator{"not_equals", Test::equals, true},
    Operator{"greater_than_equal", Test::greater_equal, false},                            Operator{"greater_than", Test::greater, false},
    Operator{"less_than_equal", Test::less_equal, false},                                  Operator{"less_than", Test::less, false},
    Operator{"exists", Test::exists, false},   Operator{"not_exists", Test::exists, true}, Operator{"in", Test::in, false},
    Operator{"not_in", Test::in, true},        Operator{"matches", Test::matches, false},  Operator{"not_matches", Test::matches, true},
};

struct SubjectName {
    std::string_view word;
    Subject subject;
};
constexpr std::array subjects{
    SubjectName{"agentConnected", Subject::agent_connected},   SubjectName{"agentVersion", Subject::agent_version},
    SubjectName{"ec2InstanceId", Subject::ec2_instance_id},    SubjectName{"registeredAt", Subject::registered_at},
    SubjectName{"runningTasksCount", Subject::running_tasks},  SubjectName{"pendingTasksCount", Subject::pending_tasks},
    SubjectName{"task:group", Subject::task_group},
};

bool takes(Subject subject, Test test)
{
    const bool order = test == Test::greater || test == Test::greater_equal || test == Test::less || test == Test::less_equal;
    switch (subject) {
    case Subject::attribute: return true;
    case Subject::agent_version:
    case Subject::registered_at:
    case Subject::running_tasks:
    case Subject::pending_tasks: return order || test == Test::equals;
    default: return test == Test::equals || test == Test::in || test == Test::matches;
    }
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("_.:/\\-").find(c) != std::string_view::npos; }

using NodePtr = std::unique_ptr<const Node>;

// Recursive descent: any := all (or all)*; all := one (and one)*; one := not one | ( any ) | subject operator argument.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    NodePtr parse()
    {
        NodePtr root = chain(Node::Kind::any);
        if (root && !at_end()) root = fail("'and', 'or' or the end was expected");
        return root;
    }
    std::string take_error() { return std::move(error_); }
    bool by_load() const { return by_load_; }

private:
    NodePtr fail(std::string_view what)
    {
        if (error_.empty()) error_ = fmt::format("{} at character {}", what, at_ + 1);
        return nullptr;
    }
    void skip_space()
    {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool at_end()
    {
        skip_space();
        return at_ == text_.size();
    }
    // Takes the word if it stands here, and does not go on as a longer one.
    bool take(std::string_view word)
    {
        skip_space();
        if (!text_.substr(at_).starts_with(word)) return false;
        const std::size_t end = at_ + word.size();
        if (is_word(word.back()) && end < text_.size() && is_word(text_[end])) return false;
        at_ = end;
        return true;
    }

    NodePtr chain(Node::Kind kind)
    {
        auto node = std::make_unique<Node>();
        node->kind = kind;
        const bool any = kind == Node::Kind::any;
        do {
            NodePtr part = any ? chain(Node::Kind::all) : one();
            if (!part) return nullptr;
            node->parts.push_back(std::move(part));
        } while (any ? take("||") || take("or") : take("&&") || take("and"));
        if (node->parts.size() == 1) return std::move(node->parts.front());
        return node;
    }

    NodePtr one()
    {
        if (++depth_ > depth_max) return fail("too many parentheses");
        NodePtr node;
        if (take("!") || take("not")) {
            node = negate(one());
        } else if (take("(")) {
            node = chain(Node::Kind::any);
            if (node && !take(")")) node = fail("')' was expected");
        } else {
            node = comparison();
        }
        --depth_;
        return node;
    }
    static NodePtr negate(NodePtr part)
    {
        if (!part) return nullptr;
        auto node = std::make_unique<Node>();
        node->kind = Node::Kind::negation;
        node->parts.push_back(std::move(part));
        return node;
    }

    NodePtr comparison()
    {
        auto node = std::make_unique<Node>();
        if (!read_subject(*node)) return fail("a subject (attribute:NAME, task:group, agentConnected …) was expected");
        const auto op = std::ranges::find_if(operators, [this](const Operator& candidate) { return take(candidate.word); });
        if (op == operators.end()) return fail("an operator was expected");
        node->test = op->test;
        if (!takes(node->subject, node->test)) return fail(fmt::format("'{}' does not go with this subject", op->word));
        if (!read_argument(*node)) return nullptr;
        if (node->subject >= Subject::running_tasks) by_load_ = true;
        return op->negated ? negate(std::move(node)) : std::move(node);
    }

    bool read_subject(Node& node)
    {
        skip_space();
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        const auto word = text_.substr(begin, at_ - begin);
        if (word.starts_with("attribute:") && word.size() > 10) {
            node.attribute = word.substr(10);
            return true;
        }
        const auto found = std::ranges::find(subjects, word, &SubjectName::word);
        if (found == subjects.end()) {
            at_ = begin;
            return false;
        }
        node.subject = found->subject;
        return true;
    }

    bool read_argument(Node& node)
    {
        if (node.test == Test::exists) return true;
        if (node.test == Test::in) return read_list(node.values);
        auto value = read_value(node.test == Test::matches);
        if (!value) return false;
        node.values.push_back(std::move(*value));
        const std::string& text = node.values.front();
        switch (node.subject) {
        case Subject::running_tasks:
        case Subject::pending_tasks:
            if (std::from_chars(text.data(), text.data() + text.size(), node.number).ptr != text.data() + text.size() || text.empty())
                return fail("a number was expected in front") != nullptr;
            return true;
        case Subject::registered_at:
            if (!parse_date(text, node.number)) return fail("a date as 2018-06-18T22:28:28+00:00 was expected in front") != nullptr;
            return true;
        default: break;
        }
        if (node.test != Test::matches) return true;
        node.pattern = Pattern::compile(text);
        return node.pattern != nullptr || fail("a valid pattern was expected in front") != nullptr;
    }

    bool read_list(std::vector<std::string>& values)
    {
        if (!take("[")) return fail("'[' was expected") != nullptr;
        do {
            auto value = read_value(false);
            if (!value) return false;
            values.push_back(std::move(*value));
        } while (take(","));
        return take("]") || fail("',' or ']' was expected") != nullptr;
    }

    std::optional<std::string> read_value(bool pattern)
    {
        skip_space();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote == '\'' || quote == '"') {
            const auto end = text_.find(quote, at_ + 1);
            if (end == std::string_view::npos) {
                fail("the quotation that begins here does not end");
                return std::nullopt;
            }
            std::string value(text_.substr(at_ + 1, end - at_ - 1));
            at_ = end + 1;
            return value;
        }
        const std::size_t begin = at_;
        // Brackets are a pattern's own as long as they are closed within it.
        int open = 0;
        for (; at_ < text_.size() && !is_space(text_[at_]); ++at_) {
            const char c = text_[at_];
            if (open == 0 && (text_.substr(at_).starts_with("&&") || text_.substr(at_).starts_with("||"))) break;
            if (pattern && c == '\\' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1])) {
                ++at_;
            } else if (c == '(' || c == '[') {
                if (!pattern) break;
                ++open;
            } else if (c == ')' || c == ']') {
                if (open == 0) break;
                --open;
            } else if (!pattern && c == ',') {
                break;
            }
        }
        if (at_ == begin) {
            fail("a value was expected");
            return std::nullopt;
        }
        return std::string(text_.substr(begin, at_ - begin));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    bool by_load_ = false;
    std::string error_;
};

// Parsed expressions that somebody holds: a definition's constraint is the same in every call.
class Held {
public:
    ExpressionPtr find(std::string_view text)
    {
        const std::lock_guard guard(mutex_);
        const auto found = held_.find(text);
        return found == held_.end() ? nullptr : found->second.lock();
    }
    void add(const ExpressionPtr& expression)
    {
        const std::lock_guard guard(mutex_);
        if (held_.size() >= clean_at_) {
            std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
            clean_at_ = 2 * held_.size() + 64;
        }
        held_.insert_or_assign(expression->text(), expression);
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<const Expression>, std::less<>> held_;
    std::size_t clean_at_ = 64;
};

}  // namespace

Parsed parse(std::string_view text)
{
    static Held held;
    if (text.size() > text_max) return {nullptr, fmt::format("it is longer than {} characters", text_max)};
    if (auto known = held.find(text)) return {std::move(known), {}};
    Parser parser(text);
    auto root = parser.parse();
    if (!root) return {nullptr, parser.take_error()};
    auto expression = std::make_shared<const Expression>(std::string(text), std::move(root), parser.by_load());
    held.add(expression);
    return {std::move(expression), {}};
}

}  // namespace boxship::decide::query
