// Writing answers.
#include <array>
#include <charconv>
#include <ctime>

#include "base/log.h"
#include "base/strings.h"
#include "wire/http/connection.h"

namespace boxship::http {
namespace {

// A rest of a request's body up to this size is read and dropped to keep the connection.
constexpr std::uint64_t discard_bytes_max = 256 * 1024;
// Bodies up to this size travel in the same buffer as the head.
constexpr std::size_t small_body_max = 16 * 1024;

void append_number(std::string& out, std::uint64_t number, int base = 10)
{
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
    out.append(digits, end);
}

// RFC 9110's date, made once a second and thread. Clients correct their own clock by it, so it is the wall clock.
std::string_view date_now()
{
    thread_local std::time_t made = 0;
    thread_local std::string text;
    const std::time_t now = std::time(nullptr);
    if (now != made) {
        made = now;
        text = to_http_date(Time{static_cast<std::int64_t>(now) * 1000});
    }
    return text;
}

bool servers_business(std::string_view name)
{
    return equals_ignoring_case(name, "Content-Length") || equals_ignoring_case(name, "Transfer-Encoding") ||
           equals_ignoring_case(name, "Connection") || equals_ignoring_case(name, "Date");
}

bool breaks_the_head(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos; }

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

// With a known length counts it; without, sends chunks, or to an HTTP/1.0 client the bare bytes.
class Connection::ChunkWriter : public BodyWriter {
public:
    ChunkWriter(Connection& connection, std::optional<std::uint64_t> length, bool chunked)
        : connection_(connection), length_(length), chunked_(chunked)
    {
    }

    Async<HostResult<>> write(std::string_view bytes) override
    {
        if (bytes.empty()) co_return HostResult<>();
        if (code_ != 0) co_return host_error("write the answer", code_);
        Stream& stream = *connection_.stream_;
        std::string& head = connection_.out_;
        // The deadline runs while the client is to take something, not while the next piece is being made.
        stream.arm_write(connection_.server_->options.progress_timeout, true);
        written_ += bytes.size();
        if (length_ && written_ > *length_) {
            code_ = EOVERFLOW;
        } else if (chunked_) {
            append_number(head, bytes.size(), 16);
            head += "\r\n";
            code_ = co_await stream.write_all(head, bytes, "\r\n");
        } else {
            code_ = co_await stream.write_all(head, bytes);
        }
        stream.disarm_write();
        head.clear();
        if (code_ != 0) co_return host_error("write the answer", code_);
        co_return HostResult<>();
    }

    bool failed() const { return code_ != 0; }

    Async<int> finish()
    {
        if (code_ == 0 && length_ && written_ != *length_) code_ = ENODATA;
        if (code_ != 0) co_return code_;
        if (chunked_) connection_.out_ += "0\r\n\r\n";
        connection_.stream_->arm_write(connection_.server_->options.progress_timeout, true);
        co_return co_await connection_.stream_->write_all(connection_.out_);
    }

private:
    Connection& connection_;
    std::optional<std::uint64_t> length_;
    bool chunked_;
    std::uint64_t written_ = 0;
    int code_ = 0;
};

void Connection::start_head(const Response& response)
{
    out_.clear();
    out_ += "HTTP/1.1 ";
    append_number(out_, static_cast<std::uint64_t>(response.status));
    out_.append(" ").append(reason_phrase(response.status)).append("\r\nDate: ").append(date_now()).append("\r\n");
    for (const Header& field : response.headers) {
        if (servers_business(field.name)) continue;
        if (breaks_the_head(field.name) || breaks_the_head(field.value)) {
            log_error("{} {}: header {} of the answer holds a line break and is left out", request_.method, request_.path, field.name);
            continue;
        }
        out_.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    if (!keep_) out_ += "Connection: close\r\n";
    else if (framing_.http_1_0) out_ += "Connection: keep-alive\r\n";
}

Async<bool> Connection::write_response(Response response)
{
    const bool head_only = request_.method == "HEAD";
    if (response.close || hub_.draining) keep_ = false;
    // A client that still waits for "100 Continue" may or may not send its body now: only a new connection is safe.
    if (continue_owed_ || !body_.short_rest(discard_bytes_max)) keep_ = false;

    const auto* text = std::get_if<std::string>(&response.body);
    const auto* file = std::get_if<FileRange>(&response.body);
    const auto* made = std::get_if<StreamBody>(&response.body);
    std::optional<std::uint64_t> length = text ? text->size() : file ? file->length : made->length;
    const bool with_body = status_has_body(response.status);
    const bool chunked = with_body && !length && !framing_.http_1_0;
    if (with_body && !length && framing_.http_1_0) keep_ = false;

    start_head(response);
    if (chunked) {
        out_ += "Transfer-Encoding: chunked\r\n";
    } else if (with_body && length) {
        // To HEAD too. A handler that knows the length of what GET would send may say it without having the body.
        const std::string* stated = head_only && *length == 0 ? response.headers.find("Content-Length") : nullptr;
        out_ += "Content-Length: ";
        if (stated && !breaks_the_head(*stated)) out_ += *stated;
        else append_number(out_, *length);
        out_ += "\r\n";
    }
    out_ += "\r\n";

    stream_->arm_write(server_->options.progress_timeout, true);
    int code = 0;
    if (head_only || !with_body) {
        code = co_await stream_->write_all(out_);
    } else if (text && text->size() <= small_body_max) {
        out_ += *text;
        code = co_await stream_->write_all(out_);
    } else if (text) {
        code = co_await stream_->write_all(out_, *text);
    } else if (file) {
        code = co_await stream_->write_all(out_);
        if (code == 0) code = co_await stream_->send_file(file->fd->get(), file->offset, file->length);
        if (code == ENODATA) log_error("{} {}: the file is shorter than the answer said", request_.method, request_.path);
    } else {
        ChunkWriter writer(*this, length, chunked);
        // The head goes at once: a client may wait long for the first piece, but not to learn that it was heard.
        code = co_await stream_->write_all(out_);
        out_.clear();
        stream_->disarm_write();
        if (code != 0) co_return false;
        phase_ = Phase::streaming;
        const HostResult<> result = co_await made->write(writer);
        phase_ = Phase::busy;
        code = result.ok() ? co_await writer.finish() : EIO;
        // A client that went away is everyday; a body that could not be made is not.
        if (!result.ok() && !writer.failed())
            log_warning("{} {}: the answer was cut: {}", request_.method, request_.path, result.error().message);
    }
    stream_->disarm_write();
    if (out_.capacity() > 4 * small_body_max) out_ = {};
    co_return code == 0;
}

}  // namespace boxship::http
