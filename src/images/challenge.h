// "WWW-Authenticate" of a registry: what it wants before it answers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boxship::images {

struct Challenge {
    std::string scheme;                              // lower case: "basic", "bearer"
    std::map<std::string, std::string> parameters;   // names in lower case: realm, service, scope, error

    std::string get(const std::string& name) const
    {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::string() : found->second;
    }
};

std::vector<Challenge> parse_challenges(std::string_view header);  // one field; what does not parse is left out

}  // namespace boxship::images
