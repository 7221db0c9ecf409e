// A value, or the error that stood in its way. Three kinds of error exist and are never mixed:
//   ApiError   the caller's doing, promised by the AWS model; Result<T>
//   HostError  the world's doing (disk, socket, errno); HostResult<T>
//   CHECK      our doing, a broken invariant; ends the process (check.h)
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace boxship {

// `code` is the error's name in the AWS model ("ClientException"). `status` 0 means: as the model says, else 400.
struct ApiError {
    std::string code;
    std::string message;
    int status = 0;
};

// `message` says what we were doing, outermost first: "unpack sha256:ab…: write /x: No space left on device".
// `code` is the errno, or 0 when none applies.
struct HostError {
    std::string message;
    int code = 0;

    // The same error seen from one layer further out.
    HostError within(std::string_view doing) const { return {std::string(doing) + ": " + message, code}; }
};

// HostError{"<doing>: <strerror(code)>", code}.
HostError host_error(std::string_view doing, int code);

template <class T, class E>
class [[nodiscard]] Outcome {
public:
    using Value = T;
    Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Outcome(E error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <class U>
        requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, E> &&
                 !std::is_same_v<std::decay_t<U>, Outcome> && !std::is_same_v<std::decay_t<U>, T>)
    Outcome(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & { CHECK(ok()); return std::get<0>(state_); }
    const T& value() const& { CHECK(ok()); return std::get<0>(state_); }
    T&& value() && { CHECK(ok()); return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const E& error() const& { CHECK(!ok()); return std::get<1>(state_); }
    E&& error() && { CHECK(!ok()); return std::get<1>(std::move(state_)); }

private:
    std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Outcome<void, E> {
public:
    using Value = void;
    Outcome() = default;
    Outcome(E error) : error_(std::in_place_index<1>, std::move(error)) {}
    bool ok() const { return error_.index() == 0; }
    explicit operator bool() const { return ok(); }
    const E& error() const& { CHECK(!ok()); return std::get<1>(error_); }
    E&& error() && { CHECK(!ok()); return std::get<1>(std::move(error_)); }

private:
    std::variant<std::monostate, E> error_;
};

template <class T = void>
using Result = Outcome<T, ApiError>;
template <class T = void>
using HostResult = Outcome<T, HostError>;

}  // namespace boxship

#define BOXSHIP_JOIN2(a, b) a##b
#define BOXSHIP_JOIN(a, b) BOXSHIP_JOIN2(a, b)

// ASSIGN_OR_RETURN(auto task, find_task(id));  and its form for coroutines, CO_ASSIGN_OR_RETURN.
#define ASSIGN_OR_RETURN(declaration, expression) \
    BOXSHIP_ASSIGN(declaration, expression, BOXSHIP_JOIN(outcome_, __LINE__), return)
#define CO_ASSIGN_OR_RETURN(declaration, expression) \
    BOXSHIP_ASSIGN(declaration, expression, BOXSHIP_JOIN(outcome_, __LINE__), co_return)
#define BOXSHIP_ASSIGN(declaration, expression, name, leave) \
    auto name = (expression);                                \
    if (!name.ok()) leave std::move(name).error();           \
    declaration = std::move(name).value()

#define RETURN_IF_ERROR(expression)                                            \
    do {                                                                       \
        if (auto outcome_ = (expression); !outcome_.ok()) return std::move(outcome_).error(); \
    } while (false)
#define CO_RETURN_IF_ERROR(expression)                                            \
    do {                                                                          \
        auto outcome_ = (expression);                                             \
        if (!outcome_.ok()) co_return std::move(outcome_).error();                \
    } while (false)
