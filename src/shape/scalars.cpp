#include "shape/scalars.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/strings.h"
#include "shape/json_value.h"
#include "shape/slots.h"

namespace boxship::shape {

std::optional<double> parse_real(std::string_view digits)
{
    if (digits == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (digits == "Infinity") return std::numeric_limits<double>::infinity();
    if (digits == "-Infinity") return -std::numeric_limits<double>::infinity();
    const auto value = parse_number<double>(digits);
    return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> parse_whole(std::string_view digits)
{
    if (const auto value = parse_number<std::int64_t>(digits)) return value;
    const auto real = parse_real(digits);
    if (!real || std::trunc(*real) != *real || std::abs(*real) > 9007199254740992.0) return std::nullopt;
    return static_cast<std::int64_t>(*real);
}

std::optional<Time> parse_epoch(std::string_view digits)
{
    const auto seconds = parse_real(digits);
    if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) > 1e14) return std::nullopt;
    return Time{static_cast<std::int64_t>(std::llround(*seconds * 1000))};
}

std::string to_epoch(Time time)
{
    const std::int64_t magnitude = time.ms < 0 ? -time.ms : time.ms;
    std::string text = time.ms < 0 ? "-" : "";
    text += std::to_string(magnitude / 1000);
    if (magnitude % 1000 == 0) return text;
    std::string fraction = std::to_string(1000 + magnitude % 1000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    return text + '.' + fraction;
}

std::optional<Time> parse_iso8601(std::string_view text)
{
    std::size_t at = 0;
    bool good = true;
    const auto number = [&](std::size_t digits) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i, ++at) {
            if (at >= text.size() || text[at] < '0' || text[at] > '9') {
                good = false;
                return 0;
            }
            value = value * 10 + (text[at] - '0');
        }
        return value;
    };
    const auto mark = [&](std::string_view any) {
        if (at < text.size() && any.find(text[at]) != std::string_view::npos) return text[at++];
        good = false;
        return '\0';
    };
    const int year = number(4);
    mark("-");
    const int month = number(2);
    mark("-");
    const int day = number(2);
    mark("Tt");
    const int hour = number(2);
    mark(":");
    const int minute = number(2);
    mark(":");
    const int second = number(2);
    std::int64_t ms = 0;
    if (good && at < text.size() && text[at] == '.') {
        int scale = 100;
        for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) ms += (text[at] - '0') * scale;
    }
    std::int64_t offset = 0;
    if (const char zone = good ? mark("Zz+-") : '\0'; zone == '+' || zone == '-') {
        offset = number(2) * 60;
        mark(":");
        offset += number(2);
        if (zone == '-') offset = -offset;
    }
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!good || at != text.size() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return Time{(((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + ms};
}

bool read_text(const TypeInfo& type, std::string_view text, void* value)
{
    const auto store = [&](auto parsed, auto& target) {
        if (parsed) target = static_cast<std::decay_t<decltype(target)>>(*parsed);
        return parsed.has_value();
    };
    switch (type.kind) {
    case Kind::string:
    case Kind::document: as<Str>(value) = text; return true;
    case Kind::blob: return store(from_base64(text), as<Str>(value));
    case Kind::boolean:
        as<bool>(value) = equals_ignoring_case(text, "true");
        return as<bool>(value) || equals_ignoring_case(text, "false");
    case Kind::int32: {
        const auto whole = parse_whole(text);
        if (!whole || *whole < INT32_MIN || *whole > INT32_MAX) return false;
        as<std::int32_t>(value) = static_cast<std::int32_t>(*whole);
        return true;
    }
    case Kind::int64: return store(parse_whole(text), as<std::int64_t>(value));
    case Kind::float32: return store(parse_real(text), as<float>(value));
    case Kind::float64: return store(parse_real(text), as<double>(value));
    case Kind::timestamp: {
        const auto time = parse_iso8601(text);
        return store(time ? time : parse_epoch(text), as<Time>(value));
    }
    case Kind::enumeration: as<std::uint16_t>(value) = type.values->parse(text); return true;
    case Kind::record:
    case Kind::list:
    case Kind::map: break;
    }
    return false;
}

void append_text(std::string& out, const TypeInfo& type, const void* value)
{
    switch (type.kind) {
    case Kind::string:
    case Kind::document: out += as<Str>(value).view(); break;
    case Kind::blob: out += to_base64(as<Str>(value).view()); break;
    case Kind::boolean: out += as<bool>(value) ? "true" : "false"; break;
    case Kind::int32: out += std::to_string(as<std::int32_t>(value)); break;
    case Kind::int64: out += std::to_string(as<std::int64_t>(value)); break;
    case Kind::float32:
    case Kind::float64: {
        const double real = type.kind == Kind::float32 ? as<float>(value) : as<double>(value);
        if (std::isnan(real)) out += "NaN";
        else if (std::isinf(real)) out += real > 0 ? "Infinity" : "-Infinity";
        else append_json_number(out, real);
        break;
    }
    case Kind::timestamp: out += to_iso8601(as<Time>(value)); break;
    case Kind::enumeration: out += type.values->text(as<std::uint16_t>(value)); break;
    case Kind::record:
    case Kind::list:
    case Kind::map: break;
    }
}

std::string_view kind_name(Kind kind)
{
    switch (kind) {
    case Kind::string:
    case Kind::enumeration: return "a String";
    case Kind::boolean: return "a Boolean";
    case Kind::int32: return "an Integer";
    case Kind::int64: return "a Long";
    case Kind::float32: return "a Float";
    case Kind::float64: return "a Double";
    case Kind::timestamp: return "a Timestamp";
    case Kind::blob: return "a Blob";
    case Kind::document: return "a Document";
    case Kind::record: return "a structure";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
    }
    return "a value";
}

}  // namespace boxship::shape
