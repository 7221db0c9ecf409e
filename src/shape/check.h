// The table-driven check of a request: required members, lengths, ranges, enums, patterns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "shape/light.h"
#include "shape/read.h"

namespace boxship::shape {

struct Violation {
    std::string path;   // "tags.2.member.key"
    std::string value;  // as shown to the caller, masked when sensitive
    bool missing = false;
    std::string rule;   // "Member must have length less than or equal to 128"
};

// In member order. `unknown` is what the reader noted about this record.
std::vector<Violation> check(ConstRecordRef record, std::span<const UnknownEnum> unknown);

// The violations in the words of a service, with its error code:
//   framework  ValidationException (ValidationError in XML protocols), all of them in one sentence
//   ecr, own   InvalidParameterException      ec2  MissingParameter / InvalidParameterValue
ApiError to_error(const ServiceInfo& service, std::span<const Violation> violations);

// check() and to_error() in one step.
Result<> validate(const ServiceInfo& service, ConstRecordRef record, std::span<const UnknownEnum> unknown);

}  // namespace boxship::shape
