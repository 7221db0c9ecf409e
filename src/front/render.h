// Answers and errors in the caller's protocol.
#pragma once

#include <string_view>

#include "base/result.h"
#include "shape/light.h"
#include "wire/http/message.h"

namespace boxship::front {

inline bool is_json(shape::Protocol protocol) { return protocol == shape::Protocol::json10 || protocol == shape::Protocol::json11; }

http::Response render(const shape::OperationInfo& operation, shape::Protocol protocol, shape::ConstRecordRef response,
                      std::string_view request_id);
http::Response render_json(std::string body, shape::Protocol protocol, std::string_view request_id);

// `service` gives the status and the XML code of its modelled errors; it may be null.
http::Response render_error(const ApiError& error, shape::Protocol protocol, const shape::ServiceInfo* service,
                            std::string_view request_id);

// The same for a REST service, none of which is ours: S3's XML, or JSON.
http::Response render_rest_error(const ApiError& error, std::string_view service_name, std::string_view request_id);

}  // namespace boxship::front
