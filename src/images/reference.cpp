#include "images/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace boxship::images {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t tag_bytes_max = 128;

bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

// Lower-case letters and digits, with one ".", one or two "_", or any number of "-" between them.
bool is_path_component(std::string_view text)
{
    if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
    for (std::size_t i = 0; i < text.size();) {
        if (is_lower_or_digit(text[i])) {
            ++i;
            continue;
        }
        const std::size_t end = std::min(text.find_first_not_of(text[i], i), text.size());
        const std::size_t count = end - i;
        const bool allowed = (text[i] == '.' && count == 1) || (text[i] == '_' && count <= 2) || text[i] == '-';
        if (!allowed || (end < text.size() && !is_lower_or_digit(text[end]))) return false;
        i = end;
    }
    return true;
}

bool is_tag(std::string_view text)
{
    if (text.empty() || text.size() > tag_bytes_max || !is_word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_host(std::string_view text)
{
    if (text.starts_with('[')) {  // an IPv6 address
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return false;
        if (text.substr(1, close - 1).find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
        text.remove_prefix(close + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        const std::string_view name = text.substr(0, colon);
        if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; })) return false;
        text.remove_prefix(colon);
    }
    if (text.empty()) return true;
    return text.size() >= 2 && text.size() <= 6 && text.front() == ':' && text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// Docker's rule: what stands before the first slash is a host if it could not be part of a repository's name.
bool looks_like_host(std::string_view first)
{
    return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
           std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_loopback(std::string_view host)
{
    std::string_view name = host;
    if (name.starts_with("[::1]")) return true;
    name = name.substr(0, name.find(':'));
    return name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.");
}

}  // namespace

bool is_digest(std::string_view text)
{
    if (!text.starts_with("sha256:") || text.size() != 7 + 64) return false;
    return text.substr(7).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string digest_hex(std::string_view digest)
{
    CHECK(is_digest(digest));
    return std::string(digest.substr(7));
}

Outcome<Reference, std::string> parse_reference(std::string_view text)
{
    const auto wrong = [text](std::string_view why) { return fmt::format("'{}' is not an image reference: {}", text, why); };
    Reference reference;
    std::string_view rest = text;
    if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
        reference.digest = rest.substr(at + 1);
        rest = rest.substr(0, at);
        if (!is_digest(reference.digest)) return wrong("what follows '@' must be sha256: and 64 hexadecimal digits");
    }
    const std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos && looks_like_host(rest.substr(0, slash))) {
        reference.host = rest.substr(0, slash);
        rest = rest.substr(slash + 1);
        if (!is_host(reference.host)) return wrong("its registry is not a host name with an optional port");
    }
    if (const std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
        reference.tag = rest.substr(colon + 1);
        rest = rest.substr(0, colon);
        if (!is_tag(reference.tag)) return wrong("its tag may hold letters, digits, '_', '.' and '-', 128 at most");
    }
    if (rest.empty()) return wrong("it names no repository");
    for (const std::string& part : split(rest, '/')) {
        if (!is_path_component(part)) return wrong("repository names are lower-case letters and digits, with '.', '_', '-' between them");
    }
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
    if (reference.host.empty() || reference.host == "index.docker.io") reference.host = "docker.io";
    reference.repository = rest;
    if (reference.host == "docker.io" && rest.find('/') == std::string_view::npos) reference.repository = fmt::format("library/{}", rest);
    if (reference.host.size() + 1 + reference.repository.size() > name_bytes_max) return wrong("its name is longer than 255 characters");
    return reference;
}

std::string to_text(const Reference& reference)
{
    std::string text = reference.host + "/" + reference.repository;
    if (!reference.tag.empty()) text += ":" + reference.tag;
    if (!reference.digest.empty()) text += "@" + reference.digest;
    return text;
}

bool OwnRegistry::answers_for(std::string_view host) const
{
    if (url.empty()) return false;
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) return true;
    const std::string prefix = account + ".dkr.ecr.";
    if (!host.starts_with(prefix)) return false;
    const std::string_view rest = host.substr(prefix.size());
    for (const std::string& region : regions) {
        if (!rest.starts_with(region + ".")) continue;
        const std::string_view domain = rest.substr(region.size() + 1);
        if (domain == "amazonaws.com" || domain == "localhost" || domain.starts_with("localhost:")) return true;
    }
    return false;
}

std::string registry_url(const std::string& host, const OwnRegistry& own)
{
    if (own.answers_for(host)) return own.url;
    if (host == "docker.io") return "https://registry-1.docker.io";
    return (is_loopback(host) ? "http://" : "https://") + host;
}

}  // namespace boxship::images
