// From a coroutine on an I/O thread to the state's thread and back.
//
//     const auto find = [name](state::Txn& txn) { return find_repository(txn, scope, name); };   // named, on its own line
//     auto answer = co_await bridge::update(store, find);       // HostResult<what the function returns>
//
// Resumes on the coroutine's own executor, once everything that the function saw or wrote is durable. When the function
// returns an Outcome that is an error, what it wrote is taken back. The HostError is the journal's: nothing happened.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "state/store.h"
#include "wire/http/io_threads.h"

namespace boxship::bridge {

template <class Work, class Answer = std::invoke_result_t<Work&, state::Txn&>>
http::Async<HostResult<Answer>> update(state::Store& store, Work work)
{
    constexpr bool silent = std::is_void_v<Answer>;
    using Kept = std::conditional_t<silent, std::monostate, Answer>;
    struct Shared {
        std::optional<Kept> answer;
        HostResult<> durable;
    };
    auto shared = std::make_shared<Shared>();
    std::function<void(state::Txn&)> run = [shared, work = std::move(work)](state::Txn& txn) mutable {
        if constexpr (silent) {
            work(txn);
            shared->answer.emplace();
        } else {
            shared->answer.emplace(work(txn));
            if constexpr (requires { shared->answer->error(); }) {
                if (!shared->answer->ok()) txn.roll_back();
            }
        }
    };
    std::function<void(std::function<void()>)> start = [&store, shared, run = std::move(run)](std::function<void()> resume) {
        store.update(run, [shared, resume = std::move(resume)](HostResult<> durable) {
            shared->durable = std::move(durable);
            resume();
        });
    };
    co_await http::suspend(std::move(start));
    if (!shared->durable.ok()) co_return std::move(shared->durable).error();
    if constexpr (silent) co_return HostResult<>();
    else co_return std::move(*shared->answer);
}

}  // namespace boxship::bridge
