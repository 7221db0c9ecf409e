#include "drive/agents/acs_session.h"

#include "base/arn.h"
#include "base/log.h"
#include "decide/lifecycle.h"
#include "model/arns.h"

namespace boxship::drive {
namespace {

using shape::Json;

// Room for so many messages on one connection before the next connection's numbers begin.
constexpr int sequence_bits = 24;
constexpr std::size_t snapshot_tasks_max = 100'000;

std::optional<TaskId> task_of_arn(const std::string& text)
{
    const auto arn = Arn::parse(text);
    if (!arn) return std::nullopt;
    return TaskId::parse(arn->resource.substr(arn->resource.rfind('/') + 1));
}

}  // namespace

AcsSession::AcsSession(AcsContext context, http::Executor executor, InstanceId instance, bool send_credentials)
    : context_(context), executor_(std::move(executor)), instance_(instance), send_credentials_(send_credentials)
{
}

void AcsSession::take_snapshot(state::Txn& txn)
{
    const auto row = txn.get<model::Instance>(instance_);
    if (!row) return;
    model::Instance changed = *row;
    changed.agent_connected = true;
    ++changed.sequence;
    ++changed.version;
    sequence_ = changed.sequence << sequence_bits;
    const auto cluster = txn.get<model::Cluster>(changed.cluster);
    CHECK(cluster != nullptr);
    cluster_arn_ = model::cluster_arn(*cluster);
    instance_arn_ = model::instance_arn(*cluster, instance_);
    for (const auto& task : txn.all<state::TasksByInstance>(instance_)) {
        if (snapshot_.size() == snapshot_tasks_max) break;
        if (auto assignment = find_assignment(txn, task)) snapshot_.push_back(std::move(*assignment));
    }
    txn.put(std::move(changed));
}

http::Async<> AcsSession::run(http::WebSocket& socket)
{
    socket_ = &socket;
    send_manifest();
    for (const auto& assignment : snapshot_) {
        if (send_credentials_) send_credentials(assignment);
        send_task(assignment);
    }
    snapshot_.clear();
    ready_ = true;
    for (;;) {
        const auto text = co_await socket.read();
        if (!text.ok() || !*text) break;
        const auto frame = Json::parse(**text);
        if (!frame.ok()) {
            log_warning("agent of {}: a frame that is not JSON: {}", to_text(instance_), frame.error());
            continue;
        }
        handle(frame->get_string("type"), (*frame)["message"]);
    }
    socket_ = nullptr;
}

void AcsSession::task_changed(Assignment assignment)
{
    http::post(executor_, [self = shared_from_this(), assignment = std::move(assignment)] {
        if (!assignment.task->live()) {
            self->with_roles_.erase(assignment.task->id);
        } else if (!self->ready_) {
            self->snapshot_.push_back(assignment);
        } else {
            self->send_task(assignment);
        }
    });
}

void AcsSession::heartbeat()
{
    http::post(executor_, [self = shared_from_this()] {
        if (!self->socket_) return;
        if (++self->heartbeats_unanswered_ > self->context_.options.heartbeats_missed_max) {
            log_warning("agent of {}: {} heartbeats unanswered; closing its connection", to_text(self->instance_),
                        self->context_.options.heartbeats_missed_max);
            self->socket_->cut();
            return;
        }
        self->send("HeartbeatMessage", Json::object({{"messageId", self->next_message_id()}, {"healthy", true}}));
        const Time now = self->context_.store.env().clock.now();
        std::vector<Assignment> due;  // sending renews the entry
        for (const auto& [task, with_role] : self->with_roles_)
            if (with_role.refresh_at <= now) due.push_back(with_role.assignment);
        for (const auto& assignment : due) self->send_credentials(assignment);
    });
}

void AcsSession::cut()
{
    http::post(executor_, [self = shared_from_this()] {
        if (self->socket_) self->socket_->cut();
    });
}

std::string AcsSession::next_message_id() { return to_text(instance_).substr(0, 8) + "-" + std::to_string(sequence_) + "-" + std::to_string(++messages_); }

void AcsSession::send(const std::string& type, Json message)
{
    if (!socket_) return;
    const Json frame = Json::object({{"type", type}, {"message", std::move(message)}});
    http::spawn(executor_, [](std::shared_ptr<AcsSession> self, std::string text) -> http::Async<> {
        // A failed send shows in read() too; what was meant to be sent is derived again on the next connect.
        if (self->socket_) (void)co_await self->socket_->send(std::move(text));
    }(shared_from_this(), frame.dump()), "send to an agent");
}

void AcsSession::send_manifest()
{
    Json tasks = Json::array();
    for (const auto& assignment : snapshot_)
        if (assignment.task->wanted)
            tasks.push_back(Json::object({{"taskArn", model::task_arn(*assignment.cluster, assignment.task->id)},
                                          {"taskClusterArn", model::cluster_arn(*assignment.cluster)},
                                          {"desiredStatus", "RUNNING"}}));
    manifest_id_ = next_message_id();
    send("TaskManifestMessage", Json::object({{"messageId", manifest_id_},
                                              {"clusterArn", cluster_arn_},
                                              {"containerInstanceArn", instance_arn_},
                                              {"generatedAt", context_.store.env().clock.now().ms},
                                              {"timeline", ++sequence_},
                                              {"tasks", std::move(tasks)}}));
}

std::optional<RoleCredentials> AcsSession::issue(const Assignment& assignment, const char* kind, const std::string& role_arn)
{
    if (role_arn.empty()) return std::nullopt;
    RoleCredentials credentials{.role_arn = role_arn};
    // Fixed for the life of task and role, and not to be guessed by another task.
    const std::string_view key(reinterpret_cast<const char*>(context_.options.server_key.data()), context_.options.server_key.size());
    const auto digest = crypto::hmac_sha256(key, "credentials id " + to_text(assignment.task->id) + kind);
    Id<struct CredentialsTag>::Raw raw;
    std::copy_n(digest.begin(), raw.size(), raw.begin());
    credentials.id = model::to_uuid_text(Id<struct CredentialsTag>(raw));
    const Time now = context_.store.env().clock.now();
    credentials.expires_at = now + context_.options.credentials_lifetime;
    credentials.keys = context_.tokens.issue({assignment.task->id, role_arn, credentials.expires_at}, context_.store.env().random);
    with_roles_[assignment.task->id] = {assignment, now + context_.options.credentials_lifetime / 2};
    return credentials;
}

void AcsSession::send_credentials(const Assignment& assignment)
{
    if (!assignment.task->wanted) return;
    for (const auto& [type, role] : {std::pair{"TaskApplication", assignment.task->task_role_arn},
                                     std::pair{"TaskExecution", assignment.task->execution_role_arn}}) {
        const auto credentials = issue(assignment, type, role);
        if (!credentials) continue;
        send("IAMRoleCredentialsMessage", Json::object({{"messageId", next_message_id()},
                                                        {"taskArn", model::task_arn(*assignment.cluster, assignment.task->id)},
                                                        {"taskClusterArn", model::cluster_arn(*assignment.cluster)},
                                                        {"roleType", type},
                                                        {"roleCredentials", credentials_json(*credentials)}}));
    }
}

void AcsSession::send_task(const Assignment& assignment)
{
    PayloadContext context{.registry_host = context_.options.registry_host, .endpoint = context_.options.endpoint};
    if (assignment.task->wanted) {
        context.task_role = issue(assignment, "TaskApplication", assignment.task->task_role_arn);
        context.execution_role = issue(assignment, "TaskExecution", assignment.task->execution_role_arn);
    }
    const std::string id = next_message_id();
    outstanding_[id] = {assignment.task->id, assignment.task->wanted};
    // One task per message: a task that the agent cannot read then spoils no other.
    send("PayloadMessage", Json::object({{"messageId", id},
                                         {"clusterArn", cluster_arn_},
                                         {"containerInstanceArn", instance_arn_},
                                         {"generatedAt", context_.store.env().clock.now().ms},
                                         {"seqNum", ++sequence_},
                                         {"tasks", Json::array({task_payload(assignment, context)})}}));
}

void AcsSession::handle(const std::string& type, const Json& message)
{
    if (type == "AckRequest") {
        const auto sent = outstanding_.find(message.get_string("messageId"));
        if (sent == outstanding_.end()) return;  // a manifest's, or one acknowledged before
        acknowledged(sent->second);
        outstanding_.erase(sent);
    } else if (type == "HeartbeatAckRequest") {
        heartbeats_unanswered_ = 0;
    } else if (type == "TaskStopVerificationMessage") {
        verify_stops(message);
    } else if (type == "NackRequest") {
        log_warning("agent of {}: refused a message: {}", to_text(instance_), message.get_string("reason"));
    } else if (type != "IAMRoleCredentialsAckRequest") {
        log_debug("agent of {}: a message of type '{}', which nobody here knows", to_text(instance_), type);
    }
}

void AcsSession::acknowledged(const Sent& sent)
{
    context_.store.update(
        [sent](state::Txn& txn) {
            const auto row = txn.get<model::Task>(sent.task);
            if (!row || row->wanted != sent.wanted) return;
            model::Task task = *row;
            if (decide::acknowledge(task)) txn.put(std::move(task));
        },
        [sent](HostResult<> outcome) {
            // Nothing is lost: the payload goes out again on the next connect, and the agent's report says more than an ack.
            if (!outcome.ok()) log_warning("task {}: acknowledgement not noted: {}", to_text(sent.task), outcome.error().message);
        });
}

void AcsSession::verify_stops(const Json& message)
{
    if (message.get_string("messageId") != manifest_id_) return;
    auto candidates = std::make_shared<std::vector<Json>>(message["stopCandidates"].as_array());
    auto stops = std::make_shared<Json>(Json::array());
    context_.store.update(
        [self = shared_from_this(), candidates, stops](state::Txn& txn) {
            for (const Json& candidate : *candidates) {
                const auto id = task_of_arn(candidate.get_string("taskArn"));
                const auto task = id ? txn.get<model::Task>(*id) : nullptr;
                if (!task || !task->live() || !task->wanted || task->instance != self->instance_) stops->push_back(candidate);
            }
        },
        [self = shared_from_this(), stops](HostResult<> outcome) {
            if (!outcome.ok()) return;
            http::post(self->executor_, [self, stops] {
                self->send("TaskStopVerificationAck", Json::object({{"messageId", self->manifest_id_},
                                                                    {"generatedAt", self->context_.store.env().clock.now().ms},
                                                                    {"stopTasks", std::move(*stops)}}));
            });
        });
}

}  // namespace boxship::drive
