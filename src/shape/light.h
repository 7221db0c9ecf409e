// Light members: what records are made of. They read like the std ones, but cost almost no compile time, because
// their bodies are not templates. All-zero bytes mean absent; absent and empty are different everywhere, has() tells.
// All are freely movable, copies are deep.
//
//     if (request.desired_count) service.desired = *request.desired_count;      Opt<int32_t>
//     for (const auto& tag : request.tags) use(tag.key, tag.value);             List<Tag>
//     for (const auto& [name, value] : request.docker_labels) …                 Map<Str>
//     response.task.emplace().task_arn = arn;                                   Box<Task>
//     if (request.tags.has()) …                                                 was it sent at all?
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "shape/info.h"

namespace boxship::shape {

// A string, or bytes, or absent. An absent one reads as "".
class Str {
public:
    Str() = default;
    Str(std::string_view text) { assign(text); }
    Str(const std::string& text) { assign(text); }
    Str(const char* text) { assign(text); }
    Str(const Str& other) { copy(other); }
    Str(Str&& other) noexcept { swap(other); }
    Str& operator=(const Str& other) { if (this != &other) copy(other); return *this; }
    Str& operator=(Str&& other) noexcept { swap(other); return *this; }
    Str& operator=(std::string_view text) { assign(text); return *this; }
    Str& operator=(const std::string& text) { assign(text); return *this; }
    Str& operator=(const char* text) { assign(text); return *this; }
    ~Str() { if (data_) release(); }

    bool has() const { return has_; }
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    std::string_view view() const { return {data_, size_}; }
    std::string str() const { return std::string(view()); }
    operator std::string_view() const { return view(); }
    explicit operator std::string() const { return str(); }
    std::string value_or(std::string_view fallback) const { return std::string(has_ ? view() : fallback); }

    void assign(std::string_view text);
    void reset() { Str().swap(*this); }
    void swap(Str& other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(has_, other.has_);
        std::swap(in_arena_, other.in_arena_);
    }

    friend bool operator==(const Str& a, const Str& b) { return a.has_ == b.has_ && a.view() == b.view(); }
    template <class Text>
        requires(std::is_convertible_v<const Text&, std::string_view> && !std::is_same_v<Text, Str>)
    friend bool operator==(const Str& a, const Text& b)
    {
        return a.view() == std::string_view(b);
    }
    friend auto operator<=>(const Str& a, const Str& b) { return a.view() <=> b.view(); }
    friend std::ostream& operator<<(std::ostream& out, const Str& text);

private:
    void copy(const Str& other);
    void release();

    char* data_ = nullptr;
    std::uint32_t size_ = 0;
    bool has_ = false;
    bool in_arena_ = false;
};

// While one lives, what is assigned to Strs on this thread lies in it, in a few large blocks: for records that are made, written
// and dropped in one go, where an allocation for each text would cost most of the time. Every Str assigned meanwhile must be
// gone before the arena is. One at a time per thread.
class TextArena {
public:
    TextArena();
    ~TextArena();
    TextArena(const TextArena&) = delete;
};

using Blob = Str;      // raw bytes
using Document = Str;  // JSON text

// A number, bool, enum or Time, or absent.
template <class T>
class Opt {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Opt() = default;
    Opt(std::nullopt_t) {}
    Opt(T value) : value_(value), has_(true) {}
    Opt(const std::optional<T>& value) : value_(value.value_or(T{})), has_(value.has_value()) {}

    bool has() const { return has_; }
    bool has_value() const { return has_; }
    explicit operator bool() const { return has_; }
    const T& operator*() const { return value_; }
    T& operator*() { return value_; }
    const T* operator->() const { return &value_; }
    T value_or(T fallback) const { return has_ ? value_ : fallback; }
    void reset() { *this = Opt(); }
    operator std::optional<T>() const { return has_ ? std::optional<T>(value_) : std::nullopt; }

    friend bool operator==(const Opt& a, const Opt& b) { return a.has_ == b.has_ && (!a.has_ || a.value_ == b.value_); }
    friend bool operator==(const Opt& a, const T& b) { return a.has_ && a.value_ == b; }

private:
    T value_{};
    bool has_ = false;
};

// What the walkers see of a list or map: elements in one growing block.
class ListBase {
public:
    bool has() const { return has_; }
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    // For walkers. `stride` is the size of one element.
    void mark() { has_ = true; }
    void* append(std::size_t stride);  // a zeroed element
    void* at(std::size_t i, std::size_t stride) { return data_ + i * stride; }
    const void* at(std::size_t i, std::size_t stride) const { return data_ + i * stride; }
    void destroy(const TypeInfo& element, bool map);
    void copy(const ListBase& other, const TypeInfo& element, bool map);
    bool equal(const ListBase& other, const TypeInfo& element, bool map) const;
    void sort_entries(std::size_t stride, const TypeInfo& element);  // by key; of equal keys the last stays

protected:
    ListBase() = default;
    ListBase(const ListBase&) = default;             // shallow: for swap alone
    ListBase& operator=(const ListBase&) = default;
    void swap(ListBase& other) noexcept
    {
        const ListBase mine(*this);
        *this = other;
        other = mine;
    }
    void reserve(std::size_t count, std::size_t stride);
    void* insert_entry(std::string_view key, std::size_t stride, bool& found);
    std::size_t lower_bound(std::string_view key, std::size_t stride) const;
    void remove(std::size_t i, std::size_t stride, const TypeInfo& element, bool map);

