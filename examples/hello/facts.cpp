#include "facts.h"

#include <algorithm>

#include "json.h"
#include "metadata.h"

namespace hello {
namespace {

constexpr int answer_milliseconds_max = 1000;
constexpr std::chrono::milliseconds pause_max{30'000};

// "EXTERNAL", "FARGATE", … as they are; a cluster's ARN as its name.
std::string short_name(const std::string& arn)
{
    return arn.starts_with("arn:") ? arn.substr(arn.rfind('/') + 1) : arn;
}

}  // namespace

void Facts::refresh()
{
    if (known_ || uri_.empty() || std::chrono::steady_clock::now() < next_try_) return;
    const auto container_text = fetch(uri_, answer_milliseconds_max);
    const auto task_text = container_text ? fetch(uri_ + "/task", answer_milliseconds_max) : std::nullopt;
    const Json container = parse_json(container_text.value_or(""));
    const Json task = parse_json(task_text.value_or(""));
    if (container.kind != Json::Kind::object || task.kind != Json::Kind::object) {
        next_try_ = std::chrono::steady_clock::now() + pause_;
        pause_ = std::min(pause_ * 2, pause_max);
        return;
    }
    known_ = true;
    const Json& network = container["Networks"].first();
    const std::string& revision = task["Revision"].text;
    const Fact found[] = {
        {"taskArn", "Task ARN", task["TaskARN"].text},
        {"cluster", "Cluster", short_name(task["Cluster"].text)},
        {"service", "Service", task["ServiceName"].text},
        {"taskDefinition", "Task definition", task["Family"].text + (revision.empty() ? "" : ":" + revision)},
        {"launchType", "Launch type", task["LaunchType"].text},
        {"networkMode", "Network mode", network["NetworkMode"].text},
        {"privateIp", "Private IP", network["IPv4Addresses"].first().text},
        {"availabilityZone", "Availability zone", task["AvailabilityZone"].text},
        {"container", "Container", container["Name"].text},
        {"image", "Image", container["Image"].text},
    };
    for (const Fact& fact : found) {
        if (!fact.value.empty() && fact.value != "null") list_.push_back(fact);
    }
}

int Facts::due_in() const
{
    if (known_ || uri_.empty()) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_try_ - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::max<long>(0, left + 1));
}

std::string Facts::value(const std::string& key) const
{
    for (const Fact& fact : list_) {
        if (fact.key == key) return fact.value;
    }
    return {};
}

long Facts::uptime_seconds() const
{
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
}

}  // namespace hello
