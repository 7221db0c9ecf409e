#include "shape/json_value.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/numbers.h"
#include "shape/json_reader.h"

namespace boxship::shape {

namespace {

const Json null_json;

template <class T>
const T& empty_value()
{
    static const T value{};
    return value;
}

Json read_value(JsonReader& reader);

Json read_number_value(JsonReader& reader)
{
    std::string_view digits;
    if (!reader.read_number(digits)) return {};
    if (const auto whole = parse_number<std::int64_t>(digits)) return *whole;
    if (const auto value = parse_number<double>(digits)) return *value;
    reader.fail("number out of range: " + std::string(digits.substr(0, 40)));
    return {};
}

// Of repeated keys the last value counts, in the first one's place. By sorting, so that an object of a million keys costs
// no more than its size.
void keep_last_of_repeated(Json::Object& members)
{
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return members[a].key < members[b].key; });
    std::vector<bool> replaced(members.size());
    bool any = false;
    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
        for (end = begin + 1; end < order.size() && members[order[end]].key == members[order[begin]].key; ++end) {
            members[order[begin]].value = std::move(members[order[end]].value);
            any = replaced[order[end]] = true;
        }
    }
    if (!any) return;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (replaced[i]) continue;
        if (kept != i) members[kept] = std::move(members[i]);
        ++kept;
    }
    members.resize(kept);
}

Json read_object_value(JsonReader& reader)
{
    Json object = Json::object();
    Json::Object& members = object.edit_object();
    std::string_view key;
    reader.begin_object();
    while (reader.ok() && reader.next_key(key)) {
        std::string name(key);
        members.push_back({std::move(name), read_value(reader)});
    }
    if (members.size() > 1) keep_last_of_repeated(members);
    return object;
}

Json read_array_value(JsonReader& reader)
{
    Json::Array array;
    reader.begin_array();
    while (reader.ok() && reader.next_element()) array.push_back(read_value(reader));
    return array;
}

Json read_value(JsonReader& reader)
{
    switch (reader.peek()) {
    case JsonKind::null: reader.read_null(); return {};
    case JsonKind::boolean: {
        bool value = false;
        reader.read_bool(value);
        return value;
    }
    case JsonKind::number: return read_number_value(reader);
    case JsonKind::string: {
        std::string_view value;
        reader.read_string(value);
        return std::string(value);
    }
    case JsonKind::array: return read_array_value(reader);
    case JsonKind::object: return read_object_value(reader);
    case JsonKind::bad: reader.skip_value(); return {};
    }
    return {};
}

}  // namespace

Json Json::object(std::initializer_list<JsonMember> members)
{
    Json json;
    json.value_ = Object();
    for (const auto& member : members) json.set(member.key, member.value);
    return json;
}

Json Json::array(std::initializer_list<Json> elements)
{
    return Array(elements);
}

Outcome<Json, std::string> Json::parse(std::string_view text)
{
    JsonReader reader(text);
    Json json = read_value(reader);
    reader.at_end();
    if (!reader.ok()) return reader.error();
    return json;
}

bool Json::as_bool() const
{
    const auto* value = std::get_if<bool>(&value_);
    return value && *value;
}

std::int64_t Json::as_int64() const
{
    if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
    const auto* real = std::get_if<double>(&value_);
    if (!real || std::trunc(*real) != *real || std::abs(*real) >= 9.2e18) return 0;
    return static_cast<std::int64_t>(*real);
}

double Json::as_double() const
{
    if (const auto* value = std::get_if<double>(&value_)) return *value;
    const auto* whole = std::get_if<std::int64_t>(&value_);
    return whole ? static_cast<double>(*whole) : 0;
}

const std::string& Json::as_string() const
{
    const auto* value = std::get_if<std::string>(&value_);
    return value ? *value : empty_value<std::string>();
}

const Json::Array& Json::as_array() const
{
    const auto* value = std::get_if<Array>(&value_);
    return value ? *value : empty_value<Array>();
}

