#include "wire/http/websocket.h"

#include <gtest/gtest.h>

#include "wire/http/server.h"
#include "wire/http/test_support.h"

namespace boxship::http {
namespace {

using Message = std::optional<std::string>;

class WebSockets : public ::testing::Test {
protected:
    Async<Response> handle(Request& request, BodyReader&)
    {
        if (request.path == "/refuse") co_return text_response(403, "{\"why\":\"no\"}", "application/json");
        if (request.path == "/plain") co_return text_response(200, "no upgrade here");
        Response response;
        response.upgrade = [this, path = request.path](WebSocket& socket) { return serve(socket, path); };
        co_return response;
    }

    Async<> serve(WebSocket& socket, std::string path)
    {
        socket.set_message_max(100'000);
        if (path == "/silent") co_await sleep_for(std::chrono::hours(1));
        if (path == "/impatient") socket.set_read_timeout(Milliseconds(40));
        if (path == "/bye") {
            co_await socket.close(1013, "busy");
            co_return;
        }
        for (;;) {
            HostResult<Message> message = co_await socket.read();
            if (!message.ok()) {
                server_saw_ = message.error().code;
                co_return;
            }
            if (!*message) {
                server_saw_ = -socket.close_code();
                co_return;
            }
            std::string text = std::move(**message);
            HostResult<> sent = socket.last_was_binary() ? co_await socket.send_binary(std::move(text)) : co_await socket.send(std::move(text));
            if (!sent.ok()) co_return;
        }
    }

    void SetUp() override
    {
        server_ = std::make_unique<Server>(threads_, [this](Request& request, BodyReader& body) { return handle(request, body); });
        port_ = *server_->listen("127.0.0.1", 0);
    }

    Outcome<std::unique_ptr<WebSocket>, ConnectError> connect(std::string_view path)
    {
        auto slot = std::make_shared<std::optional<Outcome<std::unique_ptr<WebSocket>, ConnectError>>>();
        std::function<Async<>()> task = [this, slot, path]() -> Async<> {
            ConnectRequest request;
            request.url = fmt::format("ws://localhost:{}{}", port_, path);
            slot->emplace(co_await connect_websocket(std::move(request)));
        };
        run_blocking(threads_.executor(), task);
        return std::move(**slot);
    }
    HostResult<Message> read(WebSocket& socket)
    {
        auto slot = std::make_shared<std::optional<HostResult<Message>>>();
        std::function<Async<>()> task = [&socket, slot]() -> Async<> { slot->emplace(co_await socket.read()); };
        run_blocking(threads_.executor(), task);
        return std::move(**slot);
    }
    HostResult<> send(WebSocket& socket, std::string text)
    {
        std::function<Async<HostResult<>>()> task = [&]() { return socket.send(text); };
        return run_blocking(threads_.executor(), task);
    }
    // Upgraded by hand, for bytes no decent client would send.
    RawClient raw(std::string_view path = "/echo")
    {
        RawClient client(port_);
        client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path));
        const std::string head = client.read_until("\r\n\r\n");
        EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
        EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
        return client;
    }
    void wait_for_server(int code)
    {
        for (int i = 0; i < 5000 && server_saw_ != code; ++i) ::usleep(1000);
        EXPECT_EQ(server_saw_, code);
    }

    IoThreads threads_{2};
    std::atomic<int> server_saw_{0};
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
};

// A frame with the all-zero mask, so that the test reads plainly.
std::string frame(int first_byte, std::string_view payload)
{
    std::string bytes(1, static_cast<char>(first_byte));
    if (payload.size() < 126) {
        bytes.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
        bytes.push_back(static_cast<char>(0x80 | 126));
        bytes.push_back(static_cast<char>(payload.size() >> 8));
        bytes.push_back(static_cast<char>(payload.size()));
    }
    return bytes + std::string(4, '\0') + std::string(payload);
}

TEST_F(WebSockets, carry_messages_of_all_sizes)
{
    auto socket = connect("/echo");
    ASSERT_TRUE(socket.ok()) << socket.error().error.message;
    for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 100'000u}) {
        const std::string text(size, 'm');
        ASSERT_TRUE(send(**socket, text).ok());
        const HostResult<Message> back = read(**socket);
        ASSERT_TRUE(back.ok()) << back.error().message;
        EXPECT_EQ(**back, text);
        EXPECT_FALSE((*socket)->last_was_binary());
    }
    std::function<Async<HostResult<>>()> binary = [&]() { return (*socket)->send_binary("\xff\x00"); };
    ASSERT_TRUE(run_blocking(threads_.executor(), binary).ok());
    EXPECT_EQ(**read(**socket), "\xff");
    EXPECT_TRUE((*socket)->last_was_binary());
}

TEST_F(WebSockets, keep_the_order_of_many_senders)
{
    auto socket = connect("/echo");
    ASSERT_TRUE(socket.ok());
    TaskGroup group(threads_.executor());
    for (int sender = 0; sender < 20; ++sender)
        group.spawn("sender", [&, sender]() -> Async<> {
            for (int i = 0; i < 50; ++i) {
                HostResult<> sent = co_await (*socket)->send(fmt::format("{} {}", sender, i));
                EXPECT_TRUE(sent.ok());
            }
        });
    std::map<int, int> next;
    for (int i = 0; i < 1000; ++i) {
        const HostResult<Message> message = read(**socket);
        ASSERT_TRUE(message.ok() && *message);
        int sender = 0, number = 0;
        ASSERT_EQ(std::sscanf((*message)->c_str(), "%d %d", &sender, &number), 2);
        EXPECT_EQ(number, next[sender]++);
    }
    group.join();
}

