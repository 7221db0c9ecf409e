#include "drive/agents/acs_connection.h"

#include <boost/asio/awaitable.hpp>

namespace boxship::drive {

http::Async<> AcsConnection::run(http::WebSocket& socket, std::shared_ptr<AcsConversation> conversation)
{
    if (cut_) co_return;
    socket_ = &socket;
    conversation->begin();
    for (;;) {
        const auto text = co_await socket.read();
        if (!text.ok() || !*text) break;
        conversation->on_message(**text);
    }
    socket_ = nullptr;
}

void AcsConnection::send(std::string frame)
{
    if (!socket_) return;
    http::spawn(executor_, [](std::shared_ptr<AcsConnection> self, std::string text) -> http::Async<> {
        // A failed send shows in read() too; what was meant to be sent is derived again on the next connect.
        if (self->socket_) (void)co_await self->socket_->send(std::move(text));
    }(shared_from_this(), std::move(frame)), "send to an agent");
}

void AcsConnection::cut()
{
    cut_ = true;
    if (socket_) socket_->cut();
}

void AcsConnection::post(std::function<void()> work) { http::post(executor_, std::move(work)); }

}  // namespace boxship::drive
