// What a request asks for: service, operation, protocol. Nothing is trusted yet, nothing is refused here.
#pragma once

#include <string>
#include <string_view>

#include "shape/info.h"
#include "wire/http/message.h"
#include "wire/sigv4.h"

namespace boxship::front {

struct Target {
    const shape::ServiceInfo* service = nullptr;      // nullptr: none of ours
    const shape::OperationInfo* operation = nullptr;  // nullptr: not in the service's model
    std::string service_name;                         // as the caller named it: signing name, or target prefix
    std::string operation_name;                       // "" when the request names none
    shape::Protocol protocol = shape::Protocol::json11;
    bool is_rest = false;                             // neither target nor Action: some REST service
    std::string form;                                 // query and ec2: the fields, of the URL and the body together
};

// By the x-amz-target header, else Action in the form body or the URL, else the signing name alone. The body must have
// been read for forms; for the protocol of an early error it need not. `claim` may be null.
Target identify(const http::Request& request, const sigv4::Claim* claim);

// How much of a body is read for this request. Layer parts travel in JSON, everything else is small.
std::size_t body_bytes_max(const http::Request& request);

}  // namespace boxship::front
