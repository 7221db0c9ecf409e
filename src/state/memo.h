// What a decision keeps of the rows, so as not to work it out anew each time. Answers must be the same without it.
#pragma once

#include <memory>

namespace boxship::state {

class Memo {
public:
    Memo() = default;
    Memo(const Memo&) {}  // it is of its own tables
    Memo& operator=(const Memo&) { kept_.reset(); return *this; }

    template <class Kept>  // there is one kind: placement's
    Kept& of()
    {
        if (!kept_) kept_ = std::make_shared<Kept>();
        return *static_cast<Kept*>(kept_.get());
    }

private:
    std::shared_ptr<void> kept_;
};

}  // namespace boxship::state
