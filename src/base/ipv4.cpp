#include "base/ipv4.h"

#include <charconv>

#include "base/numbers.h"

namespace boxship {

std::string ipv4_text(std::uint32_t address)
{
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string(address >> shift & 255);
        if (shift > 0) text += '.';
    }
    return text;
}

std::optional<std::uint32_t> parse_ipv4(std::string_view text)
{
    std::uint32_t address = 0;
    for (int part = 0; part < 4; ++part) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || value > 255 || end - text.data() > 3) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (part < 3) {
            if (text.empty() || text.front() != '.') return std::nullopt;
            text.remove_prefix(1);
        }
        address = address << 8 | value;
    }
    return text.empty() ? std::optional(address) : std::nullopt;
}

std::optional<Ipv4Range> Ipv4Range::parse(std::string_view text)
{
    const auto slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const auto network = parse_ipv4(text.substr(0, slash));
    const auto prefix = parse_number<int>(text.substr(slash + 1));
    if (!network || !prefix || *prefix < 0 || *prefix > 32) return std::nullopt;
    const Ipv4Range range{*network, *prefix};
    if ((*network & range.mask()) != *network) return std::nullopt;
    return range;
}

}  // namespace boxship