    std::byte* data_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ : 31 = 0;
    std::uint32_t has_ : 1 = 0;
};

template <class T>
class List;
template <class T>
class Map;

namespace detail {
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<List<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<Map<T>> : std::true_type {};

inline constexpr std::size_t absent_record_bytes = 4096;
extern const std::byte absent_record[absent_record_bytes];  // all zero

template <class T>
consteval TypeInfo make_plain_type();
template <class T>
inline constexpr TypeInfo plain_type = make_plain_type<T>();
}  // namespace detail

template <class T>
class List : public ListBase {
public:
    using value_type = T;
    List() = default;
    List(std::initializer_list<T> values) { assign(values); }
    List(const List& other) { ListBase::copy(other, detail::plain_type<T>, false); }
    List(List&& other) noexcept { swap(other); }
    List& operator=(const List& other)
    {
        if (this != &other) ListBase::copy(other, detail::plain_type<T>, false);
        return *this;
    }
    List& operator=(List&& other) noexcept { swap(other); return *this; }
    ~List() { if (data_) destroy(detail::plain_type<T>, false); }

    T* begin() { return reinterpret_cast<T*>(data_); }
    T* end() { return begin() + size_; }
    const T* begin() const { return reinterpret_cast<const T*>(data_); }
    const T* end() const { return begin() + size_; }
    T& operator[](std::size_t i) { return begin()[i]; }
    const T& operator[](std::size_t i) const { return begin()[i]; }
    T& front() { return *begin(); }
    const T& front() const { return *begin(); }
    T& back() { return *(end() - 1); }
    const T& back() const { return *(end() - 1); }

    void emplace() { mark(); }  // present, perhaps empty
    T& emplace_back() { return *static_cast<T*>(append(sizeof(T))); }
    T& emplace_back(T value) { return emplace_back() = std::move(value); }
    void push_back(T value) { emplace_back() = std::move(value); }
    void reserve(std::size_t count) { ListBase::reserve(count, sizeof(T)); }
    template <class Range>
    void assign(const Range& values)
    {
        List fresh;
        fresh.mark();
        for (const auto& value : values) fresh.emplace_back() = value;
        swap(fresh);
    }
    void erase(std::size_t i) { remove(i, sizeof(T), detail::plain_type<T>, false); }
    void clear() { destroy(detail::plain_type<T>, false); mark(); }
    void reset() { destroy(detail::plain_type<T>, false); }

    friend bool operator==(const List& a, const List& b) { return a.equal(b, detail::plain_type<T>, false); }
};

template <class T>
struct Entry {
    Str key;  // do not change it in place
    T value;
};

// Kept sorted by key.
template <class T>
class Map : public ListBase {
public:
    using mapped_type = T;
    Map() = default;
    Map(const Map& other) { ListBase::copy(other, detail::plain_type<T>, true); }
    Map(Map&& other) noexcept { swap(other); }
    Map& operator=(const Map& other)
    {
        if (this != &other) ListBase::copy(other, detail::plain_type<T>, true);
        return *this;
    }
    Map& operator=(Map&& other) noexcept { swap(other); return *this; }
    ~Map() { if (data_) destroy(detail::plain_type<T>, true); }

    Entry<T>* begin() { return reinterpret_cast<Entry<T>*>(data_); }
    Entry<T>* end() { return begin() + size_; }
    const Entry<T>* begin() const { return reinterpret_cast<const Entry<T>*>(data_); }
    const Entry<T>* end() const { return begin() + size_; }

    const T* find(std::string_view key) const
    {
        const std::size_t i = lower_bound(key, sizeof(Entry<T>));
        return i < size_ && begin()[i].key == key ? &begin()[i].value : nullptr;
    }
    T* find(std::string_view key) { return const_cast<T*>(std::as_const(*this).find(key)); }
    bool contains(std::string_view key) const { return find(key) != nullptr; }

    void emplace() { mark(); }
    T& operator[](std::string_view key)
    {
        bool found = false;
        return static_cast<Entry<T>*>(insert_entry(key, sizeof(Entry<T>), found))->value;
    }
    // False, and nothing changes, when the key is there already.
    bool emplace(std::string_view key, T value)
    {
        bool found = false;
        auto* entry = static_cast<Entry<T>*>(insert_entry(key, sizeof(Entry<T>), found));
        if (!found) entry->value = std::move(value);
        return !found;
    }
    bool erase(std::string_view key)
    {
        const std::size_t i = lower_bound(key, sizeof(Entry<T>));
        if (i >= size_ || !(begin()[i].key == key)) return false;
        remove(i, sizeof(Entry<T>), detail::plain_type<T>, true);
        return true;
    }
    void clear() { destroy(detail::plain_type<T>, true); mark(); }
    void reset() { destroy(detail::plain_type<T>, true); }

