#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "shape/json_reader.h"
#include "shape/read.h"
#include "shape/scalars.h"
#include "shape/slots.h"

namespace boxship::shape {

namespace {

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decode(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

class QueryReader {
public:
    QueryReader(std::vector<FormField> fields, bool ec2, std::vector<UnknownEnum>* unknown)
        : fields_(std::move(fields)), ec2_(ec2), unknown_(unknown)
    {
        std::stable_sort(fields_.begin(), fields_.end(), [](const FormField& a, const FormField& b) { return a.name < b.name; });
    }

    Result<> read(RecordRef into)
    {
        for (const FormField& field : fields_) {
            if (!is_utf8(field.name) || !is_utf8(field.value)) fail("invalid UTF-8 in the form");
        }
        if (error_.empty()) record(*into.info, into.data, "", nullptr, 0);
        if (!error_.empty()) return ApiError{"MalformedInput", error_, 400};
        return {};
    }

private:
    // The last field of exactly this name.
    const std::string* find(const std::string& name) const
    {
        const auto after = std::upper_bound(fields_.begin(), fields_.end(), name,
                                            [](std::string_view n, const FormField& field) { return n < field.name; });
        return after == fields_.begin() || (after - 1)->name != name ? nullptr : &(after - 1)->value;
    }

    std::vector<FormField>::const_iterator first_below(const std::string& prefix) const
    {
        return std::lower_bound(fields_.begin(), fields_.end(), prefix,
                                [](const FormField& field, std::string_view p) { return field.name < p; });
    }

    bool has_below(const std::string& prefix) const
    {
        const auto at = first_below(prefix);
        return at != fields_.end() && at->name.starts_with(prefix);
    }

    // The numbers N for which some field begins with `prefix` and N, ascending.
    std::vector<std::uint32_t> numbers_below(const std::string& prefix) const
    {
        std::vector<std::uint32_t> numbers;
        for (auto at = first_below(prefix); at != fields_.end() && at->name.starts_with(prefix); ++at) {
            std::uint32_t number = 0;
            const char* begin = at->name.data() + prefix.size();
            const char* end = at->name.data() + at->name.size();
            const auto [stop, error] = std::from_chars(begin, end, number);
            if (error != std::errc() || (stop != end && *stop != '.') || *begin == '0') continue;
            numbers.push_back(number);
        }
        std::sort(numbers.begin(), numbers.end());
        numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
        return numbers;
    }

    bool record(const RecordInfo& info, void* data, const std::string& prefix, const Path* up, int depth)
    {
        if (depth > json_depth_max) return fail(fmt::format("nested deeper than {} levels", json_depth_max));
        for (const MemberInfo& member : info.members) {
            const std::string name = prefix + std::string(member.query_name);
            const Path path{up, member.name};
            if (!this->member(member, data, name, path, depth)) return false;
        }
        return true;
    }

    bool member(const MemberInfo& member, void* data, const std::string& name, const Path& path, int depth)
    {
        const TypeInfo& type = *member.type;
        switch (type.kind) {
        case Kind::record:
            return !has_below(name + '.') || record(*type.record, make(member, data), name + '.', &path, depth + 1);
        case Kind::list: {
            const bool plain = ec2_ || member.flat;
            return list(type, data, member, plain ? name + '.' : fmt::format("{}.{}.", name, member.item), name, path, depth);
        }
        case Kind::map: return map(type, data, member, name, path, depth);
        default:
            if (const std::string* text = find(name)) return scalar(type, *text, make(member, data), path);
            return true;
        }
    }

    bool list(const TypeInfo& type, void* data, const MemberInfo& member, const std::string& prefix, const std::string& name,
              const Path& path, int depth)
    {
        const auto numbers = numbers_below(prefix);
        const std::string* empty = find(name);
        if (numbers.empty() && (!empty || !empty->empty())) return true;
        auto& into = as<ListBase>(make(member, data));
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (!count_element()) return false;
            void* slot = into.append(size_of(*type.element));
            const Path place{&path, {}, i + 1};
            if (!element(*type.element, slot, prefix + std::to_string(numbers[i]), place, depth)) return false;
        }
        return true;
    }

    bool map(const TypeInfo& type, void* data, const MemberInfo& member, const std::string& name, const Path& path, int depth)
    {
        const std::string prefix = member.flat ? name + '.' : name + ".entry.";
        const auto numbers = numbers_below(prefix);
        const std::string* empty = find(name);
        if (numbers.empty() && (!empty || !empty->empty())) return true;
        auto& into = as<ListBase>(make(member, data));
        for (const std::uint32_t number : numbers) {
            if (!count_element()) return false;
            const std::string entry_prefix = fmt::format("{}{}.", prefix, number);
            const std::string* key = find(entry_prefix + std::string(member.key));
            if (!key) return fail(fmt::format("map entry {} of '{}' has no key", number, to_text(path)));
            auto* entry = static_cast<std::byte*>(into.append(entry_size(*type.element)));
            as<Str>(entry) = *key;
            const Path place{&path, *key};
            if (!element(*type.element, entry + entry_value_offset, entry_prefix + std::string(member.value), place, depth)) return false;
        }
        into.sort_entries(entry_size(*type.element), *type.element);
        return true;
    }

    bool element(const TypeInfo& type, void* slot, const std::string& name, const Path& path, int depth)
    {
        switch (type.kind) {
        case Kind::record: return record(*type.record, slot, name + '.', &path, depth + 1);
        case Kind::list:
        case Kind::map: return fail(fmt::format("'{}': nested collections are not supported here", to_text(path)));
        default: break;
        }
        const std::string* text = find(name);
        return text ? scalar(type, *text, slot, path) : fail(fmt::format("'{}' expected {}", to_text(path), kind_name(type.kind)));
    }

    bool scalar(const TypeInfo& type, const std::string& text, void* into, const Path& path)
    {
        if (!read_text(type, text, into))
            return fail(fmt::format("STRING_VALUE can not be converted to {} at '{}'", kind_name(type.kind), to_text(path)));
        if (type.kind == Kind::enumeration && as<std::uint16_t>(into) == 0 && unknown_) unknown_->push_back({to_text(path), text});
        return true;
    }

    bool count_element()
    {
        return ++elements_ <= read_elements_max || fail(fmt::format("more than {} list elements", read_elements_max));
    }

    bool fail(std::string message)
    {
        if (error_.empty()) error_ = std::move(message);
        return false;
    }

    std::vector<FormField> fields_;
    bool ec2_;
    std::vector<UnknownEnum>* unknown_;
    std::size_t elements_ = 0;
    std::string error_;
};

}  // namespace

std::vector<FormField> parse_form(std::string_view form)
{
    std::vector<FormField> fields;
    while (!form.empty()) {
        const std::size_t end = form.find('&');
        const std::string_view pair = form.substr(0, end);
        form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        fields.push_back({decode(pair.substr(0, equals)),
                          equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1))});
    }
    return fields;
}

Result<> read_query(std::string_view form, RecordRef into, std::vector<UnknownEnum>* unknown)
{
    return QueryReader(parse_form(form), false, unknown).read(into);
}

Result<> read_ec2(std::string_view form, RecordRef into, std::vector<UnknownEnum>* unknown)
{
    return QueryReader(parse_form(form), true, unknown).read(into);
}

}  // namespace boxship::shape
