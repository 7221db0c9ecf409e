#include <fmt/format.h>

#include "base/bytes.h"
#include "shape/json_reader.h"
#include "shape/read.h"
#include "shape/scalars.h"
#include "shape/slots.h"

namespace boxship::shape {

namespace {

class JsonRecordReader {
public:
    JsonRecordReader(std::string_view text, std::vector<UnknownEnum>* unknown) : json_(text), unknown_(unknown) {}

    Result<> read(RecordRef into)
    {
        if (json_.peek() == JsonKind::bad && json_.offset() >= json_.text().size()) return {};  // no body at all
        if (json_.peek() != JsonKind::object) wrong(Kind::record, Path{});
        else if (record(*into.info, into.data, nullptr)) json_.at_end();
        if (!json_.ok()) return ApiError{"SerializationException", json_.error(), 400};
        return {};
    }

private:
    bool record(const RecordInfo& info, void* data, const Path* up)
    {
        std::string_view key;
        std::size_t next = 0;  // clients usually send the model's order
        if (!json_.begin_object()) return false;
        while (json_.next_key(key)) {
            const MemberInfo* member = find(info, key, next);
            if (!member) {
                if (!json_.skip_value()) return false;
                continue;
            }
            if (is_present(*member, data)) reset(*member, data);
            if (json_.peek() == JsonKind::null) {
                if (!json_.read_null()) return false;
                continue;
            }
            if (!value(*member->type, make(*member, data), Path{up, member->name})) return false;
        }
        return json_.ok();
    }

    static const MemberInfo* find(const RecordInfo& info, std::string_view key, std::size_t& next)
    {
        const std::size_t count = info.members.size();
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = next + i < count ? next + i : next + i - count;
            if (info.members[at].name != key) continue;
            next = at + 1 < count ? at + 1 : 0;
            return &info.members[at];
        }
        return nullptr;
    }

    bool value(const TypeInfo& type, void* into, const Path& path)
    {
        switch (type.kind) {
        case Kind::record: return json_.peek() == JsonKind::object ? record(*type.record, into, &path) : wrong(type.kind, path);
        case Kind::list: return json_.peek() == JsonKind::array ? list(type, as<ListBase>(into), path) : wrong(type.kind, path);
        case Kind::map: return json_.peek() == JsonKind::object ? map(type, as<ListBase>(into), path) : wrong(type.kind, path);
        case Kind::document: return document(as<Str>(into));
        default: return scalar(type, into, path);
        }
    }

    bool scalar(const TypeInfo& type, void* into, const Path& path)
    {
        std::string_view text;
        switch (type.kind) {
        case Kind::boolean:
            return json_.peek() == JsonKind::boolean ? json_.read_bool(as<bool>(into)) : wrong(type.kind, path);
        case Kind::string:
        case Kind::blob:
        case Kind::enumeration:
            if (json_.peek() != JsonKind::string) return wrong(type.kind, path);
            if (!json_.read_string(text)) return false;
            if (!read_text(type, text, into)) return json_.fail(fmt::format("invalid base64 at '{}'", to_text(path)));
            if (type.kind == Kind::enumeration && as<std::uint16_t>(into) == 0 && unknown_)
                unknown_->push_back({to_text(path), std::string(text)});
            return true;
        default: break;
        }
        const bool real = type.kind == Kind::float32 || type.kind == Kind::float64;
        if (real && json_.peek() == JsonKind::string) {
            if (!json_.read_string(text)) return false;
            if (text != "NaN" && text != "Infinity" && text != "-Infinity")
                return json_.fail(fmt::format("STRING_VALUE can not be converted to {} at '{}'", kind_name(type.kind), to_text(path)));
            return read_text(type, text, into);
        }
        if (json_.peek() != JsonKind::number) return wrong(type.kind, path);
        if (!json_.read_number(text)) return false;
        if (type.kind == Kind::timestamp) {
            const auto time = parse_epoch(text);
            if (time) as<Time>(into) = *time;
            return time || unfit(type, text, path);
        }
        return read_text(type, text, into) || unfit(type, text, path);
    }

    bool list(const TypeInfo& type, ListBase& into, const Path& path)
    {
        const std::size_t stride = size_of(*type.element);
        if (!json_.begin_array()) return false;
        for (std::size_t i = 1; json_.next_element(); ++i) {
            if (!count_element()) return false;
            if (!value(*type.element, into.append(stride), Path{&path, {}, i})) return false;
        }
        return json_.ok();
    }

    bool map(const TypeInfo& type, ListBase& into, const Path& path)
    {
        const std::size_t stride = entry_size(*type.element);
        std::string_view key;
        if (!json_.begin_object()) return false;
        while (json_.next_key(key)) {
            std::string own(key);
            if (json_.peek() == JsonKind::null) {
                if (!json_.read_null()) return false;
                continue;
            }
            if (!count_element()) return false;
            auto* entry = static_cast<std::byte*>(into.append(stride));
            as<Str>(entry) = own;
            if (!value(*type.element, entry + entry_value_offset, Path{&path, own})) return false;
        }
        if (json_.ok()) into.sort_entries(stride, *type.element);
        return json_.ok();
    }

    bool document(Str& into)
    {
        json_.peek();  // to the first character
        const std::size_t begin = json_.offset();
        if (!json_.skip_value()) return false;
        into = json_.text().substr(begin, json_.offset() - begin);
        return true;
    }

    bool count_element()
    {
        return ++elements_ <= read_elements_max || json_.fail(fmt::format("more than {} list elements", read_elements_max));
    }

    bool unfit(const TypeInfo& type, std::string_view digits, const Path& path)
    {
        return json_.fail(
            fmt::format("NUMBER_VALUE {} can not be converted to {} at '{}'", digits.substr(0, 40), kind_name(type.kind), to_text(path)));
    }

    // Says what stands there instead of what is wanted.
    bool wrong(Kind wanted, const Path& path)
    {
        std::string place = to_text(path);
        place = place.empty() ? std::string() : fmt::format(" at '{}'", place);
        switch (json_.peek()) {
        case JsonKind::bad: return json_.skip_value();  // reports the stray character
        case JsonKind::object: return json_.fail(fmt::format("Start of structure or map found where not expected{}, expected {}", place, kind_name(wanted)));
        case JsonKind::array: return json_.fail(fmt::format("Start of list found where not expected{}, expected {}", place, kind_name(wanted)));
        default: break;
        }
        const std::string_view found = token_name();
        if (!json_.skip_value()) return false;
        return json_.fail(fmt::format("{} can not be converted to {}{}", found, kind_name(wanted), place));
    }

    std::string_view token_name()
    {
        switch (json_.peek()) {
        case JsonKind::number: return "NUMBER_VALUE";
        case JsonKind::string: return "STRING_VALUE";
        case JsonKind::null: return "NULL_VALUE";
        default: return json_.text()[json_.offset()] == 't' ? "TRUE_VALUE" : "FALSE_VALUE";
        }
    }

    JsonReader json_;
    std::vector<UnknownEnum>* unknown_;
    std::size_t elements_ = 0;
};

}  // namespace

Result<> read_json(std::string_view text, RecordRef into, std::vector<UnknownEnum>* unknown)
{
    return JsonRecordReader(text, unknown).read(into);
}

}  // namespace boxship::shape
