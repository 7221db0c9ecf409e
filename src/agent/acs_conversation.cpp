#include "agent/acs_conversation.h"

#include "base/log.h"
#include "wire/acs/messages.h"

namespace boxship::agent {

using shape::Json;

namespace {

std::string acknowledgement(const Json& message)
{
    return acs::encode(acs::AckRequest{message.get_string("clusterArn"), message.get_string("containerInstanceArn"), message.get_string("messageId")});
}

}  // namespace

AcsConversation::AcsConversation(Engine& engine, TaskCredentials& credentials, Board& board, Send send)
    : engine_(engine), credentials_(credentials), board_(board), send_(std::move(send))
{
}

void AcsConversation::on_message(std::string_view text)
{
    const auto frame = Json::parse(text);
    if (!frame) return log_warning("the control plane sent what is not JSON: {}", frame.error());
    const std::string type = frame->get_string("type");
    const Json& message = (*frame)["message"];
    if (type == "HeartbeatMessage") return send_(acs::encode(acs::HeartbeatAckRequest{message.get_string("messageId")}));
    if (type == "PayloadMessage") return on_payload(message);
    if (type == "IAMRoleCredentialsMessage") return on_credentials(message);
    if (type == "TaskManifestMessage") return on_manifest(message);
    if (type == "TaskStopVerificationAck") {
        if (message.get_string("messageId") != manifest_id_) return;
        std::vector<std::string> tasks;
        for (const Json& task : message["stopTasks"].as_array()) tasks.push_back(task.get_string("taskArn"));
        return engine_.stop_tasks(std::move(tasks));
    }
    // Interfaces come with their tasks; a server that announces them first has nothing to wait for.
    if (type == "AttachTaskNetworkInterfacesMessage" || type == "AttachInstanceNetworkInterfacesMessage")
        return send_(acknowledgement(message));
    if (type == "StageUpdateMessage" || type == "PerformUpdateMessage") {
        return send_(acs::encode(acs::NackRequest{message.get_string("clusterArn"), message.get_string("containerInstanceArn"),
                                                  message.get_string("messageId"), "Updates are disabled"}));
    }
    log_warning("the control plane sent {}, which means nothing here: {}", type, message.get_string("message"));
}

void AcsConversation::on_payload(const Json& message)
{
    engine_.speaks_for(message.get_string("containerInstanceArn"));
    const std::string id = message.get_string("messageId");
    if (id.empty() || message.get_string("clusterArn").empty() || message.get_string("containerInstanceArn").empty())
        return log_warning("a payload without an identity is dropped");
    for (const Json& task : message["tasks"].as_array()) {
        const std::string arn = task.get_string("arn");
        if (is_over(arn)) continue;
        for (const bool execution : {false, true}) {
            const Json& keys = task[execution ? "executionRoleCredentials" : "roleCredentials"];
            if (!credentials_.put(arn, execution, keys).empty()) acknowledge_credentials(id, keys);
        }
    }
    const Time generated{message.get_int64("generatedAt")};
    // A conversation that has gone needs no acknowledgement.
    engine_.accept(message["tasks"].as_array(), message.get_int64("seqNum"), generated,
                   [weak = weak_from_this(), ack = acknowledgement(message)] {
        if (const auto alive = weak.lock()) alive->send_(ack);
    });
}

// The control plane may not have heard yet that the task has stopped, and sends it again: its keys were dropped with it.
bool AcsConversation::is_over(const std::string& task_arn) const
{
    const auto known = board_.find(task_id_of(task_arn));
    return known && known->record.stopped;
}

void AcsConversation::on_credentials(const Json& message)
{
    const std::string task = message.get_string("taskArn");
    if (is_over(task)) return;
    const std::string id = credentials_.put(task, message.get_string("roleType") == "TaskExecution", message["roleCredentials"]);
    if (!id.empty() && board_.find(task_id_of(task))) acknowledge_credentials(message.get_string("messageId"), message["roleCredentials"]);
}

void AcsConversation::on_manifest(const Json& message)
{
    engine_.speaks_for(message.get_string("containerInstanceArn"));
    const std::string id = message.get_string("messageId");
    std::vector<ManifestEntry> entries;
    for (const Json& task : message["tasks"].as_array()) {
        const bool running = task.get_string("desiredStatus") == "RUNNING";
        entries.push_back({task.get_string("taskArn"), running ? Desired::running : Desired::stopped});
    }
    manifest_id_ = id;
    engine_.check_manifest(std::move(entries), message.get_int64("timeline"),
                           [weak = weak_from_this(), id, cluster = message.get_string("clusterArn"),
                            ack = acknowledgement(message)](std::optional<std::vector<std::string>> stop) {
        const auto alive = weak.lock();
        if (!stop || !alive) return;
        alive->send_(ack);
        if (stop->empty()) return;
        acs::TaskStopVerificationMessage question{.message_id = id};
        for (const std::string& task : *stop) question.stop_candidates.push_back({task, cluster, "STOPPED"});
        alive->send_(acs::encode(question));
    });
}

void AcsConversation::acknowledge_credentials(const std::string& message_id, const Json& credentials)
{
    send_(acs::encode(acs::IamRoleCredentialsAckRequest{message_id, credentials.get_string("credentialsId"),
                                                        credentials.get_string("expiration")}));
}

}  // namespace boxship::agent
