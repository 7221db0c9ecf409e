#include "shape/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "shape/pattern.h"
#include "shape/scalars.h"
#include "shape/slots.h"

namespace boxship::shape {

namespace {

constexpr std::size_t shown_value_max = 512;
constexpr std::size_t violations_max = 100;

std::size_t characters(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A value as messages show it: text, [a, b], {k=v}, Tag(key=a, value=b).
void show(std::string& out, const TypeInfo& type, const void* data)
{
    if (out.size() > shown_value_max) return;
    bool first = true;
    const auto comma = [&] { out += std::exchange(first, false) ? "" : ", "; };
    switch (type.kind) {
    case Kind::list:
        out += '[';
        for (std::size_t i = 0; i < as<ListBase>(data).size() && out.size() <= shown_value_max; ++i) {
            comma();
            show(out, *type.element, as<ListBase>(data).at(i, size_of(*type.element)));
        }
        out += ']';
        break;
    case Kind::map:
        out += '{';
        for (std::size_t i = 0; i < as<ListBase>(data).size() && out.size() <= shown_value_max; ++i) {
            const auto* entry = static_cast<const std::byte*>(as<ListBase>(data).at(i, entry_size(*type.element)));
            comma();
            out += as<Str>(entry).view();
            out += '=';
            show(out, *type.element, entry + entry_value_offset);
        }
        out += '}';
        break;
    case Kind::record:
        out += type.record->name;
        out += '(';
        for (const MemberInfo& member : type.record->members) {
            if (!is_present(member, data)) continue;
            comma();
            out += member.name;
            out += '=';
            if (member.sensitive) out += "***Sensitive Data Redacted***";
            else show(out, *member.type, get(member, data));
        }
        out += ')';
        break;
    case Kind::blob: out += "java.nio.HeapByteBuffer"; break;
    default: append_text(out, type, data);
    }
}

std::string enum_rule(const EnumInfo& values)
{
    std::string rule = "Member must satisfy enum value set: [";
    for (std::size_t i = 0; i < values.values.size(); ++i) fmt::format_to(std::back_inserter(rule), "{}{}", i ? ", " : "", values.values[i]);
    return rule + "]";
}

class Checker {
public:
    explicit Checker(std::span<const UnknownEnum> unknown) : unknown_(unknown) {}

    void record(const RecordInfo& info, const void* data, const Path* up)
    {
        std::size_t present = 0;
        for (const MemberInfo& member : info.members) {
            if (violations_.size() >= violations_max) return;
            const Path path{up, member.name};
            if (is_present(member, data)) {
                ++present;
                value(*member.type, get(member, data), path, member.sensitive);
            } else if (member.required) {
                violations_.push_back({to_text(path), "", true, "Member must not be null"});
            }
        }
        if (info.is_union && present != 1)
            violations_.push_back({up ? to_text(*up) : std::string(), "", true, "Member must have exactly one field set"});
    }

    std::vector<Violation> take() { return std::move(violations_); }

private:
    void value(const TypeInfo& type, const void* data, const Path& path, bool sensitive)
    {
        if (violations_.size() >= violations_max) return;
        if (type.kind == Kind::enumeration && as<std::uint16_t>(data) == 0) unknown_enum(type, path, sensitive);
        if (type.limits) limits(type, data, path, sensitive);
        switch (type.kind) {
        case Kind::record: record(*type.record, data, &path); break;
        case Kind::list:
            for (std::size_t i = 0; i < as<ListBase>(data).size(); ++i)
                value(*type.element, as<ListBase>(data).at(i, size_of(*type.element)), Path{&path, {}, i + 1}, sensitive);
            break;
        case Kind::map:
            for (std::size_t i = 0; i < as<ListBase>(data).size(); ++i) {
                const auto* entry = static_cast<const std::byte*>(as<ListBase>(data).at(i, entry_size(*type.element)));
                const Path place{&path, as<Str>(entry).view()};
                if (type.keys && !type.keys->parse(as<Str>(entry)))
                    violations_.push_back({to_text(path), as<Str>(entry).str(), false, "Map keys " + enum_rule(*type.keys).substr(7)});
                value(*type.element, entry + entry_value_offset, place, sensitive);
            }
            break;
        default: break;
        }
    }

    void unknown_enum(const TypeInfo& type, const Path& path, bool sensitive)
    {
        const std::string place = to_text(path);
        const auto at = std::find_if(unknown_.begin(), unknown_.end(), [&](const UnknownEnum& u) { return u.path == place; });
        std::string shown = at == unknown_.end() ? std::string() : at->text.substr(0, shown_value_max);
        if (sensitive) shown = "***Sensitive Data Redacted***";
        violations_.push_back({place, std::move(shown), false, enum_rule(*type.values)});
    }

    void limits(const TypeInfo& type, const void* data, const Path& path, bool sensitive)
    {
        const Limits& limits = *type.limits;
        std::int64_t measure = 0;
        std::string_view what = "length";
        switch (type.kind) {
        case Kind::string: measure = static_cast<std::int64_t>(characters(as<Str>(data))); break;
        case Kind::blob: measure = static_cast<std::int64_t>(as<Str>(data).size()); break;
        case Kind::list:
        case Kind::map: measure = static_cast<std::int64_t>(as<ListBase>(data).size()); break;
        case Kind::int32: measure = as<std::int32_t>(data); what = "value"; break;
        case Kind::int64: measure = as<std::int64_t>(data); what = "value"; break;
        default: return;
        }
        const auto broken = [&](std::string rule) {
            std::string shown;
            if (sensitive) shown = "***Sensitive Data Redacted***";
            else show(shown, type, data);
            violations_.push_back({to_text(path), std::move(shown), false, std::move(rule)});
        };
        if (limits.max != Limits::none_max && measure > limits.max)
            broken(fmt::format("Member must have {} less than or equal to {}", what, limits.max));
        else if (limits.min != Limits::none_min && measure < limits.min)
            broken(fmt::format("Member must have {} greater than or equal to {}", what, limits.min));
        // A pattern is tried only on values of a permitted length, so that its cost is bounded too.
        else if (!limits.pattern.empty() && !matches(limits.pattern, as<Str>(data)))
            broken(fmt::format("Member must satisfy regular expression pattern: {}", limits.shown));
    }

    std::span<const UnknownEnum> unknown_;
    std::vector<Violation> violations_;
};

std::string framework_message(std::span<const Violation> violations)
{
    std::string message = fmt::format("{} validation error{} detected: ", violations.size(), violations.size() == 1 ? "" : "s");
    for (std::size_t i = 0; i < violations.size(); ++i) {
        const Violation& v = violations[i];
        const std::string shown = v.missing ? "null" : fmt::format("'{}'", v.value);
        fmt::format_to(std::back_inserter(message), "{}Value {} at '{}' failed to satisfy constraint: {}", i ? "; " : "", shown, v.path, v.rule);
    }
    return message;
}

// 'must satisfy regular expression 'P'': the registry service's own words.
std::string ecr_rule(std::string rule)
{
    if (rule.starts_with("Member ")) rule.erase(0, 7);
    if (rule.starts_with("must satisfy regular expression pattern: "))
        return fmt::format("must satisfy regular expression '{}'", rule.substr(41));
    if (rule.starts_with("must have length ")) return "Member " + rule;
    return rule;
}

}  // namespace

std::vector<Violation> check(ConstRecordRef record, std::span<const UnknownEnum> unknown)
{
    Checker checker(unknown);
    checker.record(*record.info, record.data, nullptr);
    return checker.take();
}

ApiError to_error(const ServiceInfo& service, std::span<const Violation> violations)
{
    CHECK(!violations.empty());
    const Violation& first = violations.front();
    switch (service.validation) {
    case ValidationStyle::ecr:
        return {"InvalidParameterException",
                fmt::format("Invalid parameter at '{}' failed to satisfy constraint: '{}'", first.path, ecr_rule(first.rule)), 400};
    case ValidationStyle::ec2:
        if (first.missing) return {"MissingParameter", fmt::format("The request must contain the parameter {}", first.path), 400};
        return {"InvalidParameterValue", fmt::format("Value ({}) for parameter {} is invalid. {}", first.value, first.path, first.rule), 400};
    case ValidationStyle::own: return {"InvalidParameterException", framework_message(violations), 400};
    case ValidationStyle::framework: break;
    }
    const bool xml = !service.protocols.empty() && service.protocols[0] == Protocol::query;
    return {xml ? "ValidationError" : "ValidationException", framework_message(violations), 400};
}

Result<> validate(const ServiceInfo& service, ConstRecordRef record, std::span<const UnknownEnum> unknown)
{
    const auto violations = check(record, unknown);
    if (violations.empty()) return {};
    return to_error(service, violations);
}

}  // namespace boxship::shape
