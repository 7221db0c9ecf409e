#include "front/identify.h"

#include "base/strings.h"
#include "shape/services.h"

namespace boxship::front {

namespace {

const shape::ServiceInfo* service_signed_as(std::string_view name)
{
    for (const shape::ServiceInfo* service : shape::services()) {
        if (service->signing_name == name) return service;
    }
    return nullptr;
}

bool is_form(const http::Request& request)
{
    return request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded");
}

bool is_xml(shape::Protocol protocol)
{
    return protocol == shape::Protocol::query || protocol == shape::Protocol::ec2;
}

Target by_header(const http::Request& request, std::string_view target, const sigv4::Claim* claim)
{
    Target found;
    const bool json10 = request.headers.get("Content-Type").starts_with("application/x-amz-json-1.0");
    found.protocol = json10 ? shape::Protocol::json10 : shape::Protocol::json11;
    const std::size_t dot = target.rfind('.');
    const std::string_view prefix = dot == std::string_view::npos ? std::string_view() : target.substr(0, dot);
    found.operation_name = std::string(dot == std::string_view::npos ? target : target.substr(dot + 1));
    found.service_name = claim ? claim->service : std::string(prefix);
    for (const shape::ServiceInfo* service : shape::services()) {
        if (prefix.empty() || service->target_prefix != prefix) continue;
        found.service = service;
        found.operation = service->find_operation(found.operation_name);
    }
    return found;
}

// Which XML service a form is for: the signature says it; an unsigned form is known by its version.
const shape::ServiceInfo* service_of_form(const sigv4::Claim* claim, std::string_view version)
{
    if (claim) return service_signed_as(claim->service);
    for (const shape::ServiceInfo* service : shape::services()) {
        if (is_xml(service->protocols[0]) && service->version == version) return service;
    }
    return nullptr;
}

Target by_form(const http::Request& request, const sigv4::Claim* claim)
{
    Target found;
    found.form = request.query;
    if (is_form(request)) {
        if (!found.form.empty() && !request.body.empty()) found.form.push_back('&');
        found.form += request.body;
    }
    found.operation_name = http::query_value(found.form, "Action").value_or("");
    const std::string version = http::query_value(found.form, "Version").value_or("");
    found.service = service_of_form(claim, version);
    found.service_name = claim ? claim->service : "";
    found.protocol = shape::Protocol::query;
    if (!found.service) return found;
    found.service_name = std::string(found.service->name);
    found.protocol = found.service->protocols[0];
    if (is_xml(found.protocol) && version == found.service->version)
        found.operation = found.service->find_operation(found.operation_name);
    return found;
}

}  // namespace

Target identify(const http::Request& request, const sigv4::Claim* claim)
{
    if (const std::string* target = request.headers.find("x-amz-target")) return by_header(request, *target, claim);
    if (is_form(request) || http::query_value(request.query, "Action")) return by_form(request, claim);
    Target found;
    found.is_rest = true;
    if (claim) {
        found.service_name = claim->service;
        found.service = service_signed_as(claim->service);
        if (found.service) found.protocol = found.service->protocols[0];
    }
    return found;
}

std::size_t body_bytes_max(const http::Request& request)
{
    constexpr std::size_t mib = 1024 * 1024;
    return request.headers.get("x-amz-target").ends_with(".UploadLayerPart") ? 32 * mib : 8 * mib;
}

}  // namespace boxship::front
