#include "services/served.h"

#include <fmt/format.h>

#include "shape/slots.h"

namespace boxship::services {
namespace {

bool is_empty(const shape::TypeInfo& type, const void* value)
{
    switch (type.kind) {
    case shape::Kind::list:
    case shape::Kind::map: return static_cast<const shape::ListBase*>(value)->empty();
    case shape::Kind::string: return static_cast<const shape::Str*>(value)->empty();
    case shape::Kind::boolean: return !*static_cast<const bool*>(value);  // false says what absence says
    default: return false;
    }
}

// Is the member at "a.b.c" there? Lists on the way are looked through.
bool has_member(const shape::RecordInfo& record, const void* data, std::string_view path)
{
    const auto dot = path.find('.');
    const auto* member = record.find(path.substr(0, dot));
    CHECK(member != nullptr);  // a line in served.cpp names a member that the model does not have
    if (!shape::is_present(*member, data)) return false;
    const void* value = shape::get(*member, data);
    if (dot == std::string_view::npos) return !is_empty(*member->type, value);
    const auto rest = path.substr(dot + 1);
    if (member->type->kind == shape::Kind::record) return has_member(*member->type->record, value, rest);
    CHECK(member->type->kind == shape::Kind::list && member->type->element->kind == shape::Kind::record);
    const auto& list = *static_cast<const shape::ListBase*>(value);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (has_member(*member->type->element->record, list.at(i, shape::size_of(*member->type->element)), rest)) return true;
    return false;
}

bool is_json(const shape::ServiceInfo& service)
{
    for (const auto protocol : service.protocols)
        if (protocol == shape::Protocol::json10 || protocol == shape::Protocol::json11) return true;
    return false;
}

}  // namespace

Result<> may_call(const ServedOperation& operation, const Principal& principal)
{
    const bool allowed = operation.any_principal || principal.kind == Principal::Kind::root ||
                         (operation.hosts && principal.kind == Principal::Kind::host);
    if (allowed) return {};
    const auto& service = *operation.info->service;
    const bool ec2 = service.validation == shape::ValidationStyle::ec2;
    return ApiError{ec2 ? "UnauthorizedOperation" : is_json(service) ? "AccessDeniedException" : "AccessDenied",
                    fmt::format("User: {} is not authorized to perform: {}:{}", principal.arn, service.name, operation.info->name), 403};
}

Result<> check_refused(const ServedOperation& operation, const void* request)
{
    for (const auto& path : operation.refused) {
        if (!has_member(*operation.info->request, request, path)) continue;
        const auto& service = *operation.info->service;
        const char* code = service.validation == shape::ValidationStyle::ec2   ? "InvalidParameterValue"
                           : service.validation == shape::ValidationStyle::framework ? "ValidationError"
                                                                               : "InvalidParameterException";
        return ApiError{code, fmt::format("'{}' is not supported by this version of boxship.", path)};
    }
    return {};
}

}  // namespace boxship::services
