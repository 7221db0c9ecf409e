#include "wire/http/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>

#include "wire/http/body.h"
#include "wire/http/connect.h"

namespace boxship::http {
namespace {

constexpr std::size_t kept_error_bytes_max = 1 << 20;
constexpr std::size_t piece_bytes = 256 * 1024;

struct Idle {
    Stream::Parked parked;
    std::int64_t since_ms = 0;
};

struct Failure {
    HostError error;
    bool may_repeat = false;  // nothing of an answer had come on a connection that was used before
};

HostError exchange_error(const ClientRequest& request, int code)
{
    const std::string doing = fmt::format("{} {}", request.method, request.url);
    switch (code) {
    case ETIMEDOUT: return {doing + ": the server was silent for too long", code};
    case EBADMSG: return {doing + ": the answer is not HTTP", code};
    case ECONNRESET: return {doing + ": the server ended the connection", code};
    case EMSGSIZE: return {doing + ": the answer is too large", code};
    default: return host_error(doing, code);
    }
}

bool breaks_the_head(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos; }

bool head_is_sound(const ClientRequest& request)
{
    if (request.method.empty() || request.method.find_first_of(" \r\n") != std::string::npos) return false;
    for (const Header& field : request.headers)
        if (field.name.empty() || breaks_the_head(field.name) || breaks_the_head(field.value)) return false;
    return true;
}

}  // namespace

struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
    explicit Impl(ClientOptions chosen) : options(std::move(chosen)) {}

    const ClientOptions options;
    std::mutex mutex;
    std::map<std::string, std::vector<Idle>> idle;  // by server
    std::shared_ptr<TlsContext> tls;

    Async<HostResult<ClientResponse>> run(ClientRequest request, Sink sink);
    Async<Outcome<ClientResponse, Failure>> exchange(const ClientRequest& request, const Url& url, const Sink& sink, bool fresh);
    Async<HostResult<std::shared_ptr<Stream>>> reach(const ClientRequest& request, const Url& url, bool fresh, bool& reused);
    Async<int> read_body(BodySource& source, const ClientRequest& request, const Sink& sink, ClientResponse& response, HostError& refused);
    HostResult<std::shared_ptr<TlsContext>> tls_context();
    std::optional<Stream::Parked> take(const std::string& server);
    void put_away(const std::string& server, Stream::Parked parked);
    HostResult<ClientResponse> run_blocking(ClientRequest request, Sink sink);
};

namespace {

std::string server_name(const ClientRequest& request, const Url& url)
{
    return fmt::format("{} {} {}", url.secure() ? "tls" : "plain", request.via, url.host_header());
}

}  // namespace

HostResult<std::shared_ptr<TlsContext>> Client::Impl::tls_context()
{
    const std::lock_guard lock(mutex);
    if (!tls) {
        ASSIGN_OR_RETURN(tls, TlsContext::client(options.ca_file, options.verify_tls));
    }
    return tls;
}

std::optional<Stream::Parked> Client::Impl::take(const std::string& server)
{
    const std::lock_guard lock(mutex);
    const auto found = idle.find(server);
    if (found == idle.end()) return std::nullopt;
    std::vector<Idle>& waiting = found->second;
    const std::int64_t oldest = steady_ms() - options.idle_timeout.count();
    std::erase_if(waiting, [oldest](const Idle& entry) { return entry.since_ms < oldest; });
    std::optional<Stream::Parked> taken;
    if (!waiting.empty()) {
        taken = std::move(waiting.back().parked);
        waiting.pop_back();
    }
    if (waiting.empty()) idle.erase(found);
    return taken;
}

void Client::Impl::put_away(const std::string& server, Stream::Parked parked)
{
    const std::lock_guard lock(mutex);
    std::vector<Idle>& waiting = idle[server];
    if (waiting.size() >= options.idle_connections_max) waiting.erase(waiting.begin());
    waiting.push_back(Idle{std::move(parked), steady_ms()});
}

Async<HostResult<std::shared_ptr<Stream>>> Client::Impl::reach(const ClientRequest& request, const Url& url, bool fresh, bool& reused)
{
    const std::string server = server_name(request, url);
    const Executor executor = co_await this_executor();
    while (!fresh) {
        auto parked = take(server);
        if (!parked) break;
        auto stream = std::make_shared<Stream>(executor, std::move(parked->fd));
        if (!stream->looks_alive()) continue;
        stream->unpark_tls(std::move(parked->ssl));
        stream->watch_itself();
        reused = true;
        co_return stream;
    }
    std::shared_ptr<TlsContext> context;
    if (url.secure()) {
        CO_ASSIGN_OR_RETURN(context, tls_context());
    }
    co_return co_await connect_stream(url, request.via, context, options.connect_timeout);
}

