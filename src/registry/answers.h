// Errors as the distribution API writes them: {"errors":[{"code","message","detail"}]}.
#pragma once

#include <string>
#include <string_view>

#include "ecr/refused.h"
#include "shape/json_value.h"
#include "wire/http/message.h"

namespace boxship::registry {

http::Response refuse(int status, std::string_view code, std::string_view message, shape::Json detail = {});
http::Response refuse(const ecr::Refused& refused);
// The disk's or the journal's doing: logged with `doing`; 507 when there is no room, else 500.
http::Response fail(const HostError& error, std::string_view doing);

}  // namespace boxship::registry
