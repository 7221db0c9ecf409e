#include <fmt/format.h>

#include "drive/history/history.h"

namespace boxship::drive {
namespace {

void describe_container(const model::TaskContainer* before, const model::TaskContainer& after, std::vector<std::string>& told)
{
    if (!after.image_digest.empty() && (!before || before->image_digest.empty()))
        told.push_back(fmt::format("container {}: image {} is {}", after.name, after.image, after.image_digest));
    if (before && before->status == after.status) return;
    if (after.status == model::ContainerStatus::running) {
        std::string text = fmt::format("container {} is running", after.name);
        for (const auto& binding : after.bindings)
            text += fmt::format(", port {} on {}:{}", binding.port.container_port, binding.bind_ip, binding.port.host_port);
        told.push_back(text);
    } else if (after.status == model::ContainerStatus::stopped) {
        std::string text = fmt::format("container {} stopped", after.name);
        if (after.exit_code) text += fmt::format(" with exit code {}", *after.exit_code);
        if (!after.reason.empty()) text += ": " + after.reason;
        told.push_back(text);
    }
}

}  // namespace

std::vector<std::string> describe_change(const model::Task* before, const model::Task& after)
{
    std::vector<std::string> told;
    if (!before) told.push_back("created" + (after.started_by.empty() ? std::string() : ", startedBy " + after.started_by));
    if (after.acknowledged && before && !before->acknowledged) told.push_back("the host's agent has stored the task");
    for (const auto& container : after.containers) {
        const model::TaskContainer* old = nullptr;
        if (before)
            for (const auto& candidate : before->containers)
                if (candidate.name == container.name) old = &candidate;
        describe_container(old, container, told);
    }
    if (before && before->wanted && !after.wanted)
        told.push_back("asked to stop" + (after.stopped_reason.empty() ? std::string() : ": " + after.stopped_reason));
    if (before && before->status != after.status) {
        std::string text = fmt::format("{} → {}", to_text(before->status), to_text(after.status));
        if (after.status == model::TaskStatus::stopped && after.stop_code != model::StopCode::none)
            text += fmt::format(" ({}: {})", to_text(after.stop_code), after.stopped_reason);
        told.push_back(text);
    }
    return told;
}

}  // namespace boxship::drive
