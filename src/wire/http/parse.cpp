#include "wire/http/parse.h"

#include <boost/beast/http/basic_parser.hpp>

#include "base/strings.h"

namespace boxship::http {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t overhead_max = 8 * 1024;

std::string copy(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Beast's parser for the head only: bodies are read by BodySource, straight to where they belong.
template <bool is_request>
class HeadParser : public beast::basic_parser<is_request> {
public:
    HeadParser(Headers& fields, Framing& framing, std::size_t head_bytes) : fields_(fields), framing_(framing)
    {
        this->header_limit(static_cast<std::uint32_t>(head_bytes + 1));
        this->body_limit(boost::none);
    }
    std::string method;
    std::string target;
    int status = 0;

    void take_framing()
    {
        framing_.content_length.reset();
        if (this->content_length()) framing_.content_length = *this->content_length();
        framing_.chunked = this->chunked();
        framing_.keep_alive = this->keep_alive();
    }

private:
    void on_request_impl(beast::verb, boost::beast::string_view method_text, boost::beast::string_view target_text, int version,
                         error_code&) override
    {
        method = copy(method_text);
        target = copy(target_text);
        framing_.http_1_0 = version == 10;
    }
    void on_response_impl(int code, boost::beast::string_view, int version, error_code&) override
    {
        status = code;
        framing_.http_1_0 = version == 10;
    }
    void on_field_impl(beast::field, boost::beast::string_view name, boost::beast::string_view value, error_code&) override
    {
        fields_.add(copy(name), copy(value));
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view bytes, error_code&) override { return bytes.size(); }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, error_code&) override { return bytes.size(); }
    void on_finish_impl(error_code&) override {}

    Headers& fields_;
    Framing& framing_;
};

template <class Parser>
bool put_head(Parser& parser, std::string_view head)
{
    error_code error;
    parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
    return !error && parser.is_header_done();
}

// "http://host/path" (as a proxy is asked) → "/path".
std::string_view origin_form(std::string_view target)
{
    if (target.starts_with('/')) return target;
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos) return target;
    const auto slash = target.find_first_of("/?", scheme + 3);
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
}

int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::size_t find_head_end(std::string_view bytes, std::size_t& scanned)
{
    const auto found = bytes.find("\r\n\r\n", scanned > 3 ? scanned - 3 : 0);
    scanned = bytes.size();
    return found == std::string_view::npos ? found : found + 4;
}

int parse_request_head(std::string_view head, Request& request, Framing& framing)
{
    framing = {};
    HeadParser<true> parser(request.headers, framing, head.size());
    if (!put_head(parser, head)) return 400;
    parser.take_framing();
    request.method = std::move(parser.method);
    request.target = std::move(parser.target);
    const std::string_view target = origin_form(request.target);
    const auto mark = target.find('?');
    request.path = percent_decode(target.substr(0, mark));
    request.query = mark == std::string_view::npos ? std::string() : std::string(target.substr(mark + 1));
    if (request.path.find('\0') != std::string::npos) return 400;
    const bool coded = request.headers.has("Transfer-Encoding");
    if (coded && framing.http_1_0) return 400;
    if (coded && !equals_ignoring_case(trim(request.headers.get("Transfer-Encoding")), "chunked")) return 501;
    if (const std::string* expect = request.headers.find("Expect")) {
        if (!equals_ignoring_case(*expect, "100-continue")) return 417;
        framing.expects_continue = !framing.http_1_0 && framing.has_body();
    }
    if (!framing.http_1_0 && request.headers.all("Host").size() != 1) return 400;
    return 0;
}

bool parse_response_head(std::string_view head, ClientResponse& response, Framing& framing)
{
    framing = {};
    response.headers.clear();
    HeadParser<false> parser(response.headers, framing, head.size());
    if (!put_head(parser, head)) return false;
    parser.take_framing();
    response.status = parser.status;
    return true;
}

void ChunkDecoder::header_byte(char c)
{
    switch (state_) {
    case State::size:
        if (const int value = digit(c); value >= 0 && digits_ < 16) {
            left_ = left_ * 16 + static_cast<std::uint64_t>(value);
            ++digits_;
        } else if (digits_ > 0 && (c == ';' || c == ' ' || c == '\t')) {
            state_ = State::extension;
        } else {
            state_ = digits_ > 0 && c == '\r' ? State::size_lf : State::bad;
        }
        break;
    case State::extension:
        if (c == '\r') state_ = State::size_lf;
        else if (c == '\n' || ++overhead_ > overhead_max) state_ = State::bad;
        break;
    case State::size_lf:
        state_ = c != '\n' ? State::bad : left_ > 0 ? State::data : State::trailer_start;
        break;
    case State::data_cr: state_ = c == '\r' ? State::data_lf : State::bad; break;
    case State::data_lf:
        state_ = c == '\n' ? State::size : State::bad;
        digits_ = 0;
        break;
    case State::trailer_start: state_ = c == '\r' ? State::end_lf : c == '\n' ? State::bad : State::trailer; break;
    case State::trailer:
        if (c == '\r') state_ = State::trailer_lf;
        else if (c == '\n' || ++overhead_ > overhead_max) state_ = State::bad;
        break;
    case State::trailer_lf: state_ = c == '\n' ? State::trailer_start : State::bad; break;
    case State::end_lf: state_ = c == '\n' ? State::done : State::bad; break;
    case State::data:
    case State::done:
    case State::bad: break;
    }
}

ChunkDecoder::Step ChunkDecoder::decode(std::string_view in, std::span<char> out)
{
    Step step;
    while (step.consumed < in.size() && !done() && !bad()) {
        if (state_ != State::data) {
            header_byte(in[step.consumed++]);
            continue;
        }
        const std::size_t count =
            std::min({static_cast<std::size_t>(left_), in.size() - step.consumed, out.size() - step.produced});
        if (count == 0) break;
        std::memcpy(out.data() + step.produced, in.data() + step.consumed, count);
        step.consumed += count;
        step.produced += count;
        skip(count);
    }
    return step;
}

void ChunkDecoder::skip(std::uint64_t read_straight)
{
    left_ -= read_straight;
    if (left_ == 0) state_ = State::data_cr;
}

}  // namespace boxship::http
