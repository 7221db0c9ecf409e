// Every service that has a model; defined in generated code.
#pragma once

#include <span>

#include "shape/info.h"

namespace boxship::shape {

std::span<const ServiceInfo* const> services();  // sorted by name

}  // namespace boxship::shape
