// What is served of the AWS models, as a page of documentation: docs/coverage.md.
#pragma once

#include <span>
#include <string>

#include "services/served.h"
#include "shape/info.h"

namespace boxship::coverage {

// Members of a record and of everything below it; a recursive shape counts once per path.
std::size_t count_members(const shape::RecordInfo& record);

std::string page(std::span<const shape::ServiceInfo* const> services, const services::Served& served);

}  // namespace boxship::coverage
