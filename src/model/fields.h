// How rows become bytes and come back: numbered fields, so that a newer program reads every older journal.
//
// A row lists its fields once:      template <class A> void fields(A& a) { a(1, id); a(2, name); }
// On disk: varint(number) varint(length) bytes. Scalars and strings are always there, because a row's default need not be
// zero; of the rest what is empty is left out. A field that an older journal does not have keeps the row's default. A number
// is never reused and never changes its type; unknown numbers are skipped. Values: integers, bools, enums, times as varints, ids
// and strings raw, optionals as a list of zero or one, lists as varint(length) bytes per element, structs as fields.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/text.h"
#include "base/time.h"

namespace boxship::model {

class FieldWriter;
class FieldReader;

template <class T>
concept Struct = requires(T t, FieldWriter& w) { t.fields(w); };
template <class T>
constexpr bool is_text = std::is_same_v<T, std::string> || std::is_same_v<T, Text>;
template <class T>
struct IsId : std::false_type {};
template <class Tag>
struct IsId<Id<Tag>> : std::true_type {};

constexpr std::size_t varint_size_max = 10;

// The end of what was written, varint_size_max bytes at most.
inline char* write_varint(char* at, std::uint64_t value)
{
    while (value >= 128) {
        *at++ = static_cast<char>(value | 128);
        value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
}

// Takes a varint off the front; false when the bytes end early.
inline bool take_varint(std::string_view& bytes, std::uint64_t& value)
{
    value = 0;
    for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

// Takes varint(length) and that many bytes off the front.
inline bool take_block(std::string_view& bytes, std::string_view& block)
{
    std::uint64_t length = 0;
    if (!take_varint(bytes, length) || length > bytes.size()) return false;
    block = bytes.substr(0, length);
    bytes.remove_prefix(length);
    return true;
}

// Appends to a string, through a pointer into room made ahead: a row is some hundred writes of a few bytes, and a string moves its
// end at each of them. What was written is in the string when the writer goes.
class FieldWriter {
public:
    explicit FieldWriter(std::string& out) : out_(out), at_(out.data() + out.size()), end_(at_) {}
    FieldWriter(const FieldWriter&) = delete;
    ~FieldWriter() { out_.resize(size()); }

    template <class T>
    void operator()(std::uint32_t number, const T& value)
    {
        const std::size_t start = size();
        put_varint(number);
        constexpr bool has_default = std::is_integral_v<T> || std::is_enum_v<T> || is_text<T>;
        if (!block(value) && !has_default) at_ = out_.data() + start;
    }

    // varint(length) and the value; false when that is empty. The length is known only afterwards: a byte is left for it, which
    // is nearly always enough, instead of building every value apart.
    template <class T>
    bool block(const T& value)
    {
        make_room(1);
        const std::size_t start = size();
        ++at_;
        write(value);
        const std::size_t length = size() - start - 1;
        if (length < 128) out_[start] = static_cast<char>(length);
        else put_long_length(start, length);
        return length > 0;
    }

    // The value alone; empty for zero, "", none.
    template <class T>
    void write(const T& value)
    {
        if constexpr (Struct<T>) {
            const_cast<T&>(value).fields(*this);  // `fields` also reads, so it is not const; writing changes nothing
        } else if constexpr (is_text<T>) {
            put(std::string_view(value));
        } else if constexpr (std::is_same_v<T, Time>) {
            write(value.ms);
        } else if constexpr (IsId<T>::value) {
            if (value) put({reinterpret_cast<const char*>(value.raw().data()), value.raw().size()});
        } else if constexpr (std::is_enum_v<T>) {
            write(static_cast<std::int64_t>(value));
        } else if constexpr (std::is_integral_v<T>) {
            const auto number = static_cast<std::int64_t>(value);
            if (number != 0) put_varint(static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63));
        } else {
            write_list(value);
        }
    }

private:
    template <class T>
    void write_list(const std::vector<T>& values)
    {
        for (const auto& value : values) block(value);
    }
    template <class T>
    void write_list(const std::optional<T>& value)
    {
        if (value) block(*value);
    }
    template <class V>
    void write_list(const std::map<std::string, V>& values)
    {
        for (const auto& [key, value] : values) {
            block(key);
            block(value);
        }
    }

    std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
    void make_room(std::size_t bytes)
    {
        if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    }
    [[gnu::noinline]] void grow(std::size_t bytes)
    {
        constexpr std::size_t ahead = 512;  // a task's row; the string zeroes it
        const std::size_t used = size();
        out_.resize(used + bytes + ahead);
        at_ = out_.data() + used;
        end_ = out_.data() + out_.size();
    }
    void put(std::string_view bytes)
    {
        if (bytes.empty()) return;
        make_room(bytes.size());
        std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void put_varint(std::uint64_t value)
    {
        make_room(varint_size_max);
        at_ = write_varint(at_, value);
    }
    // In the place of the one byte that was left.
    [[gnu::noinline]] void put_long_length(std::size_t start, std::size_t length)
    {
        char text[varint_size_max];
        const auto bytes = static_cast<std::size_t>(write_varint(text, length) - text);
        make_room(bytes);
        char* const begin = out_.data() + start;
        std::memmove(begin + bytes, begin + 1, length);
        std::memcpy(begin, text, bytes);
        at_ += bytes - 1;
    }

    std::string& out_;
    char* at_;
    char* end_;
};

class FieldReader {
public:
    explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}

    // Fields are asked for in ascending order, as they were written: one pass.
    template <class T>
    void operator()(std::uint32_t number, T& value)
    {
        while (ok_ && !have_ && !bytes_.empty()) {
            std::uint64_t found = 0;
            ok_ = take_varint(bytes_, found) && take_block(bytes_, block_);
            if (ok_ && found >= number) {
                have_ = true;
                found_ = found;
            }
        }
        if (!ok_ || !have_ || found_ != number) return;
        have_ = false;
        ok_ = read(block_, value);
    }
    bool ok() const { return ok_; }

    template <class T>
    static bool read(std::string_view bytes, T& value)
    {
        if constexpr (Struct<T>) {
            FieldReader inner(bytes);
            value.fields(inner);
            return inner.ok();
        } else if constexpr (is_text<T>) {
            value = bytes;
            return true;
        } else if constexpr (std::is_same_v<T, Time>) {
            return read(bytes, value.ms);
        } else if constexpr (IsId<T>::value) {
            typename T::Raw raw{};
            if (bytes.size() != raw.size() && !bytes.empty()) return false;
            std::memcpy(raw.data(), bytes.data(), bytes.size());
            value = T(raw);
            return true;
        } else if constexpr (std::is_enum_v<T>) {
            std::int64_t number = 0;
            if (!read(bytes, number)) return false;
            value = static_cast<T>(number);
            return true;
        } else if constexpr (std::is_integral_v<T>) {
            std::uint64_t number = 0;
            if (!bytes.empty() && (!take_varint(bytes, number) || !bytes.empty())) return false;
            value = static_cast<T>(static_cast<std::int64_t>(number >> 1 ^ (~(number & 1) + 1)));
            return true;
        } else {
            return read_list(bytes, value);
        }
    }

private:
    template <class T>
    static bool read_block(std::string_view& bytes, T& value)
    {
        std::string_view block;
        return take_block(bytes, block) && read(block, value);
    }
    template <class T>
    static bool read_list(std::string_view bytes, std::vector<T>& values)
    {
        values.clear();
        while (!bytes.empty()) {
            T value{};
            if (!read_block(bytes, value)) return false;
            values.push_back(std::move(value));
        }
        return true;
    }
    template <class T>
    static bool read_list(std::string_view bytes, std::optional<T>& value)
    {
        value.reset();
        if (bytes.empty()) return true;
        return read_block(bytes, value.emplace()) && bytes.empty();
    }
    template <class V>
    static bool read_list(std::string_view bytes, std::map<std::string, V>& values)
    {
        values.clear();
        while (!bytes.empty()) {
            std::string key;
            if (!read_block(bytes, key) || !read_block(bytes, values[key])) return false;
        }
        return true;
    }

    std::string_view bytes_;
    std::string_view block_;
    std::uint64_t found_ = 0;
    bool have_ = false;
    bool ok_ = true;
};

template <class T>
std::string encode(const T& value)
{
    std::string out;
    FieldWriter(out).write(value);
    return out;
}

template <class T>
std::optional<T> decode(std::string_view bytes)
{
    T value{};
    if (!FieldReader::read(bytes, value)) return std::nullopt;
    return value;
}

}  // namespace boxship::model