Async<int> Client::Impl::read_body(BodySource& source, const ClientRequest& request, const Sink& sink, ClientResponse& response, HostError& refused)
{
    const bool streamed = sink && response.status >= 200 && response.status < 300;
    const std::size_t kept_max = sink ? kept_error_bytes_max : request.response_bytes_max;
    std::string piece;
    while (!source.done()) {
        if (piece.empty()) piece.resize(streamed ? piece_bytes : 16 * 1024);
        const Io io = co_await source.read_some(piece);
        if (io.code != 0) co_return io.code;
        const std::string_view bytes(piece.data(), io.bytes);
        if (streamed) {
            const HostResult<> taken = sink(bytes);
            if (!taken.ok()) {
                refused = taken.error();
                co_return ECANCELED;
            }
        } else if (response.body.size() + bytes.size() <= kept_max) {
            response.body.append(bytes);
        } else {
            co_return EMSGSIZE;
        }
        if (io.bytes == piece.size() && piece.size() < piece_bytes) piece.resize(piece_bytes);
    }
    co_return 0;
}

Async<Outcome<ClientResponse, Failure>> Client::Impl::exchange(const ClientRequest& request, const Url& url, const Sink& sink, bool fresh)
{
    bool reused = false;
    HostResult<std::shared_ptr<Stream>> reached = co_await reach(request, url, fresh, reused);
    if (!reached.ok()) co_return Failure{reached.error().within(fmt::format("{} {}", request.method, request.url)), false};
    const std::shared_ptr<Stream> stream = *reached;
    const Milliseconds timeout = request.read_timeout.count() > 0 ? request.read_timeout : options.read_timeout;

    Buffer buffer;
    ClientResponse response;
    Framing framing;
    bool anything = false;
    const std::string head = request_head(request.method, url, request.headers, request.body.size());
    stream->arm_write(timeout, true);
    int code = co_await stream->write_all(head, request.body);
    stream->disarm_write();
    stream->arm_read(timeout, true);
    // A server that refuses a body may answer and close before it has read everything: look for the answer first.
    if (code == 0 || code == EPIPE || code == ECONNRESET) {
        const int write_code = code;
        code = co_await read_response_head(*stream, buffer, response, framing, anything);
        if (code != 0 && write_code != 0) code = ECONNRESET;
    }
    const bool may_repeat = reused && !anything && (code == ECONNRESET || code == EPIPE) && is_idempotent(request.method);
    if (code != 0) co_return Failure{exchange_error(request, code), may_repeat};

    BodySource source(*stream, buffer);
    if (request.method == "HEAD" || response.status == 204 || response.status == 304 || response.status == 101) source.start_empty();
    else if (framing.chunked || framing.content_length) source.start(framing);
    else source.start_until_close();
    HostError refused;
    code = co_await read_body(source, request, sink, response, refused);
    if (code == ECANCELED) co_return Failure{std::move(refused), false};
    if (code != 0) co_return Failure{exchange_error(request, code), false};
    if (framing.keep_alive && !source.until_close() && buffer.empty() && response.status != 101 && !request.headers.has_token("Connection", "close"))
        put_away(server_name(request, url), stream->park());
    co_return response;
}

Async<HostResult<ClientResponse>> Client::Impl::run(ClientRequest request, Sink sink)
{
    CO_ASSIGN_OR_RETURN(const Url url, parse_url(request.url));
    if (!head_is_sound(request)) co_return HostError{fmt::format("{} {}: a header is malformed", request.method, request.url), EINVAL};
    Outcome<ClientResponse, Failure> result = co_await exchange(request, url, sink, false);
    if (!result.ok() && result.error().may_repeat) result = co_await exchange(request, url, sink, true);
    if (!result.ok()) co_return result.error().error;
    co_return std::move(result).value();
}

// A loop of its own on the calling thread; idle connections are shared with everybody else.
HostResult<ClientResponse> Client::Impl::run_blocking(ClientRequest request, Sink sink)
{
    const std::string asked = fmt::format("{} {}", request.method, request.url);
    std::optional<HostResult<ClientResponse>> result;
    const auto keep = [](std::optional<HostResult<ClientResponse>>& into, Async<HostResult<ClientResponse>> task) -> Async<> {
        into.emplace(co_await std::move(task));
    };
    try {
        boost::asio::io_context context(1);
        boost::asio::co_spawn(context, keep(result, run(std::move(request), std::move(sink))), [](const std::exception_ptr& failure) {
            if (failure) std::rethrow_exception(failure);  // out of context.run()
        });
        context.run();
    } catch (const boost::system::system_error& error) {    // a loop needs descriptors, and there may be none left
        return host_error(asked, error.code().value());
    }
    CHECK(result.has_value());
    return std::move(*result);
}

Client::Client(ClientOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}
Client::~Client() = default;

namespace {

// Keeps the parts alive that a call still running needs after the Client itself is gone.
Async<HostResult<ClientResponse>> run_holding(std::shared_ptr<Client::Impl> impl, ClientRequest request, Sink sink)
{
    co_return co_await impl->run(std::move(request), std::move(sink));
}

}  // namespace

Async<HostResult<ClientResponse>> Client::send(ClientRequest request) { return run_holding(impl_, std::move(request), nullptr); }

Async<HostResult<ClientResponse>> Client::send_streaming(ClientRequest request, Sink sink)
{
    return run_holding(impl_, std::move(request), std::move(sink));
}

HostResult<ClientResponse> Client::send_blocking(ClientRequest request) { return impl_->run_blocking(std::move(request), nullptr); }

HostResult<ClientResponse> Client::send_streaming_blocking(ClientRequest request, Sink sink)
{
    return impl_->run_blocking(std::move(request), std::move(sink));
}

}  // namespace boxship::http
