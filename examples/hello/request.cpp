#include "request.h"

#include <algorithm>
#include <charconv>

namespace hello {
namespace {

constexpr std::size_t header_bytes_max = 8 << 10;
constexpr std::size_t body_bytes_max = 64 << 10;

bool same_name(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

const char* reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 505: return "HTTP Version Not Supported";
    }
    return "Error";
}

}  // namespace

Parsed parse_request(std::string_view bytes)
{
    Parsed parsed;
    const std::size_t end = bytes.substr(0, header_bytes_max).find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() >= header_bytes_max) parsed.status = 431;
        return parsed;
    }
    parsed.header_bytes = end + 4;
    parsed.status = 400;
    std::string_view rest = bytes.substr(0, end + 2);
    const auto take_line = [&rest] {
        const std::size_t at = rest.find("\r\n");
        const std::string_view line = rest.substr(0, at);
        rest.remove_prefix(at + 2);
        return line;
    };

    const std::string_view line = take_line();
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return parsed;
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with("HTTP/")) return parsed;
    if (!version.starts_with("HTTP/1.")) {
        parsed.status = 505;
        return parsed;
    }
    if (target.empty() || (target.front() != '/' && target != "*") || target.find(' ') != std::string_view::npos) return parsed;
    Request& request = parsed.request;
    request.method = line.substr(0, first);
    request.path = target.substr(0, target.find('?'));
    request.keep_alive = version != "HTTP/1.0";

    while (!rest.empty()) {
        const std::string_view field = take_line();
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos || colon == 0) return parsed;
        const std::string_view name = field.substr(0, colon);
        const std::string_view value = trimmed(field.substr(colon + 1));
        if (same_name(name, "Connection")) {
            if (same_name(value, "close")) request.keep_alive = false;
            if (same_name(value, "keep-alive")) request.keep_alive = true;
        } else if (same_name(name, "Content-Length")) {
            const auto [stop, code] = std::from_chars(value.data(), value.data() + value.size(), request.body_bytes);
            if (code != std::errc() || stop != value.data() + value.size()) return parsed;
        } else if (same_name(name, "Transfer-Encoding")) {
            parsed.status = 411;
            return parsed;
        }
    }
    parsed.status = request.body_bytes > body_bytes_max ? 413 : 0;
    return parsed;
}

std::string render(int status, std::string_view content_type, const std::string& body, bool with_body, bool keep_alive)
{
    std::string answer = "HTTP/1.1 " + std::to_string(status) + " " + reason(status) + "\r\nContent-Type: ";
    answer += content_type;
    answer += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nCache-Control: no-store\r\n";
    if (status == 405) answer += "Allow: GET, HEAD\r\n";
    answer += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (with_body) answer += body;
    return answer;
}

}  // namespace hello
