#include "agent/endpoints.h"

#include <boost/asio/awaitable.hpp>

#include "base/strings.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr std::size_t protection_bytes_max = 1024;

http::Response answer(int status, const Json& json)
{
    return http::text_response(status, json.dump(), "application/json");
}

// The endpoint's errors are JSON strings.
http::Response refusal(int status, std::string sentence)
{
    return answer(status, Json(std::move(sentence)));
}

http::Response credentials_error(int status, const char* code, const char* message)
{
    return answer(status, Json::object({{"code", code}, {"message", message}, {"HTTPErrorCode", status}}));
}

}  // namespace

struct Endpoints::Target {
    Board::View task;
    std::size_t container = 0;
};

struct Endpoints::Caller {
    std::string router;          // VPCs may have equal addresses
    std::string address;
};

Endpoints::Endpoints(http::IoThreads& threads, EndpointParts parts, MetadataContext context, int processors)
    : parts_(parts), context_(std::move(context)), processors_(processors)
{
    http::ServerOptions options;
    options.body_bytes_max = 64 << 10;
    options.connections_max = 4'000;
    options.connections_per_peer_max = 200;  // a container cannot keep the others from their credentials
    server_ = std::make_unique<http::Server>(threads, [this](http::Request& request, http::BodyReader& body) { return handle(request, body); }, options);
}

Endpoints::~Endpoints() = default;

// An awsvpc task's address is its own; everybody else must show the id.
bool Endpoints::belongs(const TaskView& task, const Caller& caller) const
{
    const auto& eni = task.record.spec->eni;
    return !eni || (eni->ipv4 == caller.address && eni->router == caller.router);
}

http::Async<http::Response> Endpoints::handle(http::Request& request, http::BodyReader& body)
{
    const std::vector<std::string> parts = split(request.path, '/');     // "", "v4", id, …
    const std::string version = parts.size() > 1 ? parts[1] : "";
    const std::string second = parts.size() > 2 ? parts[2] : "";
    Caller caller{request.listener, request.remote_address};
    if (version == "v1" && second == "credentials") co_return credentials(http::query_value(request.query, "id").value_or(""), caller);
    if (version == "v2" && second == "credentials") co_return credentials(parts.size() > 3 ? parts[3] : "", caller);
    if (request.method != "GET" && version != "api") co_return refusal(405, "only GET is answered here");
    if (version == "v2") {
        std::string path = request.path.substr(3);
        co_return co_await by_address(std::move(path), std::move(caller));
    }
    if (version != "v3" && version != "v4" && version != "api") co_return refusal(404, "404 page not found");

    const auto [task, container] = parts_.board.find_endpoint(second);
    if (!task || !belongs(*task, caller)) {
        co_return refusal(404, (version == "v3" ? "V3" : "V4") + std::string(" container metadata handler: unable to get container ID from request: "
                                                                             "unable to get docker ID from endpoint ID: ") + second);
    }
    if (version == "api" && request.path == "/api/" + second + "/task-protection/v1/state" && (request.method == "GET" || request.method == "PUT")) {
        auto text = co_await body.read_all(protection_bytes_max);
        if (!text.ok()) co_return refusal(400, "the body cannot be read");
        std::string method = request.method, arn = task->record.spec->arn, cluster = task->record.spec->cluster;
        co_return co_await protection(std::move(method), std::move(*text), std::move(arn), std::move(cluster));
    }
    if (version == "api") {
        co_return answer(400, Json::object({{"error", Json::object({{"Arn", task->record.spec->arn}, {"Code", "UnsupportedFeatureException"},
                                                                    {"Message", "This agent does not offer " + request.path.substr(5 + second.size())}})}}));
    }
    Target target{task, container};
    std::string rest;
    for (std::size_t at = 3; at < parts.size(); ++at) rest += "/" + parts[at];
    co_return co_await by_id(version == "v3" ? MetadataVersion::v3 : MetadataVersion::v4, std::move(target), std::move(rest));
}

