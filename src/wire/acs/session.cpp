#include "wire/acs/session.h"

#include "base/numbers.h"
#include "base/strings.h"
#include "wire/acs/visit.h"
#include "wire/crypto.h"

namespace boxship::acs {
namespace {

std::string url_with(std::string_view endpoint, const http::Pairs& parameters)
{
    std::string url(endpoint);
    if (!url.ends_with('/')) url += '/';
    url += "ws";
    char separator = '?';
    for (const auto& [name, value] : parameters) {
        url += separator;
        url += name + "=" + http::percent_encode(value);
        separator = '&';
    }
    return url;
}

}  // namespace

std::string acs_url(std::string_view endpoint, const Hello& hello)
{
    return url_with(endpoint, {{"agentHash", hello.agent_hash},
                               {"agentVersion", hello.agent_version},
                               {"clusterArn", hello.cluster},
                               {"containerInstanceArn", hello.container_instance_arn},
                               {"dockerVersion", "DockerVersion: " + hello.docker_version},
                               {"protocolVersion", std::to_string(hello.protocol_version)},
                               {"sendCredentials", hello.send_credentials ? "true" : "false"},
                               {"seqNum", std::to_string(hello.seq_num)}});
}

std::string tcs_url(std::string_view endpoint, const Hello& hello)
{
    return url_with(endpoint, {{"agentHash", hello.agent_hash},
                               {"agentVersion", hello.agent_version},
                               {"cluster", hello.cluster},
                               {"containerInstance", hello.container_instance_arn},
                               {"dockerVersion", hello.docker_version}});
}

Hello parse_hello(std::string_view query)
{
    Hello hello;
    const auto number = [](const std::string& text, auto& into) { into = parse_number<std::remove_cvref_t<decltype(into)>>(text).value_or(into); };
    for (const auto& [name, value] : http::parse_query(query)) {
        if (name == "cluster" || name == "clusterArn") hello.cluster = value;
        else if (name == "containerInstance" || name == "containerInstanceArn") hello.container_instance_arn = value;
        else if (name == "agentVersion") hello.agent_version = value;
        else if (name == "agentHash") hello.agent_hash = value;
        else if (name == "dockerVersion") hello.docker_version = value.starts_with("DockerVersion: ") ? value.substr(15) : value;
        else if (name == "protocolVersion") number(value, hello.protocol_version);
        else if (name == "sendCredentials") hello.send_credentials = value == "true";
        else if (name == "seqNum") number(value, hello.seq_num);
    }
    return hello;
}

std::string encode(const Refusal& refusal)
{
    Json body = Json::object();
    body.set("type", refusal.type);
    body.set("message", Json::object({{"message", refusal.message}}));
    return body.dump();
}

std::optional<Refusal> parse_refusal(std::string_view body)
{
    const auto json = Json::parse(body);
    if (!json.ok() || !json->is_object()) return std::nullopt;
    if ((*json)["type"].is_string()) return Refusal{json->get_string("type"), notice_text((*json)["message"])};
    const auto& members = json->as_object();
    if (members.size() == 1 && members.front().key.ends_with("Exception"))
        return Refusal{members.front().key, notice_text(members.front().value)};
    return std::nullopt;
}

SignedText split_signed_prefix(std::string_view text)
{
    SignedText split{{}, text};
    if (text.starts_with('{')) return split;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return split;
    split.json = text.substr(end + 4);
    for (const std::string& line : boxship::split(text.substr(0, end), '\n')) {
        const auto colon = line.find(':');
        if (colon != std::string::npos) split.headers.add(line.substr(0, colon), std::string(trim(std::string_view(line).substr(colon + 1))));
    }
    return split;
}

std::string with_signed_prefix(std::string_view json, const http::Url& url, const sigv4::Credentials& credentials, std::string_view region,
                               Time now, sigv4::KeyCache* keys)
{
    http::Headers headers{{"Host", url.host_header()}};
    sigv4::sign(headers, "GET", url.target, crypto::sha256_hex(json), credentials, {std::string(region), "ecs"}, now, keys);
    std::string text;
    for (const http::Header& field : headers) text.append(field.name).append(": ").append(field.value).append("\r\n");
    return text.append("\r\n").append(json);
}

}  // namespace boxship::acs
