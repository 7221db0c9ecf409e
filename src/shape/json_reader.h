// A pull parser for JSON text: the one place that knows the grammar. It never allocates for strings without escapes,
// checks UTF-8, and stops at the first error, which it keeps with its place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace boxship::shape {

// More levels of arrays and objects than any client sends; deeper text is refused, so recursion is bounded.
inline constexpr int json_depth_max = 100;

enum class JsonKind { null, boolean, number, string, array, object, bad };

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : text_(text) {}

    // What the next value is, by its first character; `bad` at the end of the text or at a stray character.
    JsonKind peek();

    // Each of these consumes one value, or returns false with the error set. Views live until the next read.
    bool read_null();
    bool read_bool(bool& value);
    bool read_number(std::string_view& digits);  // exactly as written, grammar checked
    bool read_string(std::string_view& value);
    bool skip_value();

    // begin_object(), then read a value after each next_key() that returns true; false means the end or an error.
    bool begin_object();
    bool next_key(std::string_view& key);
    bool begin_array();
    bool next_element();

    // Only whitespace may follow.
    bool at_end();

    bool ok() const { return error_.empty(); }
    const std::string& error() const { return error_; }  // "unexpected character 'x' at offset 12"
    bool fail(std::string message);                       // keeps the first; always false

    std::size_t offset() const { return at_; }
    std::string_view text() const { return text_; }

private:
    void skip_space();
    bool unexpected(std::string_view wanted);
    bool read_word(std::string_view word);
    bool read_string_with_escapes(std::size_t begin);
    bool read_escape();
    bool read_hex4(std::uint32_t& unit);
    bool check_utf8(std::string_view bytes);
    bool enter();

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool first_ = false;  // the innermost container has no element yet
    std::string scratch_;
    std::string error_;
};

bool is_utf8(std::string_view bytes);
void append_utf8(std::string& text, std::uint32_t code_point);

// Appends `value` as a JSON string, quotes included.
void append_json_string(std::string& text, std::string_view value);

}  // namespace boxship::shape
