// Patterns of the model, compiled by PCRE2 when first used and kept.
#pragma once

#include <string_view>

namespace boxship::shape {

// `pattern` is constant data: it is remembered by address. The whole text must match. Safe from any thread.
bool matches(std::string_view pattern, std::string_view text);

// Whether PCRE2 accepts it; tests compile every pattern of the models.
bool compiles(std::string_view pattern);

}  // namespace boxship::shape
