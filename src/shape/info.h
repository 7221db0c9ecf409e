// The tables that describe an API: what modelgen writes into build/gen/<service>/tables.cpp, and every walker reads.
// All of it is constant data; nothing here owns memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace boxship::shape {

struct RecordInfo;
struct TypeInfo;
struct ServiceInfo;

enum class Kind : std::uint8_t {
    string, boolean, int32, int64, float32, float64,
    timestamp,   // Time, milliseconds
    blob,        // Str holding the raw bytes
    document,    // Str holding JSON text
    enumeration, // enum class of 16 bits, 0 = unknown
    record, list, map,
};

struct EnumInfo {
    std::string_view name;
    std::span<const std::string_view> values;  // the text of enumerator n is values[n - 1]

    std::string_view text(std::uint16_t value) const;   // "" for unknown
    std::uint16_t parse(std::string_view text) const;   // 0 for unknown
};

struct Limits {
    static constexpr std::int64_t none_min = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t none_max = std::numeric_limits<std::int64_t>::max();
    std::int64_t min = none_min;  // of the value for numbers, else of the length: characters, bytes, elements
    std::int64_t max = none_max;
    std::string_view pattern;     // PCRE2; the whole value must match
    std::string_view shown;       // the pattern as the model writes it, for messages
};

struct TypeInfo {
    Kind kind = Kind::string;
    const RecordInfo* record = nullptr;    // Kind::record
    const EnumInfo* values = nullptr;      // Kind::enumeration
    const TypeInfo* element = nullptr;     // of a list, or the values of a map
    const EnumInfo* keys = nullptr;        // of a map whose keys are an enumeration
    const Limits* limits = nullptr;
};

enum class TimeFormat : std::uint8_t { protocol, iso, epoch };

struct MemberInfo {
    std::string_view name;         // as in the model and in JSON
    std::string_view field;        // as in C++
    std::string_view xml_name;     // in XML answers
    std::string_view query_name;   // in query requests, already capitalised for ec2
    std::string_view item = "member";
    std::string_view key = "key";
    std::string_view value = "value";
    const TypeInfo* type = nullptr;
    std::uint32_t offset = 0;
    bool required = false;
    bool sensitive = false;
    bool token = false;            // idempotency token
    bool flat = false;             // xmlFlattened
    TimeFormat time = TimeFormat::protocol;
};

struct RecordInfo {
    std::string_view name;
    std::span<const MemberInfo> members;
    std::uint32_t size = 0;
    bool is_union = false;         // exactly one member is set

    const MemberInfo* find(std::string_view member) const;
};

struct ErrorInfo {
    std::string_view name;         // "ClusterNotFoundException"
    std::string_view query_code;   // what XML answers call it; usually the same
    int status = 400;
};

struct OperationInfo {
    std::string_view name;
    const ServiceInfo* service = nullptr;
    const RecordInfo* request = nullptr;
    const RecordInfo* response = nullptr;
    bool has_output = true;        // false: the model names no output
    std::span<const std::string_view> errors;
};

enum class Protocol : std::uint8_t { json10, json11, query, ec2 };
enum class ValidationStyle : std::uint8_t { framework, ecr, own, ec2 };

struct ServiceInfo {
    std::string_view name;          // "ecs", also the C++ namespace
    std::string_view version;       // "2014-11-13"
    std::string_view signing_name;
    std::string_view target_prefix; // of x-amz-target, without the dot
    std::string_view xml_namespace;
    std::span<const Protocol> protocols;
    ValidationStyle validation = ValidationStyle::framework;
    std::span<const OperationInfo* const> operations;  // sorted by name
    std::span<const ErrorInfo> errors;                 // sorted by name

    const OperationInfo* find_operation(std::string_view operation) const;
    const ErrorInfo* find_error(std::string_view error) const;
};

}  // namespace boxship::shape
