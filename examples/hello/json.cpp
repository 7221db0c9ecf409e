#include "json.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace hello {
namespace {

constexpr int depth_max = 32;

class Parser {
public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Json whole()
    {
        Json value = this->value(0);
        skip_space();
        return ok_ && rest_.empty() ? value : Json();
    }

private:
    void skip_space()
    {
        while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
    }
    bool take(char c)
    {
        skip_space();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    Json fail()
    {
        ok_ = false;
        rest_ = {};
        return {};
    }

    Json value(int depth)
    {
        if (depth > depth_max) return fail();
        Json json;
        if (take('{')) {
            json.kind = Json::Kind::object;
            if (take('}')) return json;
            do {
                if (!take('"')) return fail();
                std::string name = string();
                if (!take(':')) return fail();
                json.names.push_back(std::move(name));
                json.elements.push_back(value(depth + 1));
            } while (ok_ && take(','));
            return take('}') ? json : fail();
        }
        if (take('[')) {
            json.kind = Json::Kind::array;
            if (take(']')) return json;
            do {
                json.elements.push_back(value(depth + 1));
            } while (ok_ && take(','));
            return take(']') ? json : fail();
        }
        json.kind = Json::Kind::scalar;
        if (take('"')) {
            json.text = string();
            return json;
        }
        while (!rest_.empty() && std::string_view(",]} \t\r\n").find(rest_.front()) == std::string_view::npos) {
            json.text += rest_.front();
            rest_.remove_prefix(1);
        }
        return json.text.empty() ? fail() : json;
    }

    std::string string()  // after its opening quote
    {
        std::string text;
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return text;
            if (c != '\\') {
                text += c;
                continue;
            }
            if (rest_.empty()) break;
            const char escaped = rest_.front();
            rest_.remove_prefix(1);
            switch (escaped) {
            case 'b': text += '\b'; break;
            case 'f': text += '\f'; break;
            case 'n': text += '\n'; break;
            case 'r': text += '\r'; break;
            case 't': text += '\t'; break;
            case 'u': append_code_point(text); break;
            default: text += escaped;
            }
        }
        fail();
        return {};
    }

    std::uint32_t four_digits()
    {
        std::uint32_t unit = 0;
        for (int i = 0; i < 4; ++i) {
            const std::size_t digit = rest_.empty() ? std::string_view::npos : std::string_view("0123456789abcdef").find(rest_.front() | 0x20);
            if (digit == std::string_view::npos) {
                fail();
                return 0;
            }
            unit = unit << 4 | static_cast<std::uint32_t>(digit);
            rest_.remove_prefix(1);
        }
        return unit;
    }

    void append_code_point(std::string& text)
    {
        std::uint32_t code = four_digits();
        if (code >= 0xd800 && code < 0xdc00 && rest_.substr(0, 2) == "\\u") {
            rest_.remove_prefix(2);
            code = 0x10000 + ((code - 0xd800) << 10) + (four_digits() & 0x3ff);
        }
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else if (code < 0x800) {
            text += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
        } else if (code < 0x10000) {
            text += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))};
        } else {
            text += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3f)),
                     static_cast<char>(0x80 | (code >> 6 & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))};
        }
    }

    std::string_view rest_;
    bool ok_ = true;
};

const Json none;

}  // namespace

const Json& Json::operator[](std::string_view name) const
{
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? none : elements[static_cast<std::size_t>(found - names.begin())];
}

const Json& Json::first() const
{
    return kind == Kind::array && !elements.empty() ? elements.front() : none;
}

Json parse_json(std::string_view text)
{
    return Parser(text).whole();
}

std::string json_quoted(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            quoted += escape;
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

}  // namespace hello
