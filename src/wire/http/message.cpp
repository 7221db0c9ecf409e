#include "wire/http/message.h"

#include <boost/asio/awaitable.hpp>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::http {
namespace {

int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

}  // namespace

const std::string* Headers::find(std::string_view name) const
{
    for (const Header& field : fields_)
        if (equals_ignoring_case(field.name, name)) return &field.value;
    return nullptr;
}

std::string_view Headers::get(std::string_view name) const
{
    const std::string* value = find(name);
    return value ? std::string_view(*value) : std::string_view();
}

std::vector<std::string_view> Headers::all(std::string_view name) const
{
    std::vector<std::string_view> values;
    for (const Header& field : fields_)
        if (equals_ignoring_case(field.name, name)) values.push_back(field.value);
    return values;
}

bool Headers::has_token(std::string_view name, std::string_view token) const
{
    for (const Header& field : fields_) {
        if (!equals_ignoring_case(field.name, name)) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const auto comma = rest.find(',');
            if (equals_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
    }
    return false;
}

void Headers::set(std::string_view name, std::string value)
{
    for (auto field = fields_.begin(); field != fields_.end(); ++field) {
        if (!equals_ignoring_case(field->name, name)) continue;
        field->value = std::move(value);
        std::erase_if(fields_, [&, kept = &*field](const Header& other) {
            return &other != kept && equals_ignoring_case(other.name, name);
        });
        return;
    }
    add(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name)
{
    std::erase_if(fields_, [&](const Header& field) { return equals_ignoring_case(field.name, name); });
}

bool Request::wants_websocket() const
{
    if (method != "GET" || !headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "upgrade")) return false;
    const auto key = from_base64(headers.get("Sec-WebSocket-Key"));
    return key && key->size() == 16 && headers.get("Sec-WebSocket-Version") == "13";
}

Response text_response(int status, std::string body, std::string_view content_type)
{
    Response response;
    response.status = status;
    response.headers.add("Content-Type", std::string(content_type));
    response.body = std::move(body);
    return response;
}

std::string_view reason_phrase(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
    }
}

std::string percent_decode(std::string_view text, bool plus_is_space)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
            i += 2;
        } else {
            out.push_back(c == '+' && plus_is_space ? ' ' : c);
        }
    }
    return out;
}

std::string percent_encode(std::string_view text, bool keep_slash)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            out.push_back(c);
        } else {
            out.push_back('%');
            out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
            out.push_back(digits[static_cast<unsigned char>(c) & 15]);
        }
    }
    return out;
}

Pairs parse_query(std::string_view query)
{
    Pairs pairs;
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        const auto equals = piece.find('=');
        std::string value = equals == std::string_view::npos ? std::string() : percent_decode(piece.substr(equals + 1), true);
        pairs.emplace_back(percent_decode(piece.substr(0, equals), true), std::move(value));
    }
    return pairs;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name)
{
    for (auto& [key, value] : parse_query(query))
        if (key == name) return std::move(value);
    return std::nullopt;
}

std::string Url::host_header() const
{
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (secure() ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

HostResult<Url> parse_url(std::string_view text)
{
    const auto bad = [text](std::string_view why) { return HostError{fmt::format("URL \"{}\": {}", text, why), EINVAL}; };
    Url url;
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return bad("no scheme");
    url.scheme = to_lower(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss")
        return bad("the scheme must be http, https, ws or wss");
    std::string_view rest = text.substr(colon + 3);
    const auto end = rest.find_first_of("/?#");
    std::string_view authority = rest.substr(0, end);
    std::string_view target = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    target = target.substr(0, target.find('#'));
    url.target = target.empty() || target.front() != '/' ? "/" + std::string(target) : std::string(target);
    for (const char c : url.target)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return bad("spaces and control characters must be encoded");
    if (authority.find('@') != std::string_view::npos) return bad("user names are not supported");
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto bracket = authority.find(']');
        if (bracket == std::string_view::npos) return bad("missing ]");
        url.host = std::string(authority.substr(1, bracket - 1));
        port = authority.substr(bracket + 1);
        if (!port.empty() && port.front() != ':') return bad("unexpected text after ]");
        if (!port.empty()) port.remove_prefix(1);
    } else {
        const auto separator = authority.find(':');
        url.host = std::string(authority.substr(0, separator));
        if (separator != std::string_view::npos) port = authority.substr(separator + 1);
    }
    if (url.host.empty()) return bad("no host");
    url.port = url.secure() ? 443 : 80;
    if (!port.empty()) {
        url.port = parse_number<decltype(url.port)>(port).value_or(0);
        if (url.port == 0) return bad("bad port");
    }
    return url;
}

}  // namespace boxship::http
