#include "shape/light.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <ostream>
#include <vector>

#include "base/check.h"
#include "shape/slots.h"

// Values move by memcpy here: none of the light members points into itself.
namespace boxship::shape {

alignas(std::max_align_t) const std::byte detail::absent_record[detail::absent_record_bytes] = {};

std::string_view EnumInfo::text(std::uint16_t value) const
{
    return value == 0 || value > values.size() ? std::string_view() : values[value - 1];
}

std::uint16_t EnumInfo::parse(std::string_view text) const
{
    const auto at = std::find(values.begin(), values.end(), text);
    return at == values.end() ? 0 : static_cast<std::uint16_t>(at - values.begin() + 1);
}

const MemberInfo* RecordInfo::find(std::string_view member) const
{
    const auto at = std::find_if(members.begin(), members.end(), [&](const MemberInfo& m) { return m.name == member; });
    return at == members.end() ? nullptr : &*at;
}

const OperationInfo* ServiceInfo::find_operation(std::string_view operation) const
{
    const auto at = std::lower_bound(operations.begin(), operations.end(), operation,
                                     [](const OperationInfo* o, std::string_view name) { return o->name < name; });
    return at == operations.end() || (*at)->name != operation ? nullptr : *at;
}

const ErrorInfo* ServiceInfo::find_error(std::string_view error) const
{
    const auto at = std::lower_bound(errors.begin(), errors.end(), error,
                                     [](const ErrorInfo& e, std::string_view name) { return e.name < name; });
    return at == errors.end() || at->name != error ? nullptr : &*at;
}

namespace {

// The first block is kept for the next arena of the thread; more are made for long answers and go with them.
struct ArenaBlocks {
    static constexpr std::size_t first_bytes = 32 << 10;
    bool active = false;
    std::unique_ptr<char[]> first;
    std::vector<std::unique_ptr<char[]>> more;
    char* next = nullptr;
    std::size_t left = 0;