const Json::Object& Json::as_object() const
{
    const auto* value = std::get_if<Object>(&value_);
    return value ? *value : empty_value<Object>();
}

const Json* Json::find(std::string_view key) const
{
    for (const auto& member : as_object()) {
        if (member.key == key) return &member.value;
    }
    return nullptr;
}

Json* Json::find(std::string_view key)
{
    return const_cast<Json*>(std::as_const(*this).find(key));
}

const Json& Json::operator[](std::string_view key) const
{
    const Json* value = find(key);
    return value ? *value : null_json;
}

std::string Json::get_string(std::string_view key, std::string_view fallback) const
{
    const Json& value = (*this)[key];
    return value.is_string() ? value.as_string() : std::string(fallback);
}

std::int64_t Json::get_int64(std::string_view key, std::int64_t fallback) const
{
    const Json& value = (*this)[key];
    return value.is_number() ? value.as_int64() : fallback;
}

double Json::get_double(std::string_view key, double fallback) const
{
    const Json& value = (*this)[key];
    return value.is_number() ? value.as_double() : fallback;
}

bool Json::get_bool(std::string_view key, bool fallback) const
{
    const Json& value = (*this)[key];
    return value.is_bool() ? value.as_bool() : fallback;
}

Json::Object& Json::edit_object()
{
    if (is_null()) value_ = Object();
    CHECK(is_object());
    return std::get<Object>(value_);
}

Json::Array& Json::edit_array()
{
    if (is_null()) value_ = Array();
    CHECK(is_array());
    return std::get<Array>(value_);
}

Json& Json::set(std::string_view key, Json value)
{
    Object& members = edit_object();
    if (Json* old = find(key)) return *old = std::move(value);
    return members.emplace_back(JsonMember{std::string(key), std::move(value)}).value;
}

bool Json::erase(std::string_view key)
{
    if (!is_object()) return false;
    return std::erase_if(edit_object(), [&](const JsonMember& member) { return member.key == key; }) != 0;
}

Json& Json::push_back(Json value)
{
    return edit_array().emplace_back(std::move(value));
}

bool operator==(const Json& a, const Json& b)
{
    return a.value_ == b.value_;
}

void append_json_number(std::string& text, double value)
{
    if (!std::isfinite(value)) {
        text += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
        return;
    }
    char buffer[400];  // the longest double without exponent has some 330 characters
    const auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    text.append(buffer, end);
}

void Json::append_to(std::string& text, int indent) const
{
    const auto line = [&](int level) {
        if (indent < 0) return;
        text.push_back('\n');
        text.append(static_cast<std::size_t>(level) * 4, ' ');
    };
    const int inner = indent < 0 ? -1 : indent + 1;
    if (is_null()) {
        text += "null";
    } else if (const auto* flag = std::get_if<bool>(&value_)) {
        text += *flag ? "true" : "false";
    } else if (const auto* whole = std::get_if<std::int64_t>(&value_)) {
        text += std::to_string(*whole);
    } else if (const auto* real = std::get_if<double>(&value_)) {
        append_json_number(text, *real);
    } else if (is_string()) {
        append_json_string(text, as_string());
    } else if (is_array()) {
        text.push_back('[');
        bool first = true;
        for (const Json& element : as_array()) {
            if (!std::exchange(first, false)) text.push_back(',');
            line(inner);
            element.append_to(text, inner);
        }
        if (!first) line(indent);
        text.push_back(']');
    } else {
        text.push_back('{');
        bool first = true;
        for (const auto& [key, value] : as_object()) {
            if (!std::exchange(first, false)) text.push_back(',');
            line(inner);
            append_json_string(text, key);
            text += indent < 0 ? ":" : ": ";
            value.append_to(text, inner);
        }
        if (!first) line(indent);
        text.push_back('}');
    }
}

std::string Json::dump() const
{
    std::string text;
    append_to(text, -1);
    return text;
}

std::string Json::dump_pretty() const
{
    std::string text;
    append_to(text, 0);
    return text;
}

}  // namespace boxship::shape
