// A short text that many rows have in common: a name, a group, a zone. One pointer; equal texts share one copy of their
// bytes, counted, and freed with the last of them. A million tasks of one definition hold its image's name once.
// Copied, compared and destroyed on any thread.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace boxship {

class Text {
public:
    Text() = default;  // ""
    template <class T>
        requires std::is_convertible_v<const T&, std::string_view>
    Text(const T& text) : shared_(share(std::string_view(text))) {}
    Text(const Text& other) : shared_(other.shared_)
    {
        if (shared_) shared_->holders.fetch_add(1, std::memory_order_relaxed);
    }
    Text(Text&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    Text& operator=(Text other) noexcept
    {
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~Text()
    {
        if (shared_) release(shared_);
    }

    std::string_view view() const { return shared_ ? std::string_view(bytes_of(shared_), shared_->size) : std::string_view(); }
    operator std::string_view() const { return view(); }
    std::string str() const { return std::string(view()); }
    bool empty() const { return !shared_; }
    std::size_t size() const { return shared_ ? shared_->size : 0; }
    bool starts_with(std::string_view start) const { return view().starts_with(start); }

    // Equal texts are one.
    friend bool operator==(const Text& a, const Text& b) { return a.shared_ == b.shared_; }
    friend std::strong_ordering operator<=>(const Text& a, const Text& b)
    {
        return a.shared_ == b.shared_ ? std::strong_ordering::equal : a.view() <=> b.view();
    }
    template <class T>
        requires(std::is_convertible_v<const T&, std::string_view> && !std::is_same_v<T, Text>)
    friend bool operator==(const Text& a, const T& b) { return a.view() == std::string_view(b); }
    friend std::string operator+(std::string a, const Text& b) { return a.append(b.view()); }

private:
    struct Shared {  // the bytes follow it
        std::atomic<std::uint32_t> holders;
        std::uint32_t size;
        std::size_t hash;
        Shared* next;  // in its bucket
    };
    friend class TextPool;
    static const char* bytes_of(const Shared* shared) { return reinterpret_cast<const char*>(shared + 1); }
    static Shared* share(std::string_view text);  // nullptr for ""
    static void release(Shared* shared);

    Shared* shared_ = nullptr;
};

}  // namespace boxship

template <>
struct fmt::formatter<boxship::Text> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(const boxship::Text& text, Context& context) const
    {
        return fmt::formatter<std::string_view>::format(text.view(), context);
    }
};
