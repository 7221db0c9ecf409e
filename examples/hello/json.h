// Just enough JSON to read what the metadata endpoint says, and to write strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hello {

struct Json {
    enum class Kind { none, scalar, array, object };

    Kind kind = Kind::none;
    std::string text;                                // of a scalar: a string's content, or a number, true, false, null
    std::vector<std::string> names;                 // of an object: its members', in the order of the elements
    std::vector<Json> elements;

    const Json& operator[](std::string_view name) const;  // a none when absent
    const Json& first() const;                            // of an array; a none when there is none
};

Json parse_json(std::string_view text);                   // a none when it does not parse
std::string json_quoted(std::string_view text);

}  // namespace hello
