// Scenarios as text, a line per step; a line that begins with a space goes on with the one before.
//
//     # a comment
//     instances 2 cpu=1024 memory=2048 [cluster=web] [zone=us-east-1b] [fargate|external] [offline] [without=attribute] [enis=2] [address=172.31.0.9]
//                                              hosts h1, h2 … register and connect
//     as root | as host h1 | as task x         who calls from here on
//     call ecs RunTask {"taskDefinition":"big"}
//     expect failures[0].reason = "RESOURCE:CPU"
//     expect tasks.# = 2                       how many elements
//     expect tasks[0].startedAt absent | present
//     expect message ~ "part of a text"
//     expect error ClientException "part of the message"
//     save task = tasks[0].taskArn             "$task" stands for it in later lines; $h1 … are the instances' ARNs,
//                                              $subnet_a … $subnet_c, $group and $vpc the default VPC's parts
//     acknowledge $task                        the agent stored the payload, or the order to stop
//     report $task RUNNING|STOPPED|PENDING [exit=1] [reason="text"] [container=web]
//     run SERVICE [port=N] | fail SERVICE      every pending task of the service is RUNNING now, or ends before
//     end SERVICE                              every task that was asked to stop has
//     tasks SERVICE running=2 stopping=1       how many there are of each kind (pending too); what is not named: none
//     told $task RUNNING|STOPPED               what the task's host is told that it should be
//     suspend | resume                         as `boxship down` does before it ends, and the next `up`
//     alarm NAME ALARM|OK                      as `boxship alarm set` does
//     connect h1 | disconnect h1
//     health $group 172.31.0.9 healthy|unhealthy|drained [port=80]     what the load balancer finds out about a target; "all": of
//                                              those that are registered
//     advance 10s | 5m | 2h
//     vpc 10.0.0.0/28                          one more VPC, all of it one subnet in us-east-1a: $other_subnet, $other_group
//     quota ecs/clusters=2 | ecs/clusters=default     as `boxship up --quota` sets it
//     restart                                  a new control plane on the same journal
//
// After every step the doctor looks at the state.
#pragma once

#include <map>
#include <string>

#include "scenario/world.h"
#include "shape/json_value.h"

namespace boxship::tests {

class Script {
public:
    Script();
    // Runs it; the complaint with its line, or "" when all went well.
    std::string run(const std::string& text);
    World& world() { return world_; }

private:
    std::string step(const std::string& line);
    std::string call(const std::string& rest);
    std::string expect(const std::string& rest);
    std::string instances(const std::string& rest);
    std::string report(const std::string& rest);
    std::string connect(const std::string& host, bool connected);
    std::string health(const std::string& rest);
    std::string add_vpc(const std::string& range);
    std::string acknowledge(const std::string& task);
    std::string report_all(const std::string& service, const std::string& status, bool ending);
    std::string count_tasks(const std::string& rest);
    void suspend(bool suspended);
    std::string set_alarm(const std::string& rest);
    std::string set_quota(const std::string& rest);
    std::string told(const std::string& rest);
    std::shared_ptr<const model::Task> task_of(const std::string& arn);   // nullptr: there is none
    std::string fill_in(const std::string& text) const;

    World world_;
    std::map<std::string, std::string> saved_;
    std::map<std::string, InstanceId> hosts_;
    shape::Json answer_;
    std::string error_code_, error_message_;
    bool error_expected_ = true;    // an error that nobody asked about fails the scenario
};

}  // namespace boxship::tests