    char* take(std::size_t size)
    {
        if (size > left) {
            left = std::max(size, 2 * first_bytes);
            more.push_back(std::make_unique_for_overwrite<char[]>(left));
            next = more.back().get();
        }
        left -= size;
        return std::exchange(next, next + size);
    }
};
thread_local ArenaBlocks arena;

}  // namespace

TextArena::TextArena()
{
    CHECK(!arena.active);
    arena.active = true;
    if (!arena.first) arena.first = std::make_unique_for_overwrite<char[]>(ArenaBlocks::first_bytes);
    arena.next = arena.first.get();
    arena.left = ArenaBlocks::first_bytes;
}

TextArena::~TextArena()
{
    arena.active = false;
    arena.more.clear();
}

void Str::assign(std::string_view text)
{
    Str fresh;
    if (!text.empty()) {
        CHECK(text.size() <= UINT32_MAX);
        fresh.in_arena_ = arena.active;
        fresh.data_ = arena.active ? arena.take(text.size()) : static_cast<char*>(std::malloc(text.size()));
        CHECK(fresh.data_);
        std::memcpy(fresh.data_, text.data(), text.size());
        fresh.size_ = static_cast<std::uint32_t>(text.size());
    }
    fresh.has_ = true;
    swap(fresh);
}

void Str::copy(const Str& other)
{
    if (other.has_) assign(other.view());
    else reset();
}

void Str::release()
{
    if (!in_arena_) std::free(data_);
}

std::ostream& operator<<(std::ostream& out, const Str& text)
{
    return text.has() ? out << '"' << text.view() << '"' : out << "absent";
}

void ListBase::reserve(std::size_t count, std::size_t stride)
{
    if (count <= capacity_) return;
    const std::size_t capacity = std::max<std::size_t>({count, std::size_t{capacity_} * 2, 4});
    CHECK(capacity < (1u << 31));
    data_ = static_cast<std::byte*>(std::realloc(data_, capacity * stride));
    CHECK(data_);
    capacity_ = static_cast<std::uint32_t>(capacity);
}

void* ListBase::append(std::size_t stride)
{
    mark();
    reserve(size_ + std::size_t{1}, stride);
    void* slot = data_ + size_++ * stride;
    std::memset(slot, 0, stride);
    return slot;
}

namespace {

void destroy_element(const TypeInfo& element, bool map, void* slot)
{
    if (map) {
        as<Str>(slot).reset();
        slot = static_cast<std::byte*>(slot) + entry_value_offset;
    }
    destroy_value(element, slot);
}

std::size_t stride_of(const TypeInfo& element, bool map)
{
    return map ? entry_size(element) : size_of(element);
}

}  // namespace

void ListBase::destroy(const TypeInfo& element, bool map)
{
    const std::size_t stride = stride_of(element, map);
    if (map || !is_scalar(element.kind)) {
        for (std::size_t i = 0; i < size_; ++i) destroy_element(element, map, at(i, stride));
    }
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
    has_ = 0;
}

void ListBase::copy(const ListBase& other, const TypeInfo& element, bool map)
{
    ListBase fresh;
    const std::size_t stride = stride_of(element, map);
    if (other.size_ != 0) fresh.reserve(other.size_, stride);
    for (std::size_t i = 0; i < other.size_; ++i) {
        auto* to = static_cast<std::byte*>(fresh.append(stride));
        auto* from = static_cast<const std::byte*>(other.at(i, stride));
        if (map) as<Str>(to) = as<Str>(from);
        const std::size_t skip = map ? entry_value_offset : 0;
        copy_value(element, to + skip, from + skip);
    }
    fresh.has_ = other.has_;
    swap(fresh);
    fresh.destroy(element, map);
}

bool ListBase::equal(const ListBase& other, const TypeInfo& element, bool map) const
{
    if (has_ != other.has_ || size_ != other.size_) return false;
    const std::size_t stride = stride_of(element, map);
    const std::size_t skip = map ? entry_value_offset : 0;
    for (std::size_t i = 0; i < size_; ++i) {
        const auto* a = static_cast<const std::byte*>(at(i, stride));
        const auto* b = static_cast<const std::byte*>(other.at(i, stride));
        if (map && !(as<Str>(a) == as<Str>(b))) return false;
        if (!equal_value(element, a + skip, b + skip)) return false;
    }
    return true;
}

std::size_t ListBase::lower_bound(std::string_view key, std::size_t stride) const
{
    std::size_t low = 0;
    std::size_t high = size_;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (as<Str>(at(middle, stride)).view() < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

void* ListBase::insert_entry(std::string_view key, std::size_t stride, bool& found)
{
    mark();
    const std::size_t i = lower_bound(key, stride);
    found = i < size_ && as<Str>(at(i, stride)).view() == key;
    if (found) return at(i, stride);
    Str own(key);  // `key` may be a view into what moves now
    append(stride);
    std::memmove(at(i + 1, stride), at(i, stride), (size_ - 1 - i) * stride);
    void* slot = at(i, stride);
    std::memset(slot, 0, stride);
    as<Str>(slot) = std::move(own);
    return slot;
}

void ListBase::remove(std::size_t i, std::size_t stride, const TypeInfo& element, bool map)
{
    CHECK(i < size_);
    destroy_element(element, map, at(i, stride));
    std::memmove(at(i, stride), at(i + 1, stride), (size_ - 1 - i) * stride);
    --size_;
}

void ListBase::sort_entries(std::size_t stride, const TypeInfo& element)
{
    const auto key = [&](std::size_t i) { return as<Str>(at(i, stride)).view(); };
    bool sorted = true;
    for (std::size_t i = 1; i < size_ && sorted; ++i) sorted = key(i - 1) < key(i);
    if (sorted) return;

    std::vector<std::uint32_t> order(size_);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
    ListBase fresh;
    fresh.reserve(size_, stride);
    fresh.mark();
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i + 1 < order.size() && key(order[i]) == key(order[i + 1])) {
            destroy_element(element, true, at(order[i], stride));
            continue;
        }
        std::memcpy(fresh.append(stride), at(order[i], stride), stride);
    }
    std::free(data_);  // its elements have moved
    data_ = nullptr;
    size_ = 0;
    swap(fresh);
}

void* BoxBase::emplace(const RecordInfo& record)
{
    if (data_) return data_;
    data_ = std::calloc(1, record.size);
    CHECK(data_);
    return data_;
}

void BoxBase::destroy(const RecordInfo& record)
{
    if (!data_) return;
    destroy_record(record, data_);
    std::free(std::exchange(data_, nullptr));
}

void BoxBase::copy(const BoxBase& other, const RecordInfo& record)
{
    BoxBase fresh;
    if (other.data_) copy_value({.kind = Kind::record, .record = &record}, fresh.emplace(record), other.data_);
    std::swap(data_, fresh.data_);
    fresh.destroy(record);
}

bool BoxBase::equal(const BoxBase& other, const RecordInfo& record) const
{
    if (has() != other.has()) return false;
    return !has() || equal_value({.kind = Kind::record, .record = &record}, data_, other.data_);
}

}  // namespace boxship::shape
