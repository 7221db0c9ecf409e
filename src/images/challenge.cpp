#include "images/challenge.h"

#include "base/strings.h"

namespace boxship::images {
namespace {

bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    void skip_space_and_commas()
    {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == ',')) rest_.remove_prefix(1);
    }
    void skip_space()
    {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }
    bool take(char c)
    {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string token()
    {
        std::string word;
        while (!rest_.empty() && is_token_character(rest_.front())) {
            word += rest_.front();
            rest_.remove_prefix(1);
        }
        return word;
    }
    std::optional<std::string> value()
    {
        if (!take('"')) return token();
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            text += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!take('"')) return std::nullopt;
        return text;
    }
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header)
{
    std::vector<Challenge> challenges;
    Scanner scanner(header);
    for (;;) {
        scanner.skip_space_and_commas();
        if (scanner.at_end()) return challenges;
        const std::string word = scanner.token();
        if (word.empty()) return challenges;
        scanner.skip_space();
        if (!scanner.take('=')) {  // a scheme's name; parameters have a '='
            challenges.push_back({to_lower(word), {}});
            continue;
        }
        scanner.skip_space();
        const auto value = scanner.value();
        if (!value || challenges.empty()) return challenges;
        challenges.back().parameters[to_lower(word)] = *value;
    }
}

}  // namespace boxship::images
