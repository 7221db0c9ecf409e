// The answers of the task metadata endpoint (versions 2 to 4), made of a task as it is now. Pure functions.
#pragma once

#include <optional>

#include "agent/board.h"
#include "shape/json_value.h"

namespace boxship::agent {

struct MetadataContext {
    std::string zone;
};

enum class MetadataVersion : std::uint8_t { v2, v3, v4 };

shape::Json task_metadata(const TaskView& task, MetadataVersion version, const MetadataContext& context);
shape::Json container_metadata(const TaskView& task, std::size_t container, MetadataVersion version);

// Docker's stats object, with the rates that version 4 adds; null without a sample. `before` is an earlier one.
shape::Json stats_json(const TaskView& task, std::size_t container, const ContainerStats& now, const std::optional<ContainerStats>& before,
                       int processors, MetadataVersion version);

}  // namespace boxship::agent
