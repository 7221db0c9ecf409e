// Locks by name for coroutines: whoever waits is resumed in turn, on its own executor; no thread is held.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "wire/http/io_threads.h"

namespace boxship::registry {

class KeyLocks {
    struct State;

public:
    class Guard {
    public:
        Guard(std::shared_ptr<State> state, std::string key) : state_(std::move(state)), key_(std::move(key)) {}
        Guard(Guard&& other) noexcept : state_(std::move(other.state_)), key_(std::move(other.key_)) {}
        Guard& operator=(Guard&&) = delete;
        ~Guard();

    private:
        std::shared_ptr<State> state_;
        std::string key_;
    };

    KeyLocks() : state_(std::make_shared<State>()) {}
    http::Async<Guard> lock(std::string key);
    std::optional<Guard> try_lock(const std::string& key);

private:
    struct State {
        std::mutex mutex;
        std::unordered_map<std::string, std::deque<std::function<void()>>> held;  // key → who waits for it
    };
    std::shared_ptr<State> state_;
};

}  // namespace boxship::registry
