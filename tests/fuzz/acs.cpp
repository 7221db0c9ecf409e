#include "base/check.h"
#include "fuzz/targets.h"
#include "wire/acs/messages.h"
#include "wire/acs/session.h"
#include "wire/acs/telemetry.h"

namespace boxship::fuzz {
namespace {

// What was read is written, read again and written: both texts are the same.
template <class Message, class Parse>
void round_trip(const Message& message, const Parse& parse)
{
    if constexpr (requires { acs::encode(message); }) {
        const std::string once = acs::encode(message);
        const auto again = parse(once);
        CHECK(again.ok());
        const auto* same = std::get_if<Message>(&*again);
        CHECK(same != nullptr);
        CHECK(acs::encode(*same) == once);
    }
}

template <class Parse>
void read(std::string_view input, const Parse& parse)
{
    const auto read = parse(input);
    if (read.ok()) std::visit([&](const auto& message) { round_trip(message, parse); }, *read);
}

}  // namespace

void acs(std::string_view input)
{
    read(input, acs::parse_from_server);
    read(input, acs::parse_from_agent);
    read(input, acs::parse_telemetry_from_agent);
    read(input, acs::parse_telemetry_from_server);
    (void)acs::split_signed_prefix(input);
    (void)acs::parse_hello(input);
    if (const auto refusal = acs::parse_refusal(input)) {
        const auto again = acs::parse_refusal(acs::encode(*refusal));
        CHECK(again && again->type == refusal->type && again->message == refusal->message);
    }
}

}  // namespace boxship::fuzz
