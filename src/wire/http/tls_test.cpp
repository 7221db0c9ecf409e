#include <gtest/gtest.h>

#include "env/real/files.h"
#include "env/real/real_env.h"
#include "wire/certificates.h"
#include "wire/http/client.h"
#include "wire/http/server.h"
#include "wire/http/test_support.h"
#include "wire/http/websocket.h"

namespace boxship::http {
namespace {

class Tls : public ::testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-tls-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        const Time now = env::RealClock().now();
        env::RealRandom random;
        const crypto::CertifiedKey authority = crypto::make_authority("test authority", now, 30, random);
        const auto issued = crypto::issue_certificate(authority, {"localhost", "127.0.0.1", "::1"}, now, 10, random);
        ASSERT_TRUE(issued.ok()) << issued.error().message;
        ca_ = write("ca.pem", authority.certificate);
        other_ca_ = write("other.pem", crypto::make_authority("other", now, 30, random).certificate);
        ServerOptions options;
        options.header_timeout = Milliseconds(300);
        options.tls_certificate_file = write("server.pem", issued->certificate);
        options.tls_key_file = write("server.key", issued->key);
        server_ = std::make_unique<Server>(threads_, [this](Request& request, BodyReader& body) { return handle(request, body); }, options);
        const auto port = server_->listen_tls("127.0.0.1", 0);
        ASSERT_TRUE(port.ok()) << port.error().message;
        port_ = *port;
    }
    void TearDown() override
    {
        server_.reset();
        EXPECT_TRUE(env::remove_tree(directory_).ok());
    }
    std::string write(const std::string& name, const std::string& text)
    {
        EXPECT_TRUE(env::write_file(directory_ + "/" + name, text, 0600).ok());
        return directory_ + "/" + name;
    }
    Async<Response> handle(Request& request, BodyReader& body)
    {
        if (request.path == "/ws") {
            Response response;
            response.upgrade = [](WebSocket& socket) -> Async<> {
                for (;;) {
                    HostResult<std::optional<std::string>> message = co_await socket.read();
                    if (!message.ok() || !*message) co_return;
                    std::string text = std::move(**message);
                    HostResult<> sent = co_await socket.send(std::move(text));
                    if (!sent.ok()) co_return;
                }
            };
            co_return response;
        }
        if (request.path == "/file") {
            Response response;
            response.body = FileRange{file_, 1, 999'999};
            co_return response;
        }
        HostResult<std::string> bytes = co_await body.read_all();
        if (!bytes.ok()) co_return refuse_body(bytes.error());
        co_return text_response(200, fmt::format("{} {} {}", request.is_tls, request.remote_port, bytes->size()));
    }
    HostResult<ClientResponse> get(std::string_view host, std::string_view path, ClientOptions options)
    {
        Client client(options);
        ClientRequest request;
        request.url = fmt::format("https://{}:{}{}", host, port_, path);
        return client.send_blocking(request);
    }
    ClientOptions trusting(const std::string& ca)
    {
        ClientOptions options;
        options.ca_file = ca;
        return options;
    }

    IoThreads threads_{2};
    std::string directory_, ca_, other_ca_;
    std::shared_ptr<env::UniqueFd> file_;
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
};

TEST_F(Tls, serves_whom_it_knows_by_name_and_address)
{
    for (const char* host : {"localhost", "127.0.0.1"}) {
        const auto response = get(host, "/", trusting(ca_));
        ASSERT_TRUE(response.ok()) << response.error().message;
        EXPECT_TRUE(response->body.starts_with("true ")) << response->body;
    }
}

TEST_F(Tls, refuses_strangers)
{
    const auto stranger = get("localhost", "/", trusting(other_ca_));
    ASSERT_FALSE(stranger.ok());
    EXPECT_NE(stranger.error().message.find("TLS: "), std::string::npos) << stranger.error().message;
    EXPECT_NE(stranger.error().message.find("certificate"), std::string::npos) << stranger.error().message;
    const auto misnamed = get("other.localhost", "/", trusting(ca_));
    ASSERT_FALSE(misnamed.ok());
    EXPECT_NE(misnamed.error().message.find("hostname mismatch"), std::string::npos) << misnamed.error().message;
    ClientOptions careless;
    careless.verify_tls = false;
    EXPECT_TRUE(get("other.localhost", "/", careless).ok());
    EXPECT_FALSE(get("localhost", "/", trusting(directory_ + "/none.pem")).ok());
}

TEST_F(Tls, reuses_connections_across_threads_and_moves_much)
{
    Client client(trusting(ca_));
    ClientRequest request;
    request.method = "PUT";
    request.url = fmt::format("https://localhost:{}/", port_);
    request.body = std::string(3'000'000, 'u');
    const auto first = client.send_blocking(request);
    ASSERT_TRUE(first.ok()) << first.error().message;
    EXPECT_TRUE(first->body.ends_with(" 3000000"));
    std::function<Async<std::string>()> task = [&]() -> Async<std::string> {
        ClientRequest again = request;
        HostResult<ClientResponse> response = co_await client.send(std::move(again));
        co_return response.ok() ? response->body : response.error().message;
    };
    EXPECT_EQ(run_blocking(threads_.executor(), task), first->body);

    std::string content(1'000'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 >> 3);
    file_ = std::make_shared<env::UniqueFd>(*env::open_file(write("file", content), 0));
    const auto file = get("localhost", "/file", trusting(ca_));
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->body, content.substr(1));
}

TEST_F(Tls, carries_websockets)
{
    std::function<Async<std::string>()> task = [&]() -> Async<std::string> {
        ConnectRequest request;
        request.url = fmt::format("wss://localhost:{}/ws", port_);
        request.ca_file = ca_;
        auto socket = co_await connect_websocket(std::move(request));
        if (!socket.ok()) co_return socket.error().error.message;
        std::string text(200'000, 'w');
        HostResult<> sent = co_await (*socket)->send(text);
        if (!sent.ok()) co_return sent.error().message;
        HostResult<std::optional<std::string>> back = co_await (*socket)->read();
        if (!back.ok()) co_return back.error().message;
        co_return **back == text ? "same" : "different";
    };
    EXPECT_EQ(run_blocking(threads_.executor(), task), "same");
}

TEST_F(Tls, cuts_who_does_not_speak_it)
{
    RawClient plain(port_), silent(port_);
    plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(plain.read_to_end().find("HTTP/1.1 200"), std::string::npos);
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_TRUE(get("localhost", "/", trusting(ca_)).ok());
}

TEST(Certificates, are_checked_when_made)
{
    env::RealRandom random;
    const Time now = env::RealClock().now();
    const crypto::CertifiedKey authority = crypto::make_authority("a", now, 1, random);
    EXPECT_FALSE(crypto::issue_certificate(authority, {}, now, 1, random).ok());
    EXPECT_FALSE(crypto::issue_certificate(authority, {"a,DNS:evil"}, now, 1, random).ok());
    EXPECT_FALSE(crypto::issue_certificate({"x", "y"}, {"a"}, now, 1, random).ok());
    EXPECT_EQ(crypto::certificate_fingerprint(authority.certificate)->size(), 64u);
    EXPECT_FALSE(crypto::certificate_fingerprint("nothing").ok());
}

}  // namespace
}  // namespace boxship::http
