#include "wire/http/client.h"

#include <gtest/gtest.h>

#include "env/real/files.h"
#include "wire/http/server.h"
#include "wire/http/test_support.h"

namespace boxship::http {
namespace {

// A listening socket whose owner says by hand what the server does.
class ScriptedServer {
public:
    ScriptedServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
        EXPECT_EQ(::listen(fd_.get(), 16), 0);
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
    }
    ~ScriptedServer()
    {
        if (thread_.joinable()) thread_.join();
    }
    // Accepts a connection per script, reads one request head, answers with the script, closes.
    void answer(std::vector<std::string> scripts, Milliseconds before_close = Milliseconds(0))
    {
        thread_ = std::thread([this, scripts = std::move(scripts), before_close] {
            for (const std::string& script : scripts) {
                const env::UniqueFd peer(::accept(fd_.get(), nullptr, nullptr));
                std::string got;
                char buffer[4096];
                while (got.find("\r\n\r\n") == std::string::npos) {
                    const ssize_t count = ::recv(peer.get(), buffer, sizeof buffer, 0);
                    if (count <= 0) break;
                    got.append(buffer, static_cast<std::size_t>(count));
                }
                requests.push_back(got);
                [[maybe_unused]] const auto sent = ::send(peer.get(), script.data(), script.size(), MSG_NOSIGNAL);
                std::this_thread::sleep_for(before_close);
            }
        });
    }
    std::string url(std::string_view path = "/") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
    void join() { thread_.join(); }
    std::vector<std::string> requests;  // after join()

private:
    env::UniqueFd fd_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

HostResult<ClientResponse> get(const std::string& url, ClientOptions options = {})
{
    Client client(options);
    ClientRequest request;
    request.url = url;
    return client.send_blocking(request);
}

TEST(HttpClient, reads_every_kind_of_body)
{
    ScriptedServer server;
    server.answer({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                   "HTTP/1.0 200 OK\r\n\r\nto the end", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"});
    EXPECT_EQ(get(server.url("/a?b=c"))->body, "hello");
    const auto chunked = get(server.url());
    EXPECT_EQ(chunked->status, 201);
    EXPECT_EQ(chunked->body, "abc");
    EXPECT_EQ(get(server.url())->body, "to the end");
    EXPECT_EQ(get(server.url())->status, 204);
    EXPECT_EQ(get(server.url())->headers.get("location"), "/elsewhere");
    server.join();
    EXPECT_TRUE(server.requests[0].starts_with("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")) << server.requests[0];
}

TEST(HttpClient, names_what_went_wrong)
{
    ScriptedServer server;
    server.answer({"SSH-2.0-hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "",
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"});
    EXPECT_EQ(get(server.url()).error().code, EBADMSG);
    EXPECT_EQ(get(server.url()).error().code, ECONNRESET);
    EXPECT_EQ(get(server.url()).error().code, ECONNRESET);
    EXPECT_EQ(get(server.url()).error().code, EBADMSG);
    server.join();
    EXPECT_EQ(get("ftp://x/").error().code, EINVAL);
    const auto refused = get("http://127.0.0.1:1/");
    EXPECT_EQ(refused.error().code, ECONNREFUSED);
    EXPECT_EQ(refused.error().message, "GET http://127.0.0.1:1/: connect to 127.0.0.1:1: Connection refused");
    EXPECT_EQ(get("http://no-such-name.invalid/").error().code, EHOSTUNREACH);
}

TEST(HttpClient, gives_up_on_a_silent_server)
{
    ScriptedServer server;
    server.answer({"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"}, Milliseconds(150));
    ClientOptions options;
    options.read_timeout = Milliseconds(50);
    EXPECT_EQ(get(server.url(), options).error().code, ETIMEDOUT);
    server.join();
}

TEST(HttpClient, bounds_what_it_keeps)
{
    ScriptedServer server;
    server.answer({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"});
    Client client;
    ClientRequest request;
    request.url = server.url();
    request.response_bytes_max = 4;
    EXPECT_EQ(client.send_blocking(request).error().code, EMSGSIZE);
    server.join();
}

TEST(HttpClient, refuses_headers_that_would_break_the_head)
{
    Client client;
    ClientRequest request;
    request.url = "http://127.0.0.1:1/";
    request.headers.add("X", "a\r\nInjected: 1");
    EXPECT_EQ(client.send_blocking(request).error().code, EINVAL);
}

class HttpClientAndServer : public ::testing::Test {
protected:
    Async<Response> handle(Request& request, BodyReader& body)
    {
        HostResult<std::string> bytes = co_await body.read_all();
        if (!bytes.ok()) co_return refuse_body(bytes.error());
        if (request.path == "/port") co_return text_response(200, std::to_string(request.remote_port));
        if (request.path == "/close") {
            Response response = text_response(200, std::to_string(request.remote_port));
            response.close = true;
            co_return response;
        }
        if (request.path == "/big") co_return text_response(200, std::string(5'000'000, 'b'));
        if (request.path == "/no") co_return text_response(404, "no such thing");
        co_return text_response(200, fmt::format("{} {} {}", request.method, request.is_tls, *bytes));
    }
    void SetUp() override
    {
        server_ = std::make_unique<Server>(threads_, [this](Request& request, BodyReader& body) { return handle(request, body); }, options_);
        port_ = *server_->listen("127.0.0.1", 0);
    }
    ClientRequest request_for(std::string_view path)
    {
        ClientRequest request;
        request.url = fmt::format("http://localhost:{}{}", port_, path);
        return request;
    }

    IoThreads threads_{2};
    ServerOptions options_;
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
};

TEST_F(HttpClientAndServer, reuses_connections_from_coroutines_and_threads)
{
    Client client;
    const std::string first = client.send_blocking(request_for("/port"))->body;
    EXPECT_EQ(client.send_blocking(request_for("/port"))->body, first);
    std::function<Async<std::string>()> task = [&]() -> Async<std::string> {
        ClientRequest request = request_for("/port");
        HostResult<ClientResponse> response = co_await client.send(request);
        co_return response->body;
    };
    EXPECT_EQ(run_blocking(threads_.executor(0), task), first);
    EXPECT_EQ(run_blocking(threads_.executor(1), task), first);
    EXPECT_EQ(client.send_blocking(request_for("/close"))->body, first);
    EXPECT_NE(client.send_blocking(request_for("/port"))->body, first);
}

TEST_F(HttpClientAndServer, a_connection_the_server_dropped_is_not_used)
{
    Client client;
    EXPECT_EQ(client.send_blocking(request_for("/port"))->status, 200);
    server_.reset();
    server_ = std::make_unique<Server>(threads_, [this](Request& request, BodyReader& body) { return handle(request, body); });
    ASSERT_TRUE(server_->listen("127.0.0.1", port_).ok());
    ClientRequest request = request_for("/");
    request.method = "POST";
    request.body = "once";
    EXPECT_EQ(client.send_blocking(request)->body, "POST false once");
}

TEST_F(HttpClientAndServer, streams_good_answers_and_keeps_bad_ones)
{
    Client client;
    std::size_t total = 0;
    const Sink sink = [&](std::string_view bytes) -> HostResult<> {
        total += bytes.size();
        return {};
    };
    const auto good = client.send_streaming_blocking(request_for("/big"), sink);
    ASSERT_TRUE(good.ok());
    EXPECT_EQ(total, 5'000'000u);
    EXPECT_EQ(good->body, "");
    const auto bad = client.send_streaming_blocking(request_for("/no"), sink);
    EXPECT_EQ(bad->status, 404);
    EXPECT_EQ(bad->body, "no such thing");
    EXPECT_EQ(total, 5'000'000u);
    const auto stopped = client.send_streaming_blocking(request_for("/big"), [](std::string_view) -> HostResult<> { return HostError{"disk full", ENOSPC}; });
    EXPECT_EQ(stopped.error().message, "disk full");
}

TEST_F(HttpClientAndServer, many_at_once_from_one_client)
{
    Client client;
    std::atomic<int> good{0};
    {
        TaskGroup group(threads_.executor());
        for (int i = 0; i < 200; ++i)
            group.spawn("request", [&]() -> Async<> {
                ClientRequest request = request_for("/x");
                HostResult<ClientResponse> response = co_await client.send(request);
                if (response.ok() && response->status == 200) ++good;
            });
        group.join();
    }
    EXPECT_EQ(good, 200);
}

TEST(TaskGroups, cancel_what_waits_and_wait_for_it)
{
    IoThreads threads(1);
    std::atomic<int> ended{0};
    {
        TaskGroup group(threads.executor());
        for (int i = 0; i < 10; ++i)
            group.spawn("sleeper", [&]() -> Async<> {
                struct Count {
                    std::atomic<int>& count;
                    ~Count() { ++count; }
                } count{ended};
                co_await sleep_for(std::chrono::hours(1));
            });
        std::function<Async<>()> nothing = []() -> Async<> { co_return; };
        run_blocking<void>(threads.executor(), nothing);
        EXPECT_EQ(group.size(), 10u);
    }
    EXPECT_EQ(ended, 10);
}

TEST(FromCallback, carries_a_value_from_another_thread)
{
    IoThreads threads(1);
    std::thread other;
    std::function<Async<int>()> task = [&]() -> Async<int> {
        std::function<void(std::function<void(int)>)> start = [&](std::function<void(int)> done) {
            other = std::thread([done] { done(42); });
        };
        co_return co_await from_callback<int>(start);
    };
    EXPECT_EQ(run_blocking(threads.executor(), task), 42);
    other.join();
}

TEST(Urls, are_taken_apart)
{
    const auto url = parse_url("https://Example.test:8443/a%20b?x=1#frag");
    ASSERT_TRUE(url.ok());
    EXPECT_EQ(url->host, "Example.test");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a%20b?x=1");
    EXPECT_EQ(url->host_header(), "Example.test:8443");
    EXPECT_EQ(parse_url("http://[::1]:80")->host_header(), "[::1]");
    EXPECT_EQ(parse_url("ws://h?x=1")->target, "/?x=1");
    for (const char* bad : {"", "h", "http://", "http://h:0/", "http://h:99999/", "http://[::1/", "http://u@h/", "http://h/a b", "gopher://h/"})
        EXPECT_FALSE(parse_url(bad).ok()) << bad;
}

TEST(HeadersAndQueries, behave)
{
    Headers headers{{"A", "1"}, {"b", "x, Y ,z"}, {"a", "2"}};
    EXPECT_EQ(headers.get("a"), "1");
    EXPECT_EQ(headers.all("A").size(), 2u);
    EXPECT_TRUE(headers.has_token("B", "y"));
    EXPECT_FALSE(headers.has_token("B", "x, Y"));
    headers.set("A", "3");
    EXPECT_EQ(headers.all("a"), std::vector<std::string_view>{"3"});
    headers.remove("B");
    EXPECT_EQ(headers.size(), 1u);
    const Pairs expected{{"a", "1 2"}, {"b", ""}, {"c", ""}, {"a", "%zz"}};
    EXPECT_EQ(parse_query("a=1+2&b&c=&&a=%zz"), expected);
    EXPECT_EQ(query_value("x=1&y=%41", "y"), "A");
    EXPECT_EQ(percent_encode("a/b c~é"), "a%2Fb%20c~%C3%A9");
}

}  // namespace
}  // namespace boxship::http