TEST_F(WebSockets, close_from_either_side)
{
    auto socket = connect("/echo");
    ASSERT_TRUE(socket.ok());
    std::function<Async<>()> close = [&]() { return (*socket)->close(1000, "ConnectionExpired: Reconnect to continue"); };
    run_blocking(threads_.executor(), close);
    const HostResult<Message> end = read(**socket);
    ASSERT_TRUE(end.ok()) << end.error().message;
    EXPECT_FALSE(end->has_value());
    EXPECT_EQ((*socket)->close_code(), 1000);
    wait_for_server(-1000);
    EXPECT_EQ(send(**socket, "late").error().code, EPIPE);

    auto other = connect("/bye");
    ASSERT_TRUE(other.ok());
    EXPECT_FALSE(read(**other)->has_value());
    EXPECT_EQ((*other)->close_code(), 1013);
    EXPECT_EQ((*other)->close_reason(), "busy");
}

TEST_F(WebSockets, tell_a_vanished_peer_from_a_closed_one)
{
    auto socket = connect("/echo");
    ASSERT_TRUE(socket.ok());
    socket.value().reset();
    wait_for_server(ECONNRESET);
}

TEST_F(WebSockets, time_out)
{
    auto socket = connect("/impatient");
    ASSERT_TRUE(socket.ok());
    wait_for_server(ETIMEDOUT);
    auto silent = connect("/silent");
    ASSERT_TRUE(silent.ok());
    (*silent)->set_read_timeout(Milliseconds(30));
    EXPECT_EQ(read(**silent).error().code, ETIMEDOUT);
}

TEST_F(WebSockets, a_refusal_carries_status_and_words)
{
    auto refused = connect("/refuse");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, 403);
    EXPECT_EQ(refused.error().body, "{\"why\":\"no\"}");
    EXPECT_EQ(connect("/plain").error().status, 200);
    RawClient plain(port_);
    plain.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(plain.read_response().starts_with("HTTP/1.1 426 "));
}

TEST_F(WebSockets, assemble_fragments_and_answer_pings_between_them)
{
    RawClient client = raw();
    client.send(frame(0x01, "one ") + frame(0x89, "ping") + frame(0x00, "two ") + frame(0x80, "three"));
    EXPECT_EQ(client.read_bytes(6), "\x8a\x04ping");
    EXPECT_EQ(client.read_bytes(15), "\x81\x0done two three");
    client.send(frame(0x88, "\x03\xe8"));
    EXPECT_EQ(client.read_to_end(), "\x88\x02\x03\xe8");
    wait_for_server(-1000);
}

TEST_F(WebSockets, answer_broken_rules_with_the_fitting_code)
{
    const std::string unmasked = "\x81\x02hi";
    struct Case {
        std::string bytes;
        int code;
    };
    const std::vector<Case> cases = {
        {unmasked, 1002},
        {frame(0xc1, "x"), 1002},                               // reserved bit
        {frame(0x83, "x"), 1002},                               // reserved opcode
        {frame(0x8b, "x"), 1002},
        {frame(0x80, "x"), 1002},                               // continues nothing
        {frame(0x01, "x") + frame(0x81, "y"), 1002},            // a new message within one
        {frame(0x09, "x"), 1002},                               // a ping in pieces
        {frame(0x89, std::string(126, 'x')), 1002},             // a long ping
        {frame(0x88, "\x03"), 1002},
        {frame(0x88, "\x03\xed"), 1002},                        // 1005 is never sent
        {frame(0x81, "\xc0\xaf"), 1007},                        // overlong
        {frame(0x81, "\xed\xa0\x80"), 1007},                    // surrogate
        {frame(0x81, "\xe2\x82"), 1007},                        // cut short
        {std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14), 1009},
    };
    for (const Case& one : cases) {
        server_saw_ = 0;
        RawClient client = raw();
        client.send(one.bytes);
        const std::string answer = client.read_bytes(4);
        ASSERT_EQ(answer.size(), 4u);
        EXPECT_EQ(answer.substr(0, 2), "\x88\x02");
        EXPECT_EQ((static_cast<unsigned char>(answer[2]) << 8) | static_cast<unsigned char>(answer[3]), one.code);
        EXPECT_EQ(client.read_to_end(), "");
        wait_for_server(one.code == 1009 ? EMSGSIZE : EPROTO);
    }
    RawClient fine = raw();
    fine.send(frame(0x81, "\xf0\x9f\x98\x80 \xc3\xa9"));
    EXPECT_EQ(fine.read_bytes(9), "\x81\x07\xf0\x9f\x98\x80 \xc3\xa9");
}

TEST_F(WebSockets, are_told_when_the_server_stops)
{
    auto socket = connect("/echo");
    ASSERT_TRUE(socket.ok());
    TaskGroup group(threads_.executor());
    std::atomic<int> code{0};
    group.spawn("reader", [&]() -> Async<> {
        HostResult<Message> message = co_await (*socket)->read();
        code = message.ok() && !*message ? (*socket)->close_code() : -1;
    });
    server_->drain(Milliseconds(5000));
    group.join();
    EXPECT_EQ(code, 1001);
}

TEST_F(WebSockets, cut_ends_a_reader_at_once)
{
    auto socket = connect("/silent");
    ASSERT_TRUE(socket.ok());
    TaskGroup group(threads_.executor());
    std::atomic<int> code{0};
    group.spawn("reader", [&]() -> Async<> {
        HostResult<Message> message = co_await (*socket)->read();
        code = message.ok() ? -1 : message.error().code;
    });
    (*socket)->cut();
    group.join();
    EXPECT_EQ(code, ECONNABORTED);
}

}  // namespace
}  // namespace boxship::http
