#include "wire/http/server.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "env/real/files.h"
#include "wire/http/client.h"
#include "wire/http/test_support.h"

namespace boxship::http {
namespace {

class HttpServer : public ::testing::Test {
protected:
    // Echoes, and knows a few paths that do odd things.
    Async<Response> handle(Request& request, BodyReader& body)
    {
        if (request.path == "/ignore") co_return text_response(200, "ignored");
        if (request.path == "/throw") throw std::runtime_error("on purpose");
        if (request.path == "/file") {
            Response response;
            response.body = FileRange{file_, 10, 100'000};
            co_return response;
        }
        if (request.path == "/stream") {
            Response response;
            StreamBody stream;
            if (request.query == "known") stream.length = 11;
            if (request.query == "short") stream.length = 100;
            stream.write = [](BodyWriter& writer) -> Async<HostResult<>> {
                CO_RETURN_IF_ERROR(co_await writer.write("hello "));
                CO_RETURN_IF_ERROR(co_await writer.write(""));
                CO_RETURN_IF_ERROR(co_await writer.write("world"));
                co_return HostResult<>();
            };
            response.body = std::move(stream);
            co_return response;
        }
        if (request.path == "/endless") {
            Response response;
            StreamBody stream;
            stream.write = [](BodyWriter& writer) -> Async<HostResult<>> {
                const std::string piece(64 * 1024, 'x');
                for (;;) CO_RETURN_IF_ERROR(co_await writer.write(piece));
            };
            response.body = std::move(stream);
            co_return response;
        }
        if (request.path == "/drip") {
            Response response;
            StreamBody stream;
            stream.write = [this](BodyWriter& writer) -> Async<HostResult<>> {
                struct Count {
                    std::atomic<int>& count;
                    ~Count() { ++count; }
                } count{dripped_};
                CO_RETURN_IF_ERROR(co_await writer.write("a"));
                co_await sleep_for(Milliseconds(150));
                CO_RETURN_IF_ERROR(co_await writer.write("b"));
                ++sleeping_;
                co_await sleep_for(std::chrono::hours(1));
                co_return HostResult<>();
            };
            response.body = std::move(stream);
            co_return response;
        }
        if (request.path == "/sleep") {
            ++sleeping_;
            co_await sleep_for(Milliseconds(request.query.empty() ? 100 : 3'600'000));
            co_return text_response(200, "slept");
        }
        if (request.path == "/count") {
            std::uint64_t total = 0;
            std::string piece(1 << 16, '\0');
            for (;;) {
                HostResult<std::size_t> got = co_await body.read_some(piece);
                if (!got.ok()) co_return refuse_body(got.error());
                if (*got == 0) break;
                total += *got;
            }
            co_return text_response(200, std::to_string(total));
        }
        HostResult<std::string> bytes = co_await body.read_all();
        if (!bytes.ok()) co_return refuse_body(bytes.error());
        Response response = text_response(200, fmt::format("{} {} {} [{}]", request.method, request.path, request.query, *bytes));
        response.headers.add("X-Listener", request.listener);
        co_return response;
    }

    void start(ServerOptions options = {})
    {
        server_ = std::make_unique<Server>(threads_, [this](Request& request, BodyReader& body) { return handle(request, body); }, options);
        const auto port = server_->listen("127.0.0.1", 0, "main");
        ASSERT_TRUE(port.ok()) << port.error().message;
        port_ = *port;
    }

    std::string ask(std::string_view request)
    {
        RawClient client(port_);
        client.send(request);
        return client.read_response();
    }

    IoThreads threads_{2};
    std::shared_ptr<env::UniqueFd> file_;
    std::atomic<int> sleeping_{0};
    std::atomic<int> dripped_{0};
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
};

TEST_F(HttpServer, answers_and_keeps_the_connection)
{
    start();
    RawClient client(port_);
    for (int i = 0; i < 3; ++i) {
        client.send("GET /a%20b?x=1&y=%20 HTTP/1.1\r\nHost: h\r\n\r\n");
        const std::string answer = client.read_response();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
        EXPECT_TRUE(answer.ends_with("GET /a b x=1&y=%20 []")) << answer;
        EXPECT_NE(answer.find("X-Listener: main\r\n"), std::string::npos);
        EXPECT_EQ(answer.find("Connection: close"), std::string::npos);
    }
    EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpServer, answers_pipelined_requests_in_order)
{
    start();
    RawClient client(port_);
    std::string all;
    for (int i = 0; i < 50; ++i) all += fmt::format("POST /{} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", i);
    client.send(all);
    for (int i = 0; i < 50; ++i) {
        const std::string answer = client.read_response();
        ASSERT_TRUE(answer.ends_with(fmt::format("POST /{}  [abc]", i))) << answer;
    }
}

TEST_F(HttpServer, reads_a_request_that_comes_byte_by_byte)
{
    start();
    RawClient client(port_);
    const std::string request = "POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n";
    for (const char c : request) client.send(std::string_view(&c, 1));
    EXPECT_TRUE(client.read_response().ends_with("[abcde]"));
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_response().ends_with("GET /next  []"));
}

TEST_F(HttpServer, closes_when_asked_and_for_http_1_0)
{
    start();
    RawClient polite(port_);
    polite.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_NE(polite.read_response().find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(polite.closed());
    RawClient old(port_);
    old.send("GET /stream HTTP/1.0\r\n\r\n");
    const std::string answer = old.read_to_end();
    EXPECT_TRUE(answer.ends_with("\r\n\r\nhello world")) << answer;
    EXPECT_EQ(answer.find("chunked"), std::string::npos);
    RawClient kept(port_);
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(kept.read_response().find("Connection: keep-alive\r\n"), std::string::npos);
    kept.send("GET /again HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(kept.read_response().ends_with("GET /again  []"));
}

TEST_F(HttpServer, head_gets_the_head_only)
{
    start();
    RawClient client(port_);
    client.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(client.read_until("\r\n\r\n").find("Content-Length: 11\r\n"), std::string::npos);
    EXPECT_NE(client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_TRUE(client.read_response().ends_with("GET /y  []"));
}

TEST_F(HttpServer, streams_chunked_or_with_a_length)
{
    start();
    RawClient client(port_);
    client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_until("0\r\n\r\n").ends_with("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"));
    client.send("GET /stream?known HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_response().ends_with("\r\n\r\nhello world"));
    // A body shorter than promised must not look whole.
    client.send("GET /stream?short HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_to_end().ends_with("\r\n\r\nhello world"));
}

TEST_F(HttpServer, sends_100_when_the_body_is_read_and_only_then)
{
    start();
    RawClient client(port_);
    client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_TRUE(client.read_response().ends_with("[ok]"));
    client.send("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    const std::string answer = client.read_response();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(HttpServer, drops_a_short_body_nobody_read_and_cuts_a_long_one)
{
    start();
    RawClient client(port_);
    client.send("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_response().ends_with("ignored"));
    EXPECT_TRUE(client.read_response().ends_with("GET /next  []"));
    client.send("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nabc");
    EXPECT_NE(client.read_response().find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(client.closed());
}

TEST_F(HttpServer, refuses_what_is_too_large)
{
    ServerOptions options;
    options.body_bytes_max = 1000;
    start(options);
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n").starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'a') + "\r\n0\r\n\r\n")
                    .starts_with("HTTP/1.1 413 "));
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'a')).starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
    EXPECT_TRUE(ask("GET /" + std::string(40'000, 'a')).starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpServer, refuses_malformed_and_ambiguous_requests)
{
    start();
    for (const char* bad : {
             "\x16\x03\x01\x02", "GET\r\n\r\n", "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n", "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
             "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
             "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
         }) {
        const std::string answer = ask(bad);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << bad << "\n→ " << answer;
        EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << bad;
    }
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").starts_with("HTTP/1.1 501 "));
    EXPECT_TRUE(ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: coffee\r\n\r\n").starts_with("HTTP/1.1 417 "));
    EXPECT_TRUE(ask("GET /fine HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

// Every byte of a sound request changed in turn, and random cuts: an answer or an end, and the server lives on.
TEST_F(HttpServer, survives_damaged_requests)
{
    ServerOptions options;
    options.header_timeout = options.idle_timeout = options.progress_timeout = Milliseconds(100);
    start(options);
    const std::string sound = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    std::uint32_t random = 12345;
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < sound.size(); ++i) {
        std::string damaged = sound;
        random = random * 1664525 + 1013904223;
        damaged[i] = static_cast<char>(random >> 24);
        if (random % 5 == 0) damaged.resize(random % sound.size());
        clients.push_back(std::make_unique<RawClient>(port_));
        clients.back()->send(damaged);
    }
    for (const auto& client : clients) {
        const std::string answer = client->read_to_end();
        EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
    }
    EXPECT_TRUE(ask("GET /fine HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("GET /fine  []"));
}

TEST_F(HttpServer, a_throwing_handler_is_a_500)
{
    start();
    RawClient client(port_);
    client.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET /fine HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 500 "));
    EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServer, cuts_slow_clients)
{
    ServerOptions options;
    options.header_timeout = options.idle_timeout = options.progress_timeout = Milliseconds(60);
    start(options);
    RawClient silent(port_), half_head(port_), half_body(port_), deaf(port_);
    half_head.send("GET / HT");
    half_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    deaf.send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_EQ(half_head.read_to_end(), "");
    EXPECT_TRUE(half_body.read_to_end().find("200 OK") == std::string::npos);
    while (server_->connections() > 0) ::usleep(5000);  // the deaf one is cut too: the test's own limit applies
    EXPECT_TRUE(deaf.read_bytes(5).starts_with("HTTP"));
}

TEST_F(HttpServer, does_not_hurry_handlers_and_notices_clients_that_leave)
{
    ServerOptions options;
    options.header_timeout = options.idle_timeout = options.progress_timeout = Milliseconds(40);
    start(options);
    EXPECT_TRUE(ask("POST /sleep HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx").ends_with("slept"));
    {
        RawClient reader(port_);
        reader.send("GET /drip HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_TRUE(reader.read_until("1\r\na\r\n").starts_with("HTTP/1.1 200 "));
        EXPECT_EQ(reader.read_until("1\r\nb\r\n"), "1\r\nb\r\n");
        while (sleeping_ < 2) ::usleep(1000);
        EXPECT_EQ(dripped_, 0);
    }
    for (int i = 0; i < 5000 && dripped_ == 0; ++i) ::usleep(1000);
    EXPECT_EQ(dripped_, 1);
}

TEST_F(HttpServer, sends_a_piece_of_a_file)
{
    const std::string path = fmt::format("/tmp/boxship-http-{}", ::getpid());
    std::string content;
    for (int i = 0; content.size() < 200'000; ++i) content += std::to_string(i);
    ASSERT_TRUE(env::write_file(path, content).ok());
    file_ = std::make_shared<env::UniqueFd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ::unlink(path.c_str());
    start();
    RawClient client(port_);
    client.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = client.read_response();
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), content.substr(10, 100'000));
    EXPECT_TRUE(client.read_response().ends_with("GET /next  []"));
}

TEST_F(HttpServer, takes_large_uploads)
{
    start();
    Client client;
    ClientRequest request;
    request.method = "PUT";
    request.url = fmt::format("http://127.0.0.1:{}/count", port_);
    request.body = std::string(32 << 20, 'x');
    const auto response = client.send_blocking(request);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->body, std::to_string(32 << 20));
}

TEST_F(HttpServer, carries_many_idle_connections)
{
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const std::size_t count = std::min<std::size_t>(2000, limit.rlim_cur / 3);
    start();
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(std::make_unique<RawClient>(port_));
    for (std::size_t i = 0; i < count; i += 97) {
        clients[i]->send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_TRUE(clients[i]->read_response().ends_with("GET /x  []"));
    }
    while (server_->connections() < count) ::usleep(1000);
    EXPECT_EQ(server_->connections(), count);
}

// Two thousand say nothing, two hundred send a head byte by byte and never end it: everybody else is answered, and who
// dawdles is cut although bytes keep coming.
TEST_F(HttpServer, answers_while_others_dawdle)
{
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const std::size_t idle_count = std::min<std::size_t>(2000, limit.rlim_cur / 4);
    const std::size_t slow_count = idle_count / 10;
    ServerOptions options;
    options.header_timeout = Milliseconds(300);
    start(options);
    std::vector<std::unique_ptr<RawClient>> idle;
    for (std::size_t i = 0; i < idle_count; ++i) idle.push_back(std::make_unique<RawClient>(port_));
    while (server_->connections() < idle_count) ::usleep(1000);
    std::vector<std::unique_ptr<RawClient>> slow;
    for (std::size_t i = 0; i < slow_count; ++i) {
        slow.push_back(std::make_unique<RawClient>(port_));
        ASSERT_TRUE(slow.back()->send("GET / HTTP/1.1\r\nHost: h\r\nX: "));
    }
    do {
        for (const auto& client : slow) client->send("a");
        EXPECT_TRUE(ask("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").ends_with("GET /x  []"));
    } while (server_->connections() > idle_count);
    for (const auto& client : slow) EXPECT_EQ(client->read_to_end().find("200 OK"), std::string::npos);
    idle.back()->send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(idle.back()->read_response().ends_with("GET /x  []")) << "an idle connection is as good as new";
}

TEST_F(HttpServer, refuses_connections_beyond_its_bound)
{
    ServerOptions options;
    options.connections_max = 2;
    start(options);
    RawClient first(port_), second(port_);
    for (RawClient* client : {&first, &second}) {
        client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_TRUE(client->read_response().starts_with("HTTP/1.1 200 "));
    }
    EXPECT_TRUE(RawClient(port_).read_to_end().starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpServer, gives_one_peer_its_share_only)
{
    ServerOptions options;
    options.connections_per_peer_max = 3;
    start(options);
    const auto other = server_->listen("127.0.0.1", 0, "other");
    ASSERT_TRUE(other.ok()) << other.error().message;
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<RawClient>(port_));
        clients.back()->send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_TRUE(clients.back()->read_response().ends_with("GET /x  []"));
    }
    EXPECT_TRUE(ask("").starts_with("HTTP/1.1 503 "));
    RawClient elsewhere(*other);
    elsewhere.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(elsewhere.read_response().ends_with("GET /x  []")) << "each listener counts for itself";
    clients.pop_back();
    while (server_->connections() > 3) ::usleep(1000);
    EXPECT_TRUE(ask("GET /x HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("GET /x  []"));
}

TEST_F(HttpServer, drains)
{
    start();
    RawClient idle(port_), busy(port_), stuck(port_);
    idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    idle.read_response();
    busy.send("GET /sleep HTTP/1.1\r\nHost: h\r\n\r\n");
    while (sleeping_ < 1) ::usleep(1000);
    server_->drain(Milliseconds(5000));
    const std::string answer = busy.read_response();
    EXPECT_TRUE(answer.ends_with("slept")) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(idle.closed());
    EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServer, cancels_handlers_at_the_end)
{
    start();
    RawClient stuck(port_);
    stuck.send("GET /sleep?forever HTTP/1.1\r\nHost: h\r\n\r\n");
    while (sleeping_ < 1) ::usleep(1000);
    server_.reset();
    EXPECT_TRUE(stuck.closed());
}

TEST_F(HttpServer, names_a_taken_port)
{
    start();
    const auto again = server_->listen("127.0.0.1", port_);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().code, EADDRINUSE);
    EXPECT_EQ(again.error().message, fmt::format("listen on 127.0.0.1 port {}: another program uses this port already", port_));
    EXPECT_EQ(server_->listen("not an address", 0).error().code, EINVAL);
}

TEST_F(HttpServer, adopts_and_releases_sockets_by_tag)
{
    start();
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 300; ++i) {
        env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
        ASSERT_EQ(::listen(fd.get(), 16), 0);
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size);
        ports.push_back(ntohs(at.sin_port));
        server_->adopt(std::move(fd), fmt::format("task-{}", i));
    }
    RawClient last(ports[299]), other(ports[7]);
    for (RawClient* client : {&last, &other}) client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(last.read_response().find("X-Listener: task-299\r\n"), std::string::npos);
    EXPECT_NE(other.read_response().find("X-Listener: task-7\r\n"), std::string::npos);
    server_->release("task-299");
    server_->release("no such tag");
    EXPECT_TRUE(last.closed());
    other.send("GET /still HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(other.read_response().ends_with("GET /still  []"));
}

TEST_F(HttpServer, listens_on_a_unix_socket)
{
    start();
    const std::string path = fmt::format("/tmp/boxship-http-{}.sock", ::getpid());
    ASSERT_TRUE(server_->listen_unix(path).ok());
    EXPECT_EQ(server_->listen_unix(path).error().code, EADDRINUSE);
    Client client;
    ClientRequest request;
    request.url = "http://local/hello";
    request.via = "unix:" + path;
    for (int i = 0; i < 2; ++i) {
        const auto response = client.send_blocking(request);
        ASSERT_TRUE(response.ok()) << response.error().message;
        EXPECT_EQ(response->body, "GET /hello  []");
    }
    server_.reset();
    EXPECT_FALSE(env::file_exists(path));
}

}  // namespace
}  // namespace boxship::http
