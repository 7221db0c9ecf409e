// How walkers reach the members of a record whose type they do not know.
#pragma once

#include <memory>

#include "shape/info.h"
#include "shape/light.h"

namespace boxship::shape {

// The size of a value as an element of a list. A member is the same plus a flag (Opt), or a Box for records.
std::size_t size_of(const TypeInfo& type);
std::size_t entry_size(const TypeInfo& value);  // of a map: key and value
inline constexpr std::size_t entry_value_offset = sizeof(Str);

bool is_scalar(Kind kind);  // held in an Opt

bool is_present(const MemberInfo& member, const void* record);
// The value of a present member, in the form it has as an element.
const void* get(const MemberInfo& member, const void* record);
// The same, made present first.
void* make(const MemberInfo& member, void* record);
void reset(const MemberInfo& member, void* record);

void destroy_value(const TypeInfo& type, void* value);              // leaves zeroes
void copy_value(const TypeInfo& type, void* to, const void* from);  // `to` is zeroed or valid
bool equal_value(const TypeInfo& type, const void* a, const void* b);
void destroy_record(const RecordInfo& record, void* data);
std::shared_ptr<void> new_record(const RecordInfo& record);         // where every member is absent

template <class T>
T& as(void* value)
{
    return *static_cast<T*>(value);
}
template <class T>
const T& as(const void* value)
{
    return *static_cast<const T*>(value);
}

// Where a walker is, for messages: tags.2.member.key
struct Path {
    const Path* up = nullptr;
    std::string_view name;      // of a member or a map key; else
    std::size_t index = 0;      // of a list element, counting from 1
};
std::string to_text(const Path& path);

}  // namespace boxship::shape
