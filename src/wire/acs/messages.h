// The messages of ACS, the websocket by which a control plane directs agents. One JSON envelope per text message:
// {"type":"…","message":{…}}. The reader forgives what the protocol lets it forgive (unknown members and types, null,
// members of the wrong kind read as empty); the writer is exact.
#pragma once

#include <variant>

#include "base/result.h"
#include "wire/acs/task.h"

namespace boxship::acs {

// Server to agent -----------------------------------------------------------------------------------------------------

struct HeartbeatMessage {
    static constexpr const char* type = "HeartbeatMessage";
    std::string message_id;  // ? telemetry has none
    bool healthy = true;
};

struct PayloadMessage {
    static constexpr const char* type = "PayloadMessage";
    std::string message_id;
    std::string cluster_arn;
    std::string container_instance_arn;
    std::int64_t generated_at = 0;  // ms
    std::int64_t seq_num = 0;
    std::vector<Task> tasks;
};

struct IamRoleCredentialsMessage {
    static constexpr const char* type = "IAMRoleCredentialsMessage";
    std::string message_id;
    std::string task_arn;
    std::string task_cluster_arn;
    std::string role_type;  // "TaskApplication", "TaskExecution"
    Credentials role_credentials;
};

struct TaskIdentifier {
    std::string task_arn;
    std::string task_cluster_arn;
    std::string desired_status;
};

struct TaskManifestMessage {
    static constexpr const char* type = "TaskManifestMessage";
    std::string message_id;
    std::string cluster_arn;
    std::string container_instance_arn;
    std::int64_t generated_at = 0;
    std::int64_t timeline = 0;
    std::vector<TaskIdentifier> tasks;
};

struct TaskStopVerificationAck {
    static constexpr const char* type = "TaskStopVerificationAck";
    std::string message_id;
    std::int64_t generated_at = 0;
    std::vector<TaskIdentifier> stop_tasks;
};

struct AttachTaskNetworkInterfacesMessage {
    static constexpr const char* type = "AttachTaskNetworkInterfacesMessage";
    std::string message_id;
    std::string cluster_arn;
    std::string container_instance_arn;
    std::string task_arn;
    std::string task_cluster_arn;
    std::int64_t generated_at = 0;
    std::int64_t wait_timeout_ms = 0;
    std::vector<NetworkInterface> network_interfaces;
};

struct ConfirmAttachmentMessage {
    static constexpr const char* type = "ConfirmAttachmentMessage";
    std::string message_id;
    std::string cluster_arn;
    std::string container_instance_arn;
    std::string task_arn;
    std::string task_cluster_arn;
    std::int64_t generated_at = 0;
    std::int64_t wait_timeout_ms = 0;
    Attachment attachment;
};

// Updates of the agent's own program, which we refuse: only what the refusal needs.
struct UpdateMessage {
    std::string type;  // "StageUpdateMessage" or "PerformUpdateMessage"
    std::string message_id;
    std::string cluster_arn;
    std::string container_instance_arn;
};

// "ErrorMessage", "CloseMessage" and the errors of a running session: something to log.
struct NoticeMessage {
    std::string type;
    std::string message;
};

// Agent to server -----------------------------------------------------------------------------------------------------

struct AckRequest {
    static constexpr const char* type = "AckRequest";
    std::string cluster;
    std::string container_instance;
    std::string message_id;
};

struct NackRequest {
    static constexpr const char* type = "NackRequest";
    std::string cluster;
    std::string container_instance;
    std::string message_id;
    std::string reason;
};

struct HeartbeatAckRequest {
    static constexpr const char* type = "HeartbeatAckRequest";
    std::string message_id;
};

struct IamRoleCredentialsAckRequest {
    static constexpr const char* type = "IAMRoleCredentialsAckRequest";
    std::string message_id;
    std::string credentials_id;
    std::string expiration;
};

struct TaskStopVerificationMessage {
    static constexpr const char* type = "TaskStopVerificationMessage";
    std::string message_id;  // of the manifest
    std::vector<TaskIdentifier> stop_candidates;
};

// A type we do not know: to be logged and dropped.
struct UnknownMessage {
    std::string type;
};

using FromServer = std::variant<HeartbeatMessage, PayloadMessage, IamRoleCredentialsMessage, TaskManifestMessage, TaskStopVerificationAck,
                                AttachTaskNetworkInterfacesMessage, ConfirmAttachmentMessage, UpdateMessage, NoticeMessage, UnknownMessage>;
using FromAgent = std::variant<AckRequest, NackRequest, HeartbeatAckRequest, IamRoleCredentialsAckRequest, TaskStopVerificationMessage,
                               UnknownMessage>;

// The error is a sentence: the text is not an envelope.
Outcome<FromServer, std::string> parse_from_server(std::string_view text);
Outcome<FromAgent, std::string> parse_from_agent(std::string_view text);

std::string encode(const HeartbeatMessage& message);
std::string encode(const PayloadMessage& message);
std::string encode(const IamRoleCredentialsMessage& message);
std::string encode(const TaskManifestMessage& message);
std::string encode(const TaskStopVerificationAck& message);
std::string encode(const AttachTaskNetworkInterfacesMessage& message);
std::string encode(const ConfirmAttachmentMessage& message);
std::string encode(const AckRequest& message);
std::string encode(const NackRequest& message);
std::string encode(const HeartbeatAckRequest& message);
std::string encode(const IamRoleCredentialsAckRequest& message);
std::string encode(const TaskStopVerificationMessage& message);

}  // namespace boxship::acs