http::Async<http::Response> Endpoints::by_id(MetadataVersion version, Target target, std::string rest)
{
    if (rest.empty() || rest == "/") co_return answer(200, container_metadata(*target.task, target.container, version));
    if (rest == "/task") co_return answer(200, task_metadata(*target.task, version, context_));
    if (rest == "/taskWithTags") {
        Json task = task_metadata(*target.task, version, context_);
        const Json tagged = co_await with_tags(std::move(task), target.task->record.spec->arn);
        co_return answer(200, tagged);
    }
    if (rest == "/stats" || rest == "/task/stats") co_return co_await stats(std::move(target), rest == "/task/stats", version);
    if (rest.starts_with("/associations/")) co_return answer(200, Json::object({{"Associations", Json::array()}}));
    co_return refusal(404, "404 page not found");
}

http::Async<http::Response> Endpoints::by_address(std::string path, Caller caller)
{
    const Board::View task = parts_.board.find_address(caller.router, caller.address);
    if (!task) co_return refusal(400, "unable to get task arn from request: no task has the address " + caller.address);
    const auto find = [&](std::string_view id) -> std::optional<std::size_t> {
        for (std::size_t at = 0; at < task->record.containers.size(); ++at) {
            if (task->record.containers[at].runtime_id == id) return at;
        }
        return std::nullopt;
    };
    if (path == "/metadata" || path == "/metadata/") co_return answer(200, task_metadata(*task, MetadataVersion::v2, context_));
    if (path == "/metadataWithTags" || path == "/metadataWithTags/") {
        Json json = task_metadata(*task, MetadataVersion::v2, context_);
        const Json tagged = co_await with_tags(std::move(json), task->record.spec->arn);
        co_return answer(200, tagged);
    }
    if (path.starts_with("/metadata/")) {
        const auto container = find(std::string_view(path).substr(10));
        if (!container) co_return refusal(400, "unable to find the container");
        co_return answer(200, container_metadata(*task, *container, MetadataVersion::v2));
    }
    if (path == "/stats" || path == "/stats/") {
        Target target{task, 0};
        co_return co_await stats(std::move(target), true, MetadataVersion::v2);
    }
    if (path.starts_with("/stats/")) {
        const auto container = find(std::string_view(path).substr(7));
        if (!container) co_return refusal(400, "unable to find the container");
        Target target{task, *container};
        co_return co_await stats(std::move(target), false, MetadataVersion::v2);
    }
    co_return refusal(404, "404 page not found");
}

