#include "drive/agents/acs_conversation.h"

#include "base/log.h"
#include "base/mutant.h"
#include "decide/lifecycle.h"
#include "model/arns.h"

namespace boxship::drive {
namespace {

// Room for so many messages on one connection before the next connection's numbers begin.
constexpr int sequence_bits = 24;
constexpr std::size_t snapshot_tasks_max = 100'000;

}  // namespace

AcsConversation::AcsConversation(AcsContext context, std::shared_ptr<AcsLink> link, InstanceId instance, bool send_credentials)
    : context_(context), link_(std::move(link)), instance_(instance), send_credentials_(send_credentials)
{
}

void AcsConversation::take_snapshot(state::Txn& txn)
{
    const auto row = txn.get<model::Instance>(instance_);
    if (!row) return;
    model::Instance changed = *row;
    changed.agent_connected = true;
    changed.disconnected_at = {};
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

void AcsConversation::begin()
{
    send_manifest();
    for (const auto& assignment : snapshot_) {
        if (send_credentials_) send_credentials(assignment);
        send_task(assignment);
    }
    snapshot_.clear();
    ready_ = true;
}

void AcsConversation::task_changed(Assignment assignment)
{
    link_->post([self = shared_from_this(), assignment = std::move(assignment)] {
        if (!assignment.task->live()) {
            self->with_roles_.erase(assignment.task->id);
        } else if (!self->ready_) {
            self->snapshot_.push_back(assignment);
        } else if (!mutant("conversation: a change is lost while an ack is due") || self->outstanding_.empty()) {
            self->send_task(assignment);
        }
    });
}

void AcsConversation::heartbeat()
{
    link_->post([self = shared_from_this()] {
        if (!self->ready_) return;
        if (++self->heartbeats_unanswered_ > self->context_.options.heartbeats_missed_max) {
            log_warning("agent of {}: {} heartbeats unanswered; closing its connection", to_text(self->instance_),
                        self->context_.options.heartbeats_missed_max);
            self->link_->cut();
            return;
        }
        self->link_->send(acs::encode(acs::HeartbeatMessage{self->next_message_id(), true}));
        const Time now = self->context_.store.env().clock.now();
        std::vector<Assignment> due;  // sending renews the entry
        for (const auto& [task, with_role] : self->with_roles_)
            if (with_role.refresh_at <= now) due.push_back(with_role.assignment);
        for (const auto& assignment : due) self->send_credentials(assignment);
    });
}

void AcsConversation::cut()
{
    link_->post([self = shared_from_this()] { self->link_->cut(); });
}

std::string AcsConversation::next_message_id() { return to_text(instance_).substr(0, 8) + "-" + std::to_string(sequence_) + "-" + std::to_string(++messages_); }

void AcsConversation::send_manifest()
{
    manifest_id_ = next_message_id();
    acs::TaskManifestMessage manifest{manifest_id_, cluster_arn_, instance_arn_, context_.store.env().clock.now().ms, ++sequence_, {}};
    for (const auto& assignment : snapshot_)
        if (assignment.task->runs_on())
            manifest.tasks.push_back({model::task_arn(*assignment.cluster, assignment.task->id), model::cluster_arn(*assignment.cluster), "RUNNING"});
    link_->send(acs::encode(manifest));
}

std::optional<RoleCredentials> AcsConversation::issue(const Assignment& assignment, const char* kind, const Text& role_arn)
{
    if (role_arn.empty()) return std::nullopt;
    RoleCredentials credentials{.role_arn = role_arn.str()};
    // Fixed for the life of task and role, and not to be guessed by another task.
    const std::string_view key(reinterpret_cast<const char*>(context_.options.server_key.data()), context_.options.server_key.size());
    const auto digest = crypto::hmac_sha256(key, "credentials id " + to_text(assignment.task->id) + kind);
    Id<struct CredentialsTag>::Raw raw;
    std::copy_n(digest.begin(), raw.size(), raw.begin());
    credentials.id = model::to_uuid_text(Id<struct CredentialsTag>(raw));
    const Time now = context_.store.env().clock.now();
    credentials.expires_at = now + context_.options.credentials_lifetime;
    credentials.keys = context_.tokens.issue({assignment.task->id, credentials.role_arn, credentials.expires_at}, context_.store.env().random);
    with_roles_[assignment.task->id] = {assignment, now + context_.options.credentials_lifetime / 2};
    return credentials;
}

void AcsConversation::send_credentials(const Assignment& assignment)
{
    if (!assignment.task->runs_on()) return;
    for (const auto& [type, role] : {std::pair{"TaskApplication", assignment.task->task_role_arn},
                                     std::pair{"TaskExecution", assignment.task->execution_role_arn}}) {
        const auto credentials = issue(assignment, type, role);
        if (!credentials) continue;
        link_->send(acs::encode(acs::IamRoleCredentialsMessage{next_message_id(), model::task_arn(*assignment.cluster, assignment.task->id),
                                                               model::cluster_arn(*assignment.cluster), type, credentials_payload(*credentials)}));
    }
}

void AcsConversation::send_task(const Assignment& assignment)
{
    PayloadContext context{.registry_host = context_.options.registry_host, .endpoint = context_.options.endpoint};
    if (assignment.task->runs_on()) {
        context.task_role = issue(assignment, "TaskApplication", assignment.task->task_role_arn);
        context.execution_role = issue(assignment, "TaskExecution", assignment.task->execution_role_arn);
    }
    const std::string id = next_message_id();
    outstanding_[id] = {assignment.task->id, assignment.task->runs_on()};
    // One task per message: a task that the agent cannot read then spoils no other.
    link_->send(acs::encode(acs::PayloadMessage{id, cluster_arn_, instance_arn_, context_.store.env().clock.now().ms, ++sequence_,
                                                {task_payload(assignment, context)}}));
}

void AcsConversation::on_message(std::string_view text)
{
    const auto message = acs::parse_from_agent(text);
    if (!message.ok()) return log_warning("agent of {}: {}", to_text(instance_), message.error());
    std::visit([this](const auto& what) { on(what); }, *message);
}

void AcsConversation::on(const acs::AckRequest& message)
{
    const auto sent = outstanding_.find(message.message_id);
    if (sent == outstanding_.end()) return;  // a manifest's, or one acknowledged before
    acknowledged(sent->second);
    outstanding_.erase(sent);
}

void AcsConversation::on(const acs::NackRequest& message)
{
    log_warning("agent of {}: refused a message: {}", to_text(instance_), message.reason);
}

void AcsConversation::on(const acs::UnknownMessage& message)
{
    log_debug("agent of {}: a message of type '{}', which nobody here knows", to_text(instance_), message.type);
}

void AcsConversation::acknowledged(const Sent& sent)
{
    context_.store.update(
        [sent](state::Txn& txn) {
            const auto row = txn.get<model::Task>(sent.task);
            if (!row || row->runs_on() != sent.wanted) return;
            model::Task task = *row;
            if (decide::acknowledge(task)) txn.put(std::move(task));
        },
        [sent](HostResult<> outcome) {
            // Nothing is lost: the payload goes out again on the next connect, and the agent's report says more than an ack.
            if (!outcome.ok()) log_warning("task {}: acknowledgement not noted: {}", to_text(sent.task), outcome.error().message);
        });
}

void AcsConversation::on(const acs::TaskStopVerificationMessage& message)
{
    if (message.message_id != manifest_id_) return;
    auto candidates = std::make_shared<std::vector<acs::TaskIdentifier>>(message.stop_candidates);
    auto stops = std::make_shared<acs::TaskStopVerificationAck>();
    context_.store.update(
        [self = shared_from_this(), candidates, stops](state::Txn& txn) {
            for (const auto& candidate : *candidates) {
                const auto id = model::task_of_arn(candidate.task_arn);
                const auto task = id ? txn.get<model::Task>(*id) : nullptr;
                if (!task || !task->live() || !task->runs_on() || task->instance != self->instance_) stops->stop_tasks.push_back(candidate);
            }
        },
        [self = shared_from_this(), stops](HostResult<> outcome) {
            if (!outcome.ok()) return;
            self->link_->post([self, stops] {
                stops->message_id = self->manifest_id_;
                stops->generated_at = self->context_.store.env().clock.now().ms;
                self->link_->send(acs::encode(*stops));
            });
        });
}

}  // namespace boxship::drive
