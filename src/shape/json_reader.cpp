#include "shape/json_reader.h"

#include <cstring>

#include <fmt/format.h>

namespace boxship::shape {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of the well-formed UTF-8 sequence at the front of `bytes`, or 0.
std::size_t utf8_length(std::string_view bytes)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < bytes.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : 0xBF;  // no surrogates
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

bool is_utf8(std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t length = utf8_length(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

void append_utf8(std::string& text, std::uint32_t c)
{
    const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

namespace {

// Is one of these eight bytes a control character, DEL, a quotation mark or a backslash? May say yes for one beyond ASCII.
bool may_need_escape(const char* eight)
{
    constexpr std::uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    std::uint64_t bytes;
    std::memcpy(&bytes, eight, sizeof bytes);
    const auto has = [bytes](std::uint64_t c) {
        const std::uint64_t same = bytes ^ (ones * c);
        return (same - ones) & ~same;
    };
    return (((bytes - ones * 0x20) | has('"') | has('\\') | has(0x7F)) & high) != 0;
}

}  // namespace

void append_json_string(std::string& text, std::string_view value)
{
    text.push_back('"');
    std::size_t plain = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (i + 8 <= value.size() && !may_need_escape(value.data() + i)) {
            i += 7;
            continue;
        }
        const auto c = static_cast<unsigned char>(value[i]);
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
        text.append(value.substr(plain, i - plain));
        plain = i + 1;
        switch (c) {
        case '"': text += "\\\""; break;
        case '\\': text += "\\\\"; break;
        case '\n': text += "\\n"; break;
        case '\r': text += "\\r"; break;
        case '\t': text += "\\t"; break;
        default: fmt::format_to(std::back_inserter(text), "\\u{:04x}", c);
        }
    }
    text.append(value.substr(plain));
    text.push_back('"');
}

bool JsonReader::fail(std::string message)
{
    if (error_.empty()) error_ = std::move(message);
    return false;
}

bool JsonReader::unexpected(std::string_view wanted)
{
    if (at_ >= text_.size()) return fail(fmt::format("unexpected end of input, expected {}", wanted));
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c < 0x20 || c >= 0x7F) return fail(fmt::format("unexpected byte 0x{:02x} at offset {}, expected {}", c, at_, wanted));
    return fail(fmt::format("unexpected character '{}' at offset {}, expected {}", static_cast<char>(c), at_, wanted));
}

void JsonReader::skip_space()
{
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
        ++at_;
    }
}

JsonKind JsonReader::peek()
{
    skip_space();
    if (!ok() || at_ >= text_.size()) return JsonKind::bad;
    switch (const char c = text_[at_]) {
    case 'n': return JsonKind::null;
    case 't':
    case 'f': return JsonKind::boolean;
    case '"': return JsonKind::string;
    case '[': return JsonKind::array;
    case '{': return JsonKind::object;
    default: return c == '-' || is_digit(c) ? JsonKind::number : JsonKind::bad;
    }
}

bool JsonReader::read_word(std::string_view word)
{
    skip_space();
    if (!ok()) return false;
    if (text_.substr(at_, word.size()) != word) return unexpected(word);
    at_ += word.size();
    return true;
}

bool JsonReader::read_null() { return read_word("null"); }

bool JsonReader::read_bool(bool& value)
{
    skip_space();
    value = at_ < text_.size() && text_[at_] == 't';
    return read_word(value ? "true" : "false");
}

bool JsonReader::read_number(std::string_view& digits)
{
    skip_space();
    if (!ok()) return false;
    const std::size_t begin = at_;
    const auto run = [&] {
        if (at_ >= text_.size() || !is_digit(text_[at_])) return unexpected("a digit");
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        return true;
    };
    if (at_ < text_.size() && text_[at_] == '-') ++at_;
    if (at_ < text_.size() && text_[at_] == '0') {
        ++at_;
        if (at_ < text_.size() && is_digit(text_[at_])) return unexpected("no digit after a leading zero");
    } else if (!run()) {
        return false;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
        ++at_;
        if (!run()) return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
        if (!run()) return false;
    }
    digits = text_.substr(begin, at_ - begin);
    return true;
}

bool JsonReader::check_utf8(std::string_view bytes)
{
    return is_utf8(bytes) || fail(fmt::format("invalid UTF-8 in the string that ends at offset {}", at_));
}

bool JsonReader::read_string(std::string_view& value)
{
    skip_space();
    if (!ok()) return false;
    if (at_ >= text_.size() || text_[at_] != '"') return unexpected("a string");
    const std::size_t begin = ++at_;
    bool ascii = true;
    for (; at_ < text_.size(); ++at_) {
        const auto c = static_cast<unsigned char>(text_[at_]);
        if (c == '"') {
            value = text_.substr(begin, at_ - begin);
            if (!ascii && !check_utf8(value)) return false;
            ++at_;
            return true;
        }
        if (c == '\\') {
            if (!read_string_with_escapes(begin)) return false;
            value = scratch_;
            return check_utf8(value);
        }
        if (c < 0x20) return unexpected("no control character inside a string");
        if (c >= 0x80) ascii = false;
    }
    return unexpected("the end of a string");
}

bool JsonReader::read_string_with_escapes(std::size_t begin)
{
    scratch_.assign(text_.substr(begin, at_ - begin));
    while (at_ < text_.size()) {
        const auto c = static_cast<unsigned char>(text_[at_]);
        if (c == '"') {
            ++at_;
            return true;
        }
        if (c < 0x20) return unexpected("no control character inside a string");
        if (c == '\\') {
            ++at_;
            if (!read_escape()) return false;
            continue;
        }
        scratch_.push_back(static_cast<char>(c));
        ++at_;
    }
    return unexpected("the end of a string");
}

bool JsonReader::read_hex4(std::uint32_t& unit)
{
    unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
        const char c = at_ < text_.size() ? text_[at_] : '\0';
        unit <<= 4;
        if (is_digit(c)) unit |= static_cast<std::uint32_t>(c - '0');
        else if (c >= 'a' && c <= 'f') unit |= static_cast<std::uint32_t>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') unit |= static_cast<std::uint32_t>(c - 'A' + 10);
        else return unexpected("four hexadecimal digits");
    }
    return true;
}

