#include <netinet/in.h>
#include <sys/socket.h>

#include "base/check.h"
#include "fuzz/targets.h"
#include "wire/crypto.h"
#include "wire/http/server.h"
#include "wire/http/websocket.h"

namespace boxship::fuzz {
namespace {

// Echoes bodies and messages.
class Echo {
public:
    Echo()
    {
        const auto port = server_.listen("127.0.0.1", 0);
        CHECK(port.ok());
        address_.sin_family = AF_INET;
        address_.sin_port = htons(*port);
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }

    // Says `input`, ends its half and reads what comes until the server ends too.
    void talk(std::string_view input)
    {
        const env::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const linger at_once{1, 0};  // no TIME_WAIT: thousands of these come in a second
        ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        CHECK(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
        char answer[4096];
        while (!input.empty()) {
            const ssize_t sent = ::send(client.get(), input.data(), input.size(), MSG_NOSIGNAL);
            if (sent <= 0) break;
            input.remove_prefix(static_cast<std::size_t>(sent));
        }
        ::shutdown(client.get(), SHUT_WR);
        while (::recv(client.get(), answer, sizeof answer, 0) > 0) {
        }
    }

private:
    static http::Async<http::Response> answer(http::Request& request, http::BodyReader& body)
    {
        if (request.wants_websocket()) {
            http::Response response;
            response.upgrade = [](http::WebSocket& socket) -> http::Async<> {
                socket.set_message_max(1 << 16);
                for (;;) {
                    auto message = co_await socket.read();
                    if (!message.ok() || !*message) co_return;
                    const auto sent = co_await socket.send(std::move(**message));
                    if (!sent.ok()) co_return;
                }
            };
            co_return response;
        }
        const auto bytes = co_await body.read_all();
        if (!bytes.ok()) co_return http::refuse_body(bytes.error());
        co_return http::text_response(200, *bytes);
    }

    http::IoThreads threads_{1};
    http::Server server_{threads_, answer, {.body_bytes_max = 1 << 20}};
    sockaddr_in address_{};
};

}  // namespace

void server(std::string_view input)
{
    if (input.size() > 64 * 1024) return;  // both sides would wait for room in the other's buffer
    // First, so that OpenSSL's own end comes after the end of the server's threads, which it keeps memory for.
    [[maybe_unused]] static const auto started = crypto::sha256({});
    static Echo echo;
    echo.talk(input);
}

}  // namespace boxship::fuzz
