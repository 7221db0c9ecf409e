#include "shape/slots.h"

#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace boxship::shape {

namespace {

std::byte* slot_of(const MemberInfo& member, void* record) { return static_cast<std::byte*>(record) + member.offset; }
const std::byte* slot_of(const MemberInfo& member, const void* record)
{
    return static_cast<const std::byte*>(record) + member.offset;
}

}  // namespace

bool is_scalar(Kind kind)
{
    switch (kind) {
    case Kind::boolean:
    case Kind::int32:
    case Kind::int64:
    case Kind::float32:
    case Kind::float64:
    case Kind::timestamp:
    case Kind::enumeration: return true;
    default: return false;
    }
}

std::size_t size_of(const TypeInfo& type)
{
    switch (type.kind) {
    case Kind::boolean: return 1;
    case Kind::enumeration: return 2;
    case Kind::int32:
    case Kind::float32: return 4;
    case Kind::int64:
    case Kind::float64:
    case Kind::timestamp: return 8;
    case Kind::string:
    case Kind::blob:
    case Kind::document: return sizeof(Str);
    case Kind::record: return type.record->size;
    case Kind::list:
    case Kind::map: return sizeof(ListBase);
    }
    return 0;
}

std::size_t entry_size(const TypeInfo& value)
{
    return (entry_value_offset + size_of(value) + 7) / 8 * 8;
}

bool is_present(const MemberInfo& member, const void* record)
{
    const std::byte* slot = slot_of(member, record);
    switch (member.type->kind) {
    case Kind::string:
    case Kind::blob:
    case Kind::document: return as<Str>(slot).has();
    case Kind::record: return as<BoxBase>(slot).has();
    case Kind::list:
    case Kind::map: return as<ListBase>(slot).has();
    default: return as<bool>(slot + size_of(*member.type));
    }
}

const void* get(const MemberInfo& member, const void* record)
{
    const std::byte* slot = slot_of(member, record);
    return member.type->kind == Kind::record ? as<BoxBase>(slot).get() : slot;
}

void* make(const MemberInfo& member, void* record)
{
    std::byte* slot = slot_of(member, record);
    switch (member.type->kind) {
    case Kind::string:
    case Kind::blob:
    case Kind::document: break;  // present once assigned
    case Kind::record: return as<BoxBase>(slot).emplace(*member.type->record);
    case Kind::list:
    case Kind::map: as<ListBase>(slot).mark(); break;
    default: as<bool>(slot + size_of(*member.type)) = true;
    }
    return slot;
}

void reset(const MemberInfo& member, void* record)
{
    std::byte* slot = slot_of(member, record);
    if (member.type->kind == Kind::record) as<BoxBase>(slot).destroy(*member.type->record);
    else destroy_value(*member.type, slot);
    if (is_scalar(member.type->kind)) as<bool>(slot + size_of(*member.type)) = false;
}

void destroy_value(const TypeInfo& type, void* value)
{
    switch (type.kind) {
    case Kind::string:
    case Kind::blob:
    case Kind::document: as<Str>(value).reset(); break;
    case Kind::record: destroy_record(*type.record, value); break;
    case Kind::list: as<ListBase>(value).destroy(*type.element, false); break;
    case Kind::map: as<ListBase>(value).destroy(*type.element, true); break;
    default: std::memset(value, 0, size_of(type));
    }
}

void destroy_record(const RecordInfo& record, void* data)
{
    for (const MemberInfo& member : record.members) {
        if (!is_scalar(member.type->kind) && is_present(member, data)) reset(member, data);
    }
    std::memset(data, 0, record.size);
}

std::shared_ptr<void> new_record(const RecordInfo& record)
{
    void* data = std::calloc(1, record.size);
    CHECK(data);
    return std::shared_ptr<void>(data, [&record](void* bytes) {
        destroy_record(record, bytes);
        std::free(bytes);
    });
}

void copy_value(const TypeInfo& type, void* to, const void* from)
{
    switch (type.kind) {
    case Kind::string:
    case Kind::blob:
    case Kind::document: as<Str>(to) = as<Str>(from); break;
    case Kind::list: as<ListBase>(to).copy(as<ListBase>(from), *type.element, false); break;
    case Kind::map: as<ListBase>(to).copy(as<ListBase>(from), *type.element, true); break;
    case Kind::record:
        for (const MemberInfo& member : type.record->members) {
            if (is_present(member, from)) copy_value(*member.type, make(member, to), get(member, from));
            else if (is_present(member, to)) reset(member, to);
        }
        break;
    default: std::memcpy(to, from, size_of(type));
    }
}

bool equal_value(const TypeInfo& type, const void* a, const void* b)
{
    switch (type.kind) {
    case Kind::string:
    case Kind::blob:
    case Kind::document: return as<Str>(a) == as<Str>(b);
    case Kind::list: return as<ListBase>(a).equal(as<ListBase>(b), *type.element, false);
    case Kind::map: return as<ListBase>(a).equal(as<ListBase>(b), *type.element, true);
    case Kind::record:
        for (const MemberInfo& member : type.record->members) {
            const bool present = is_present(member, a);
            if (present != is_present(member, b)) return false;
            if (present && !equal_value(*member.type, get(member, a), get(member, b))) return false;
        }
        return true;
    case Kind::float32: return as<float>(a) == as<float>(b);
    case Kind::float64: return as<double>(a) == as<double>(b);
    default: return std::memcmp(a, b, size_of(type)) == 0;
    }
}

bool equal(ConstRecordRef a, ConstRecordRef b)
{
    return a.info == b.info && equal_value({.kind = Kind::record, .record = a.info}, a.data, b.data);
}

std::string to_text(const Path& path)
{
    std::string text = path.up ? to_text(*path.up) : std::string();
    if (path.index != 0) return text + '.' + std::to_string(path.index) + ".member";
    if (!text.empty()) text += '.';
    const std::size_t begin = text.size();
    text += path.name;
    if (begin < text.size() && text[begin] >= 'A' && text[begin] <= 'Z') text[begin] = static_cast<char>(text[begin] + 32);
    return text;
}

}  // namespace boxship::shape
