// How a session begins and what surrounds its messages: the URLs of both websockets, refusals of the upgrade, and the
// signature that agents put before each telemetry message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire/http/message.h"
#include "wire/sigv4.h"

namespace boxship::acs {

// What an agent says about itself in the query of the upgrade request.
struct Hello {
    std::string cluster;                 // name or ARN, as configured
    std::string container_instance_arn;
    std::string agent_version;
    std::string agent_hash;
    std::string docker_version;
    // ACS only
    int protocol_version = 2;
    bool send_credentials = false;       // push the credentials of every task
    std::int64_t seq_num = 1;            // always 1
};

// `endpoint` is an answer of DiscoverPollEndpoint; "/ws" is appended.
std::string acs_url(std::string_view endpoint, const Hello& hello);
std::string tcs_url(std::string_view endpoint, const Hello& hello);
// From the raw query. The two websockets name their parameters differently; either is understood.
Hello parse_hello(std::string_view query);

// Why an upgrade is refused; the body of a non-101 answer. Types: ServerException, BadRequestException,
// InvalidClusterException, InvalidInstanceException, AccessDeniedException, InactiveInstanceException.
struct Refusal {
    std::string type;
    std::string message;
};
std::string encode(const Refusal& refusal);
std::optional<Refusal> parse_refusal(std::string_view body);  // both known forms

// A telemetry message with the header lines before it. `headers` is empty when there were none.
struct SignedText {
    http::Headers headers;
    std::string_view json;  // of the text given
};
SignedText split_signed_prefix(std::string_view text);
// Signs `json` as the payload of a GET of the connection's URL, service "ecs".
std::string with_signed_prefix(std::string_view json, const http::Url& url, const sigv4::Credentials& credentials, std::string_view region,
                               Time now, sigv4::KeyCache* keys = nullptr);

}  // namespace boxship::acs