    friend bool operator==(const Map& a, const Map& b) { return a.equal(b, detail::plain_type<T>, true); }
};

// What the walkers see of a Box.
class BoxBase {
public:
    bool has() const { return data_ != nullptr; }
    explicit operator bool() const { return has(); }

    void* get() { return data_; }
    const void* get() const { return data_; }
    void* emplace(const RecordInfo& record);  // zeroed, unless it is there already
    void destroy(const RecordInfo& record);
    void copy(const BoxBase& other, const RecordInfo& record);
    bool equal(const BoxBase& other, const RecordInfo& record) const;

protected:
    BoxBase() = default;
    void* data_ = nullptr;
};

// A record of its own on the heap, or absent. Chains need no tests: request.network_configuration->awsvpc_configuration->subnets
template <class R>
class Box : public BoxBase {
public:
    Box() = default;
    Box(const R& record) { emplace() = record; }
    Box(R&& record) { emplace() = std::move(record); }
    Box(const Box& other) { BoxBase::copy(other, R::record_info); }
    Box(Box&& other) noexcept { std::swap(data_, other.data_); }
    Box& operator=(const Box& other)
    {
        if (this != &other) BoxBase::copy(other, R::record_info);
        return *this;
    }
    Box& operator=(Box&& other) noexcept { std::swap(data_, other.data_); return *this; }
    ~Box() { if (data_) destroy(R::record_info); }

    R& emplace() { return *static_cast<R*>(BoxBase::emplace(R::record_info)); }  // keeps what is there
    R& operator*() { return emplace(); }
    R* operator->() { return &emplace(); }                    // writing through an absent box creates it
    const R& operator*() const { return *operator->(); }      // reading through one sees a record where all is absent
    const R* operator->() const
    {
        static_assert(sizeof(R) <= detail::absent_record_bytes);
        return static_cast<const R*>(data_ ? data_ : detail::absent_record);
    }
    void reset() { destroy(R::record_info); }

    friend bool operator==(const Box& a, const Box& b) { return a.equal(b, R::record_info); }
};

static_assert(sizeof(Str) == 16 && sizeof(ListBase) == 16 && sizeof(BoxBase) == 8);

namespace detail {
template <class T>
consteval TypeInfo make_plain_type()
{
    if constexpr (std::is_same_v<T, Str>) return {.kind = Kind::string};
    else if constexpr (std::is_same_v<T, bool>) return {.kind = Kind::boolean};
    else if constexpr (std::is_same_v<T, std::int32_t>) return {.kind = Kind::int32};
    else if constexpr (std::is_same_v<T, std::int64_t>) return {.kind = Kind::int64};
    else if constexpr (std::is_same_v<T, float>) return {.kind = Kind::float32};
    else if constexpr (std::is_same_v<T, double>) return {.kind = Kind::float64};
    else if constexpr (std::is_same_v<T, Time>) return {.kind = Kind::timestamp};
    else if constexpr (std::is_enum_v<T>) return {.kind = Kind::enumeration};
    else if constexpr (IsList<T>::value) return {.kind = Kind::list, .element = &plain_type<typename T::value_type>};
    else if constexpr (IsMap<T>::value) return {.kind = Kind::map, .element = &plain_type<typename T::mapped_type>};
    else return {.kind = Kind::record, .record = &T::record_info};
}
}  // namespace detail

// Any record, without its type. Both live as long as the record.
class ConstRecordRef {
public:
    template <class R>
        requires requires { R::record_info; }
    ConstRecordRef(const R& record) : info(&R::record_info), data(&record)
    {
    }
    ConstRecordRef(const RecordInfo& record, const void* bytes) : info(&record), data(bytes) {}
    const RecordInfo* info;
    const void* data;
};

class RecordRef {
public:
    template <class R>
        requires(!std::is_const_v<R> && requires { R::record_info; })
    RecordRef(R& record) : info(&R::record_info), data(&record)
    {
    }
    RecordRef(const RecordInfo& record, void* bytes) : info(&record), data(bytes) {}
    operator ConstRecordRef() const { return {*info, data}; }
    const RecordInfo* info;
    void* data;
};

bool equal(ConstRecordRef a, ConstRecordRef b);

// The enumerator for a text, or nothing.
template <class E>
std::optional<E> parse_enum(std::string_view text)
{
    const std::uint16_t value = enum_info(E{}).parse(text);
    return value ? std::optional<E>(static_cast<E>(value)) : std::nullopt;
}

}  // namespace boxship::shape

template <>
struct fmt::formatter<boxship::shape::Str> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(const boxship::shape::Str& text, Context& context) const
    {
        return fmt::formatter<fmt::string_view>::format(fmt::string_view(text.view().data(), text.size()), context);
    }
};