bool JsonReader::read_escape()
{
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    switch (c) {
    case '"':
    case '\\':
    case '/': scratch_.push_back(c); break;
    case 'b': scratch_.push_back('\b'); break;
    case 'f': scratch_.push_back('\f'); break;
    case 'n': scratch_.push_back('\n'); break;
    case 'r': scratch_.push_back('\r'); break;
    case 't': scratch_.push_back('\t'); break;
    case 'u': {
        ++at_;
        std::uint32_t unit = 0;
        if (!read_hex4(unit)) return false;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            std::uint32_t low = 0;
            if (text_.substr(at_, 2) != "\\u") return unexpected("the second half of a surrogate pair");
            at_ += 2;
            if (!read_hex4(low)) return false;
            if (low < 0xDC00 || low > 0xDFFF) return fail(fmt::format("unpaired surrogate before offset {}", at_));
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
            return fail(fmt::format("unpaired surrogate before offset {}", at_));
        }
        append_utf8(scratch_, unit);
        return true;
    }
    default: return unexpected("an escape sequence");
    }
    ++at_;
    return true;
}

bool JsonReader::enter()
{
    ++at_;
    first_ = true;
    return ++depth_ <= json_depth_max || fail(fmt::format("nested deeper than {} levels", json_depth_max));
}

bool JsonReader::begin_object()
{
    return (peek() == JsonKind::object || unexpected("an object")) && enter();
}

bool JsonReader::begin_array()
{
    return (peek() == JsonKind::array || unexpected("an array")) && enter();
}

bool JsonReader::next_key(std::string_view& key)
{
    skip_space();
    if (!ok()) return false;
    if (at_ < text_.size() && text_[at_] == '}') {
        ++at_;
        --depth_;
        first_ = false;
        return false;
    }
    if (!first_) {
        if (at_ >= text_.size() || text_[at_] != ',') return unexpected("',' or '}'");
        ++at_;
    }
    first_ = false;
    if (!read_string(key)) return false;
    skip_space();
    if (at_ >= text_.size() || text_[at_] != ':') return unexpected("':'");
    ++at_;
    return true;
}

bool JsonReader::next_element()
{
    skip_space();
    if (!ok()) return false;
    if (at_ < text_.size() && text_[at_] == ']') {
        ++at_;
        --depth_;
        first_ = false;
        return false;
    }
    if (first_) {
        first_ = false;
        return true;
    }
    if (at_ >= text_.size() || text_[at_] != ',') return unexpected("',' or ']'");
    ++at_;
    return true;
}

bool JsonReader::skip_value()
{
    std::string_view ignored;
    bool flag = false;
    switch (peek()) {
    case JsonKind::null: return read_null();
    case JsonKind::boolean: return read_bool(flag);
    case JsonKind::number: return read_number(ignored);
    case JsonKind::string: return read_string(ignored);
    case JsonKind::array:
        if (!begin_array()) return false;
        while (next_element()) {
            if (!skip_value()) return false;
        }
        return ok();
    case JsonKind::object:
        if (!begin_object()) return false;
        while (next_key(ignored)) {
            if (!skip_value()) return false;
        }
        return ok();
    case JsonKind::bad: break;
    }
    return unexpected("a value");
}

bool JsonReader::at_end()
{
    skip_space();
    return ok() && (at_ >= text_.size() || unexpected("the end of the text"));
}

}  // namespace boxship::shape
