// Text that users chose, as words of HAProxy's configuration. Nothing that comes out of here can end a word, a line or an
// expression: every byte that is not plainly harmless is written as \xNN.
#pragma once

#include <string>
#include <string_view>

namespace boxship::drive::haproxy {

// One word whose value is `text`. Never empty (an empty text becomes "").
std::string word(std::string_view text);
// What word() made, read as HAProxy reads it.
std::string plain_text(std::string_view word);

// As word(), where HAProxy looks for %[…] in it: what is text stays text.
std::string format_text(std::string_view text);

// AWS's wildcards as a regular expression that the whole value must match: '*' any characters of `any`, '?' one of them; a
// backslash takes the next character as it is. `any` is a regular expression for one character: "." or "[^&]".
std::string wildcard_regex(std::string_view pattern, std::string_view any);
bool has_wildcard(std::string_view pattern);
// Without the backslashes.
std::string unescaped(std::string_view pattern);

}  // namespace boxship::drive::haproxy
