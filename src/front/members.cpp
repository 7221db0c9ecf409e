#include "front/members.h"

#include "shape/slots.h"

namespace boxship::front {

namespace {

using shape::Kind;
using shape::TypeInfo;

std::pair<std::string_view, std::string_view> split_path(std::string_view path)
{
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) return {path, {}};
    return {path.substr(0, dot), path.substr(dot + 1)};
}

bool value_is_set(const TypeInfo& type, const void* value, std::string_view rest)
{
    switch (type.kind) {
    case Kind::record:
        if (!rest.empty()) return member_is_set({*type.record, value}, rest);
        for (const shape::MemberInfo& member : type.record->members) {
            if (shape::is_present(member, value) && value_is_set(*member.type, shape::get(member, value), {})) return true;
        }
        return false;
    case Kind::list:
    case Kind::map: {
        const auto& list = shape::as<shape::ListBase>(value);
        if (rest.empty()) return !list.empty();
        const bool map = type.kind == Kind::map;
        const std::size_t stride = map ? shape::entry_size(*type.element) : shape::size_of(*type.element);
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto* element = static_cast<const std::byte*>(list.at(i, stride)) + (map ? shape::entry_value_offset : 0);
            if (value_is_set(*type.element, element, rest)) return true;
        }
        return false;
    }
    case Kind::string:
    case Kind::blob:
    case Kind::document: return !shape::as<shape::Str>(value).empty();
    case Kind::boolean: return shape::as<bool>(value);
    default: return true;
    }
}

}  // namespace

bool member_exists(const shape::RecordInfo& record, std::string_view path)
{
    const auto [name, rest] = split_path(path);
    const shape::MemberInfo* member = record.find(name);
    if (!member) return false;
    const TypeInfo* type = member->type;
    while (type->element) type = type->element;
    return rest.empty() || (type->record && member_exists(*type->record, rest));
}

bool member_is_set(shape::ConstRecordRef record, std::string_view path)
{
    const auto [name, rest] = split_path(path);
    const shape::MemberInfo* member = record.info->find(name);
    if (!member || !shape::is_present(*member, record.data)) return false;
    return value_is_set(*member->type, shape::get(*member, record.data), rest);
}

std::optional<std::string> first_refused(shape::ConstRecordRef request, const std::vector<std::string>& refused)
{
    for (const std::string& path : refused) {
        if (member_is_set(request, path)) return path;
    }
    return std::nullopt;
}

}  // namespace boxship::front
