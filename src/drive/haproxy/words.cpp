#include "drive/haproxy/words.h"

#include <charconv>

#include <fmt/format.h>

namespace boxship::drive::haproxy {
namespace {

bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == ':' || c == '_';
}

// Everything that means something to PCRE2 is not a letter or a digit, and a backslash before such a character takes its
// meaning away.
void append_literal(std::string& out, char c)
{
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 128;
    if (!alphanumeric) out += '\\';
    out += c;
}

}  // namespace

std::string word(std::string_view text)
{
    if (text.empty()) return "\"\"";
    std::string out;
    for (const char c : text) {
        if (is_plain(c)) out += c;
        else out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string plain_text(std::string_view word)
{
    if (word == "\"\"") return {};
    std::string out;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (!word.substr(i).starts_with("\\x")) {
            out += word[i];
            continue;
        }
        unsigned value = 0;
        const auto digits = word.substr(i + 2, 2);
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        out += static_cast<char>(value);
        i += 3;
    }
    return out;
}

std::string format_text(std::string_view text)
{
    std::string doubled;
    for (const char c : text) {
        doubled += c;
        if (c == '%') doubled += c;
    }
    return text.empty() ? "" : word(doubled);
}

std::string wildcard_regex(std::string_view pattern, std::string_view any)
{
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) append_literal(out, pattern[++i]);
        else if (pattern[i] == '*') out.append(any).append("*");
        else if (pattern[i] == '?') out.append(any);
        else append_literal(out, pattern[i]);
    }
    return out;
}

bool has_wildcard(std::string_view pattern)
{
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') ++i;
        else if (pattern[i] == '*' || pattern[i] == '?') return true;
    }
    return false;
}

std::string unescaped(std::string_view pattern)
{
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        out += pattern[i];
    }
    return out;
}

}  // namespace boxship::drive::haproxy
