// Asks the task metadata endpoint. Plain HTTP to an address; no name is looked up.
#pragma once

#include <optional>
#include <string>

namespace hello {

// The body of a 200 answer to GET `url` ("http://169.254.170.2/v4/…"), within `milliseconds`.
std::optional<std::string> fetch(const std::string& url, int milliseconds);

}  // namespace hello
