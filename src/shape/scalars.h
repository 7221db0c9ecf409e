// Scalars as text: shared by the readers and writers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "shape/info.h"

namespace boxship::shape {

// Whole numbers may be written 1, 1.0 or 1e3, as long as nothing is lost.
std::optional<std::int64_t> parse_whole(std::string_view digits);
std::optional<double> parse_real(std::string_view digits);
// 2026-11-20T13:35:04Z, with an optional fraction and an offset other than Z.
std::optional<Time> parse_iso8601(std::string_view text);
// Epoch seconds, with or without fraction.
std::optional<Time> parse_epoch(std::string_view digits);
std::string to_epoch(Time time);  // 1732109704.123, as many decimals as needed, at most three

// One scalar, blob or enum from text into a value. False when it does not fit the type.
bool read_text(const TypeInfo& type, std::string_view text, void* value);
// The same back, as in XML and messages: true, 12, 0.5, 2026-11-20T13:35:04.123Z, base64.
void append_text(std::string& out, const TypeInfo& type, const void* value);

// "an Integer", for messages.
std::string_view kind_name(Kind kind);

}  // namespace boxship::shape
