// A connection between an agent and the server, as TCP is: in order, late, and when it ends one side may not learn of it.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "sim/stage.h"

namespace boxship::sim {

class Wire : public std::enable_shared_from_this<Wire> {
public:
    enum Side { agent = 0, server = 1 };
    struct End {
        std::function<void(std::string)> message;
        std::function<void()> closed;       // once; not for the side that closed
    };

    explicit Wire(Stage& stage) : stage_(stage) {}

    void attach(Side side, End end) { ends_[side] = std::move(end); }
    void overhear(std::function<void(const std::string&)> ear) { ear_ = std::move(ear); }   // of what the server sends
    void send(Side from, std::string text);
    // That side lets go of it, or its process ends: the other learns after a while, unless the wire hangs.
    void close(Side by);
    void cut();                 // both sides learn
    void hang() { hung_ = true; }   // nothing passes any more, and nobody is told

    bool open() const { return !closed_[0] && !closed_[1]; }

private:
    void deliver(Side to, std::function<void(Wire&)> what);

    Stage& stage_;
    std::array<End, 2> ends_;
    std::function<void(const std::string&)> ear_;
    std::array<bool, 2> closed_{};
    std::array<Time, 2> busy_until_{};
    bool hung_ = false;
};

}  // namespace boxship::sim
