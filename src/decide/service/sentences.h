// What a service says in its events, in AWS's words: scripts and people look for them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "decide/placement/placement.h"
#include "decide/service/balance.h"
#include "model/service.h"

namespace boxship::decide::say {

std::string steady(const model::Service& service);
std::string started(const model::Service& service, const std::vector<TaskId>& tasks);
std::string stopped(const model::Service& service, const std::vector<TaskId>& tasks);
std::string targets(const model::Service& service, const char* what, int count, const std::string& group_arn);  // "registered"
std::string draining(const model::Service& service, int tasks);                    // connections to them
std::string unhealthy(const model::Service& service, const TaskId& task);
std::string unwell(const model::Service& service, const TaskId& task, const Unwell& what);
std::string throttled(const model::Service& service);
std::string stuck(const model::Service& service);                                  // the percentages leave no way
std::string completed(const model::Service& service, std::int64_t revision);
std::string failed(const model::Service& service, std::int64_t revision, const std::string& why);
std::string rolling_back(const model::Service& service, std::int64_t revision);
// Why no task could be placed: the instance that came closest, or that there is none.
std::string no_place(const model::Service& service, const Placement& placement);
// Zones: with how many tasks are in each.
std::string zones_uneven(const model::Service& service, const std::map<Text, int>& zones);
std::string zones_even(const model::Service& service, const std::map<Text, int>& zones);
std::string zones_given_up(const model::Service& service);
std::string started_in(const model::Service& service, const Text& zone, const std::vector<TaskId>& tasks);
std::string stopped_in(const model::Service& service, const Text& zone, const std::vector<TaskId>& tasks);
std::string no_place_in(const model::Service& service, const Text& zone);
std::string cannot_scale_in(const model::Service& service);                        // tasks are protected
std::string cannot_move(const model::Service& service);
std::string no_addresses(const model::Service& service);

}  // namespace boxship::decide::say
