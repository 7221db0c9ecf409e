#include "base/arn.h"
#include "base/check.h"
#include "base/ipv4.h"
#include "base/time.h"
#include "ecr/names.h"
#include "fuzz/targets.h"
#include "images/challenge.h"
#include "images/reference.h"
#include "registry/range.h"
#include "wire/crypto.h"
#include "wire/http/message.h"
#include "wire/session_token.h"

namespace boxship::fuzz {

void texts(std::string_view input)
{
    if (const auto reference = images::parse_reference(input); reference.ok()) {
        const auto again = images::parse_reference(images::to_text(*reference));
        CHECK(again.ok() && *again == *reference);
        (void)images::registry_url(reference->host, {});
    }
    for (const auto& challenge : images::parse_challenges(input)) CHECK(!challenge.scheme.empty());
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}}) {
        const auto wanted = registry::wanted_range(input, size);
        if (const auto* range = std::get_if<registry::ByteRange>(&wanted)) CHECK(range->first <= range->last && range->last < size);
    }
    if (const auto range = registry::chunk_range(input)) CHECK(range->first <= range->last);
    if (const auto url = http::parse_url(input); url.ok()) CHECK(url->port != 0 && url->target.starts_with('/'));
    if (const auto arn = Arn::parse(input)) CHECK(to_text(*arn) == input);
    if (const auto time = parse_basic_iso8601(input)) CHECK(input.size() == 16);
    (void)Ipv4Range::parse(input);
    if (const auto id = ecr::parse_uuid(input)) CHECK(ecr::parse_uuid(ecr::to_uuid(*id)) == id);
    (void)ecr::valid_repository_name(input);
    (void)ecr::valid_tag(input);
    static const wire::SessionTokens tokens(crypto::Key{});
    CHECK(!tokens.open("ASIAEXAMPLE", input));
}

}  // namespace boxship::fuzz
