// Free-form JSON as a value, for texts that no model describes: manifests, protocol frames, --json output.
// Requests and answers of the AWS APIs are records instead (shape/types.h).
//
//     auto manifest = Json::parse(text);                       // Outcome<Json, std::string>
//     if (!manifest) return HostError{manifest.error()};
//     for (const Json& layer : (*manifest)["layers"].as_array()) use(layer.get_string("digest"));
//     Json frame = Json::object({{"type", "AckRequest"}, {"message", Json::object({{"messageId", id}})}});
//     send(frame.dump());
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace boxship::shape {

struct JsonMember;

class Json {
public:
    using Array = std::vector<Json>;
    using Object = std::vector<JsonMember>;  // in the order written; keys are unique

    // Written out below: JsonMember must be complete where a value may be destroyed.
    Json();  // null
    Json(std::nullptr_t);
    Json(bool value);
    template <class N>
        requires(std::integral<N> && !std::same_as<N, bool>)
    Json(N value);
    Json(double value);
    Json(std::string value);
    Json(std::string_view value);
    Json(const char* value);
    Json(Array value);
    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(const Json& other);
    Json& operator=(Json&& other) noexcept;
    ~Json();

    static Json object(std::initializer_list<JsonMember> members = {});
    static Json array(std::initializer_list<Json> elements = {});

    // The error says what was expected and where. A repeated key keeps its last value. Depth is limited (json_reader.h).
    static Outcome<Json, std::string> parse(std::string_view text);

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_bool() const { return std::holds_alternative<bool>(value_); }
    bool is_int64() const { return std::holds_alternative<std::int64_t>(value_); }
    bool is_number() const { return is_int64() || std::holds_alternative<double>(value_); }
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<Array>(value_); }
    bool is_object() const { return std::holds_alternative<Object>(value_); }

    // Reading never fails: a value of another kind reads as false, 0, "" or empty. Ask is_…() where it matters.
    bool as_bool() const;
    std::int64_t as_int64() const;  // a double reads as 0 unless it is a whole number in range
    double as_double() const;
    const std::string& as_string() const;
    const Array& as_array() const;
    const Object& as_object() const;

    const Json* find(std::string_view key) const;        // nullptr: not an object, or no such key
    const Json& operator[](std::string_view key) const;  // null when absent, so that look-ups chain
    bool has(std::string_view key) const { return find(key) != nullptr; }

    // The member if it is there and of that kind, else the fallback.
    std::string get_string(std::string_view key, std::string_view fallback = {}) const;
    std::int64_t get_int64(std::string_view key, std::int64_t fallback = 0) const;
    double get_double(std::string_view key, double fallback = 0) const;
    bool get_bool(std::string_view key, bool fallback = false) const;

    // Changing. set() and push_back() turn a null into an object or array; any other kind is a CHECK failure.
    Json& set(std::string_view key, Json value);  // replaces in place or appends; returns the stored value
    bool erase(std::string_view key);
    Json& push_back(Json value);
    Json* find(std::string_view key);
    Array& edit_array();
    Object& edit_object();

    std::string dump() const;               // one line, no spaces
    std::string dump_pretty() const;        // indented by four spaces, no newline at the end
    friend bool operator==(const Json& a, const Json& b);  // objects compare in order

private:
    void append_to(std::string& text, int indent) const;  // indent < 0: one line

    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonMember {
    std::string key;
    Json value;
    bool operator==(const JsonMember&) const = default;
};

inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(bool value) : value_(value) {}
template <class N>
    requires(std::integral<N> && !std::same_as<N, bool>)
Json::Json(N value) : value_(static_cast<std::int64_t>(value))
{
}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(Array value) : value_(std::move(value)) {}
inline Json::Json(const Json& other) = default;
inline Json::Json(Json&& other) noexcept = default;
inline Json& Json::operator=(const Json& other) = default;
inline Json& Json::operator=(Json&& other) noexcept = default;
inline Json::~Json() = default;

// A number as JSON writes it: no exponent, shortest form that reads back the same, "0.1", "12345".
void append_json_number(std::string& text, double value);

}  // namespace boxship::shape
