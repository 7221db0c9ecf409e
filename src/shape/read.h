// Readers: the bytes of a request (or of an answer, for clients) into a record, by walking its table.
// They check the grammar and the types; limits are check.h's business. Hostile input costs an error, never a crash,
// and a bounded multiple of its size in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shape/light.h"

namespace boxship::shape {

// An enum text outside the model. The member reads as `unknown`; check() reports it.
struct UnknownEnum {
    std::string path;  // as in Path's to_text
    std::string text;
};

// More list elements and map entries in one request than any client sends.
inline constexpr std::size_t read_elements_max = 100'000;

// One JSON object; empty text reads as {}. Unknown members are skipped, null means absent, of repeated members the last
// counts. Fails with SerializationException, saying what was found where.
Result<> read_json(std::string_view text, RecordRef into, std::vector<UnknownEnum>* unknown = nullptr);

// application/x-www-form-urlencoded in AWS's two dialects; Action and Version are not members and are ignored.
// Fails with MalformedInput.
Result<> read_query(std::string_view form, RecordRef into, std::vector<UnknownEnum>* unknown = nullptr);
Result<> read_ec2(std::string_view form, RecordRef into, std::vector<UnknownEnum>* unknown = nullptr);

// "a=b&c=d%20e" decoded, in order. '+' is a space.
struct FormField {
    std::string name;
    std::string value;
};
std::vector<FormField> parse_form(std::string_view form);

}  // namespace boxship::shape
