// Work that many want and one does: whoever comes first does it, the others wait and share how it ended.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "images/pull_error.h"

namespace boxship::images {

class Flights {
public:
    // Failures that were the leader's own (cancelled, not allowed) are not shared: the next in line tries itself.
    PullResult<> fly(const std::string& key, const std::stop_token& stop, const std::function<PullResult<>()>& work);

private:
    struct Flight {
        bool landed = false;
        PullResult<> how;
    };

    std::mutex mutex_;
    std::condition_variable_any landed_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;
};

// So many at once, the others wait.
class Slots {
public:
    explicit Slots(int free) : free_(free) {}

    class Slot {
    public:
        explicit Slot(Slots* slots) : slots_(slots) {}
        Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
        Slot& operator=(Slot&&) = delete;
        ~Slot()
        {
            if (slots_ != nullptr) slots_->give_back();
        }
        explicit operator bool() const { return slots_ != nullptr; }

    private:
        Slots* slots_;
    };
    Slot take(const std::stop_token& stop);  // false when stopped

private:
    void give_back();

    std::mutex mutex_;
    std::condition_variable_any freed_;
    int free_;
};

}  // namespace boxship::images
