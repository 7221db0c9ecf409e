#include "agent/acs_channel.h"

#include <boost/asio/awaitable.hpp>

#include <cerrno>

#include "base/log.h"
#include "wire/acs/messages.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr Milliseconds long_session{60'000};

std::string acknowledgement(const Json& message)
{
    return acs::encode(acs::AckRequest{message.get_string("clusterArn"), message.get_string("containerInstanceArn"), message.get_string("messageId")});
}

std::int64_t monotonic_ms()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

AcsChannel::AcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, TaskCredentials& credentials, Board& board,
                       env::Random& random, ChannelTimes times)
    : group_(group), membership_(membership), api_(api), credentials_(credentials), board_(board), random_(random), times_(times)
{
}

Milliseconds AcsChannel::random_between(Milliseconds least, Milliseconds spread)
{
    return least + Milliseconds(random_.number(static_cast<std::uint64_t>(spread.count()) + 1));
}

http::Async<> AcsChannel::run(std::shared_ptr<Engine> engine)
{
    engine_ = std::move(engine);
    Backoff backoff(Milliseconds(250), 1.5, Milliseconds(120'000));
    for (;;) {
        session_was_long_ = false;
        const Ended ended = co_await connect_and_serve();
        Milliseconds pause{0};
        if (ended == Ended::inactive) {
            log_warning("this instance was deregistered; asking again in {} s", times_.inactive_pause.count() / 1000);
            pause = times_.inactive_pause;
        } else if (ended == Ended::unknown_instance) {
            membership_.forget_instance();
            pause = backoff.pause(random_);
        } else if (ended == Ended::clean) {
            backoff.reset();
        } else {
            if (session_was_long_) backoff.reset();
            pause = backoff.pause(random_);
        }
        if (pause.count() > 0) co_await http::sleep_for(pause);
        if (membership_.instance_arn().empty()) co_await membership_.join();
    }
}

http::Async<AcsChannel::Ended> AcsChannel::connect_and_serve()
{
    const auto endpoints = co_await membership_.endpoints();
    if (!endpoints) {
        log_warning("ask for the control plane's endpoints: {}", endpoints.error().text());
        co_return Ended::broken;
    }
    http::ConnectRequest request;
    request.url = acs::acs_url(endpoints->acs, membership_.hello(!connected_once_));
    auto headers = api_.sign_upgrade(request.url);
    if (!headers) {
        log_error("sign the connection to the control plane: {}", headers.error().message);
        co_return Ended::broken;
    }
    request.headers = std::move(*headers);
    request.ca_file = api_.options().ca_file;
    auto connected = co_await http::connect_websocket(std::move(request));
    if (!connected) {
        const http::ConnectError& error = connected.error();
        const std::string type = acs::parse_refusal(error.body).value_or(acs::Refusal{}).type;
        if (type == "InactiveInstanceException") co_return Ended::inactive;
        log_warning("connect to the control plane: {} {}", error.error.message, type);
        co_return type == "InvalidInstanceException" ? Ended::unknown_instance : Ended::broken;
    }
    connected_once_ = true;
    log_info("connected to the control plane");
    Socket socket = std::move(*connected);
    co_return co_await serve(std::move(socket));
}

http::Async<AcsChannel::Ended> AcsChannel::serve(Socket socket)
{
    const std::int64_t begun = monotonic_ms();
    const std::int64_t until = begun + random_between(times_.lifetime, times_.lifetime_spread).count();
    const Milliseconds idle = random_between(times_.idle_least, times_.idle_spread);
    bool expired = false;
    for (;;) {
        const Milliseconds left(until - monotonic_ms());
        if (left.count() <= 0 && !expired) {
            expired = true;
            co_await socket->close(1000, "ConnectionExpired: Reconnect to continue");
        }
        const bool lifetime_first = !expired && left < idle;
        socket->set_read_timeout(lifetime_first ? std::max(left, Milliseconds(1)) : idle);
        const auto message = co_await socket->read();
        session_was_long_ = monotonic_ms() - begun > long_session.count();
        if (!message) {
            if (lifetime_first && message.error().code == ETIMEDOUT) co_return Ended::clean;
            log_warning("the control plane's connection: {}", message.error().message);
            co_return Ended::broken;
        }
        if (!*message) {
            const int code = socket->close_code();
            co_return expired || code == 1000 || code == 1001 || code == 1011 ? Ended::clean : Ended::broken;
        }
        const auto json = Json::parse(**message);
        if (!json)
            log_warning("the control plane sent what is not JSON: {}", json.error());
        else
            handle(socket, json->get_string("type"), (*json)["message"]);
    }
}

void AcsChannel::handle(const Socket& socket, const std::string& type, const Json& message)
{
    if (type == "HeartbeatMessage") return send(socket, acs::encode(acs::HeartbeatAckRequest{message.get_string("messageId")}));
    if (type == "PayloadMessage") return on_payload(socket, message);
    if (type == "IAMRoleCredentialsMessage") return on_credentials(socket, message);
    if (type == "TaskManifestMessage") return on_manifest(socket, message);
    if (type == "TaskStopVerificationAck") {
        if (message.get_string("messageId") != manifest_id_) return;
        std::vector<std::string> tasks;
        for (const Json& task : message["stopTasks"].as_array()) tasks.push_back(task.get_string("taskArn"));
        return engine_->stop_tasks(std::move(tasks));
    }
    // Interfaces come with their tasks; a server that announces them first has nothing to wait for.
    if (type == "AttachTaskNetworkInterfacesMessage" || type == "AttachInstanceNetworkInterfacesMessage") 
        return send(socket, acknowledgement(message));
    if (type == "StageUpdateMessage" || type == "PerformUpdateMessage") {
        return send(socket, acs::encode(acs::NackRequest{message.get_string("clusterArn"), message.get_string("containerInstanceArn"),
                                                         message.get_string("messageId"), "Updates are disabled"}));
    }
    log_warning("the control plane sent {}, which means nothing here: {}", type, message.get_string("message"));
}

void AcsChannel::on_payload(const Socket& socket, const Json& message)
{
    const std::string id = message.get_string("messageId");
    if (id.empty() || message.get_string("clusterArn").empty() || message.get_string("containerInstanceArn").empty())
        return log_warning("a payload without an identity is dropped");
    for (const Json& task : message["tasks"].as_array()) {
        const std::string arn = task.get_string("arn");
        for (const bool execution : {false, true}) {
            const Json& keys = task[execution ? "executionRoleCredentials" : "roleCredentials"];
            if (!credentials_.put(arn, execution, keys).empty()) acknowledge_credentials(socket, id, keys);
        }
    }
    const Time generated{message.get_int64("generatedAt")};
    // The socket is kept by weak pointer: a connection that has gone needs no acknowledgement.
    engine_->accept(message["tasks"].as_array(), message.get_int64("seqNum"), generated,
                    [this, weak = std::weak_ptr(socket), ack = acknowledgement(message)] {
        if (const auto alive = weak.lock()) send(alive, ack);
    });
}

void AcsChannel::on_credentials(const Socket& socket, const Json& message)
{
    const std::string task = message.get_string("taskArn");
    const std::string id = credentials_.put(task, message.get_string("roleType") == "TaskExecution", message["roleCredentials"]);
    if (!id.empty() && board_.find(task_id_of(task))) acknowledge_credentials(socket, message.get_string("messageId"), message["roleCredentials"]);
}

void AcsChannel::on_manifest(const Socket& socket, const Json& message)
{
    const std::string id = message.get_string("messageId");
    std::vector<ManifestEntry> entries;
    for (const Json& task : message["tasks"].as_array()) {
        const bool running = task.get_string("desiredStatus") == "RUNNING";
        entries.push_back({task.get_string("taskArn"), running ? Desired::running : Desired::stopped});
    }
    manifest_id_ = id;
    engine_->check_manifest(std::move(entries), message.get_int64("timeline"),
                            [this, weak = std::weak_ptr(socket), id, cluster = message.get_string("clusterArn"),
                             ack = acknowledgement(message)](std::optional<std::vector<std::string>> stop) {
        const auto alive = weak.lock();
        if (!stop || !alive) return;
        send(alive, ack);
        if (stop->empty()) return;
        acs::TaskStopVerificationMessage question{.message_id = id};
        for (const std::string& task : *stop) question.stop_candidates.push_back({task, cluster, "STOPPED"});
        send(alive, acs::encode(question));
    });
}

void AcsChannel::acknowledge_credentials(const Socket& socket, const std::string& message_id, const Json& credentials)
{
    send(socket, acs::encode(acs::IamRoleCredentialsAckRequest{message_id, credentials.get_string("credentialsId"),
                                                               credentials.get_string("expiration")}));
}

// From any thread. A failure shows in read() too, and the other side repeats what was not acknowledged.
void AcsChannel::send(const Socket& socket, std::string text)
{
    group_.spawn("send to the control plane", [socket, text = std::move(text)]() -> http::Async<> {
        std::string copy = text;
        const Socket keep = socket;
        const auto sent = co_await keep->send(std::move(copy));
        if (!sent) log_debug("send to the control plane: {}", sent.error().message);
    });
}

}  // namespace boxship::agent