http::Response Endpoints::credentials(const std::string& id, const Caller& caller) const
{
    if (id.empty()) return credentials_error(400, "NoIdInRequest", "CredentialsV2Request: No Credential ID in the request");
    const auto keys = parts_.credentials.find(id);
    const Board::View task = keys ? parts_.board.find(task_id_of(keys->task)) : nullptr;
    if (!task || keys->execution || !belongs(*task, caller)) {
        // After a restart of the agent the keys come with the first connection: the tasks know their ids already.
        for (const auto& view : parts_.board.all()) {
            if (!keys && view->record.spec->role.credentials_id == id && belongs(*view, caller))
                return credentials_error(503, "CredentialsUninitialized", "CredentialsV2Request: Credentials uninitialized for ID");
        }
        return credentials_error(400, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found");
    }
    return answer(200, Json::object({{"RoleArn", keys->role_arn}, {"AccessKeyId", keys->access_key_id}, {"SecretAccessKey", keys->secret_access_key},
                                     {"Token", keys->session_token}, {"Expiration", keys->expiration}}));
}

http::Async<http::Response> Endpoints::stats(Target target, bool whole_task, MetadataVersion version)
{
    const TaskRecord& record = target.task->record;
    auto ids = std::make_shared<std::vector<std::string>>();
    for (std::size_t at = 0; at < record.containers.size(); ++at) {
        if (whole_task || at == target.container) ids->push_back(container_id(record.spec->id, at));
    }
    std::function<void(std::function<void(std::vector<ContainerStats>)>)> start = [this, ids](std::function<void(std::vector<ContainerStats>)> done) {
        parts_.workers.post([this, ids, done] { done(parts_.host.stats(*ids)); });
    };
    const std::vector<ContainerStats> samples = co_await http::from_callback<std::vector<ContainerStats>>(std::move(start));
    Json all = Json::object();
    for (const ContainerStats& sample : samples) {
        const auto id = parse_container_id(sample.container);
        if (!id || id->second >= record.containers.size()) continue;
        Json json = stats_json(*target.task, id->second, sample, parts_.telemetry.last(sample.container), processors_, version);
        if (!whole_task) co_return answer(200, json);
        all.set(record.containers[id->second].runtime_id, std::move(json));
    }
    if (!whole_task) co_return refusal(404, "no statistics: the container is not running");
    co_return answer(200, all);
}

// What a task says of itself: that it must not be ended now, or that it may be again.
http::Async<http::Response> Endpoints::protection(std::string method, std::string body, std::string task_arn, std::string cluster)
{
    const auto error = [&](int status, const std::string& code, const std::string& message) {
        return answer(status, Json::object({{"error", Json::object({{"Arn", task_arn}, {"Code", code}, {"Message", message}})}}));
    };
    Json input = Json::object({{"cluster", cluster}, {"tasks", Json::array({task_arn})}});
    std::string operation = "GetTaskProtection";
    if (method == "PUT") {
        const auto asked = Json::parse(body);
        if (!asked.ok() || !(*asked)["ProtectionEnabled"].is_bool())
            co_return error(400, "InvalidParameterException", "Invalid request: does not contain 'ProtectionEnabled' field");
        operation = "UpdateTaskProtection";
        input.set("protectionEnabled", (*asked)["ProtectionEnabled"]);
        if (asked->has("ExpiresInMinutes")) input.set("expiresInMinutes", (*asked)["ExpiresInMinutes"]);
    }
    const auto found = co_await parts_.api.call(std::move(operation), std::move(input));
    if (!found) co_return error(found.error().status >= 400 ? found.error().status : 500, found.error().code, found.error().message);
    if (const auto& failures = (*found)["failures"].as_array(); !failures.empty()) {
        const Json failure = Json::object({{"Arn", failures.front().get_string("arn")}, {"Reason", failures.front().get_string("reason")},
                                           {"Detail", failures.front().get_string("detail")}});
        co_return answer(200, Json::object({{"failure", failure}}));
    }
    const Json& task = (*found)["protectedTasks"].as_array().front();
    Json told = Json::object({{"ProtectionEnabled", task.get_bool("protectionEnabled")}, {"TaskArn", task.get_string("taskArn")}});
    if (task.has("expirationDate")) told.set("ExpirationDate", to_iso8601(Time{static_cast<std::int64_t>(task.get_double("expirationDate") * 1000)}));
    co_return answer(200, Json::object({{"protection", std::move(told)}}));
}

http::Async<Json> Endpoints::with_tags(Json task, std::string arn)
{
    Json input = Json::object({{"resourceArn", arn}});
    const auto tags = co_await parts_.api.call("ListTagsForResource", std::move(input));
    if (!tags) {
        task.set("Errors", Json::array({Json::object({{"ErrorField", "TaskTags"}, {"ErrorCode", tags.error().code},
                                                      {"ErrorMessage", tags.error().message}, {"StatusCode", tags.error().status},
                                                      {"ResourceARN", arn}})}));
        co_return task;
    }
    Json map = Json::object();
    for (const Json& tag : (*tags)["tags"].as_array()) map.set(tag.get_string("key"), tag.get_string("value"));
    if (!map.as_object().empty()) task.set("TaskTags", std::move(map));
    co_return task;
}

}  // namespace boxship::agent
