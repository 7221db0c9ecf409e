// The agent's side of everything between it and the control plane: membership, the three channels, reports.
#pragma once

#include <memory>

#include "agent/control_channel.h"
#include "agent/submitter.h"
#include "agent/tcs_channel.h"

namespace boxship::agent {

struct SessionParts {
    ApiClient& api;
    Ledger& ledger;
    Board& board;                     // watched for the log streams
    TaskCredentials& credentials;
    Telemetry& telemetry;
    LogStreams& logs;
    Workers& workers;
    env::Clock& clock;
    env::Random& random;
    ControlChannel::OnGroups on_groups = {};
};

class Session : public Outlet {
public:
    // `instance_arn`: of an earlier registration, or "".
    Session(http::Executor executor, SessionParts parts, HostFacts facts, std::string instance_arn, ChannelTimes times = {});
    ~Session() override;      // stops; not on the executor's own thread

    void start(std::shared_ptr<Engine> engine);   // once the engine is ready
    // Ends all coroutines and lets go of the engine, which may still call and is not heard any more.
    void stop();

    void submit(TaskReport report, std::function<void()> heard) override;
    void launched(const std::string& task_arn, const std::vector<Phase>& phases) override;
    void ended(const std::string& task_arn, const std::vector<OomKills>& kills) override;

private:
    http::TaskGroup group_;
    Membership membership_;
    Submitter submitter_;
    AcsChannel acs_;
    TcsChannel tcs_;
    ControlChannel control_;
    TaskCredentials& credentials_;
};

}  // namespace boxship::agent
