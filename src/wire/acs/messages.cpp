#include "wire/acs/messages.h"

#include "wire/acs/task_members.h"

namespace boxship::acs {

template <class V>
void members(V& v, Of<V, HeartbeatMessage>& m)
{
    v.maybe("messageId", m.message_id);
    v("healthy", m.healthy);
}

template <class V>
void members(V& v, Of<V, PayloadMessage>& m)
{
    v("messageId", m.message_id);
    v("clusterArn", m.cluster_arn);
    v("containerInstanceArn", m.container_instance_arn);
    v("generatedAt", m.generated_at);
    v("seqNum", m.seq_num);
    v("tasks", m.tasks);
}

template <class V>
void members(V& v, Of<V, IamRoleCredentialsMessage>& m)
{
    v("messageId", m.message_id);
    v("taskArn", m.task_arn);
    v("taskClusterArn", m.task_cluster_arn);
    v("roleType", m.role_type);
    v("roleCredentials", m.role_credentials);
}

template <class V>
void members(V& v, Of<V, TaskIdentifier>& m)
{
    v("taskArn", m.task_arn);
    v("taskClusterArn", m.task_cluster_arn);
    v("desiredStatus", m.desired_status);
}

template <class V>
void members(V& v, Of<V, TaskManifestMessage>& m)
{
    v("messageId", m.message_id);
    v("clusterArn", m.cluster_arn);
    v("containerInstanceArn", m.container_instance_arn);
    v("generatedAt", m.generated_at);
    v("timeline", m.timeline);
    v("tasks", m.tasks);
}

template <class V>
void members(V& v, Of<V, TaskStopVerificationAck>& m)
{
    v("messageId", m.message_id);
    v("generatedAt", m.generated_at);
    v("stopTasks", m.stop_tasks);
}

template <class V>
void members(V& v, Of<V, AttachTaskNetworkInterfacesMessage>& m)
{
    v("messageId", m.message_id);
    v("clusterArn", m.cluster_arn);
    v("containerInstanceArn", m.container_instance_arn);
    v("taskArn", m.task_arn);
    v("taskClusterArn", m.task_cluster_arn);
    v("generatedAt", m.generated_at);
    v("waitTimeoutMs", m.wait_timeout_ms);
    v("elasticNetworkInterfaces", m.network_interfaces);
}

template <class V>
void members(V& v, Of<V, ConfirmAttachmentMessage>& m)
{
    v("messageId", m.message_id);
    v("clusterArn", m.cluster_arn);
    v("containerInstanceArn", m.container_instance_arn);
    v("taskArn", m.task_arn);
    v("taskClusterArn", m.task_cluster_arn);
    v("generatedAt", m.generated_at);
    v("waitTimeoutMs", m.wait_timeout_ms);
    v("attachment", m.attachment);
}

template <class V>
void members(V& v, Of<V, UpdateMessage>& m)
{
    v("messageId", m.message_id);
    v("clusterArn", m.cluster_arn);
    v("containerInstanceArn", m.container_instance_arn);
}

template <class V>
void members(V& v, Of<V, AckRequest>& m)
{
    v("cluster", m.cluster);
    v("containerInstance", m.container_instance);
    v("messageId", m.message_id);
}

template <class V>
void members(V& v, Of<V, NackRequest>& m)
{
    v("cluster", m.cluster);
    v("containerInstance", m.container_instance);
    v("messageId", m.message_id);
    v("reason", m.reason);
}

template <class V>
void members(V& v, Of<V, HeartbeatAckRequest>& m)
{
    v("messageId", m.message_id);
}

template <class V>
void members(V& v, Of<V, IamRoleCredentialsAckRequest>& m)
{
    v("messageId", m.message_id);
    v("credentialsId", m.credentials_id);
    v("expiration", m.expiration);
}

template <class V>
void members(V& v, Of<V, TaskStopVerificationMessage>& m)
{
    v("messageId", m.message_id);
    v("stopCandidates", m.stop_candidates);
}

Outcome<Envelope, std::string> open_envelope(std::string_view text)
{
    ASSIGN_OR_RETURN(const Json json, Json::parse(text));
    if (!json.is_object() || !json["type"].is_string()) return std::string("not an envelope: an object with a member \"type\" was expected");
    return Envelope{json.get_string("type"), json["message"]};
}

std::string notice_text(const Json& message)
{
    if (message.is_string()) return message.as_string();
    if (message["message"].is_string()) return message["message"].as_string();
    return message.is_null() ? std::string() : message.dump();
}

Json to_json(const Task& task) { return Writer::write(task); }
Task task_from_json(const Json& json) { return Reader::read<Task>(json); }

Outcome<FromServer, std::string> parse_from_server(std::string_view text)
{
    ASSIGN_OR_RETURN(const Envelope open, open_envelope(text));
    const Json& body = open.message;
    if (is<HeartbeatMessage>(open)) return FromServer(Reader::read<HeartbeatMessage>(body));
    if (is<PayloadMessage>(open)) return FromServer(Reader::read<PayloadMessage>(body));
    if (is<IamRoleCredentialsMessage>(open)) return FromServer(Reader::read<IamRoleCredentialsMessage>(body));
    if (is<TaskManifestMessage>(open)) return FromServer(Reader::read<TaskManifestMessage>(body));
    if (is<TaskStopVerificationAck>(open)) return FromServer(Reader::read<TaskStopVerificationAck>(body));
    if (is<AttachTaskNetworkInterfacesMessage>(open)) return FromServer(Reader::read<AttachTaskNetworkInterfacesMessage>(body));
    if (is<ConfirmAttachmentMessage>(open)) return FromServer(Reader::read<ConfirmAttachmentMessage>(body));
    if (open.type == "StageUpdateMessage" || open.type == "PerformUpdateMessage") {
        UpdateMessage update = Reader::read<UpdateMessage>(body);
        update.type = open.type;
        return FromServer(std::move(update));
    }
    if (open.type == "ErrorMessage" || open.type == "CloseMessage" || open.type.ends_with("Exception"))
        return FromServer(NoticeMessage{open.type, notice_text(body)});
    return FromServer(UnknownMessage{open.type});
}

Outcome<FromAgent, std::string> parse_from_agent(std::string_view text)
{
    ASSIGN_OR_RETURN(const Envelope open, open_envelope(text));
    const Json& body = open.message;
    if (is<AckRequest>(open)) return FromAgent(Reader::read<AckRequest>(body));
    if (is<NackRequest>(open)) return FromAgent(Reader::read<NackRequest>(body));
    if (is<HeartbeatAckRequest>(open)) return FromAgent(Reader::read<HeartbeatAckRequest>(body));
    if (is<IamRoleCredentialsAckRequest>(open)) return FromAgent(Reader::read<IamRoleCredentialsAckRequest>(body));
    if (is<TaskStopVerificationMessage>(open)) return FromAgent(Reader::read<TaskStopVerificationMessage>(body));
    return FromAgent(UnknownMessage{open.type});
}

std::string encode(const HeartbeatMessage& message) { return envelope(message); }
std::string encode(const PayloadMessage& message) { return envelope(message); }
std::string encode(const IamRoleCredentialsMessage& message) { return envelope(message); }
std::string encode(const TaskManifestMessage& message) { return envelope(message); }
std::string encode(const TaskStopVerificationAck& message) { return envelope(message); }
std::string encode(const AttachTaskNetworkInterfacesMessage& message) { return envelope(message); }
std::string encode(const ConfirmAttachmentMessage& message) { return envelope(message); }
std::string encode(const AckRequest& message) { return envelope(message); }
std::string encode(const NackRequest& message) { return envelope(message); }
std::string encode(const HeartbeatAckRequest& message) { return envelope(message); }
std::string encode(const IamRoleCredentialsAckRequest& message) { return envelope(message); }
std::string encode(const TaskStopVerificationMessage& message) { return envelope(message); }

}  // namespace boxship::acs
