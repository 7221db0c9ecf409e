#include "front/render.h"

#include <fmt/format.h>

#include "shape/json_reader.h"
#include "shape/write.h"

namespace boxship::front {

namespace {

using shape::Protocol;

http::Response answer(int status, std::string_view content_type, std::string_view request_id, std::string body)
{
    http::Response response;
    response.status = status;
    response.headers.set("x-amzn-RequestId", std::string(request_id));
    response.headers.set("Content-Type", std::string(content_type));
    response.body = std::move(body);
    return response;
}

std::string_view content_type(Protocol protocol)
{
    switch (protocol) {
    case Protocol::json10: return "application/x-amz-json-1.0";
    case Protocol::json11: return "application/x-amz-json-1.1";
    case Protocol::query: return "text/xml";
    case Protocol::ec2: return "text/xml;charset=UTF-8";
    }
    return "text/plain";
}

std::string element(std::string_view tag, std::string_view text)
{
    std::string out = fmt::format("<{}>", tag);
    shape::append_xml_text(out, text);
    return out + fmt::format("</{}>", tag);
}

}  // namespace

http::Response render(const shape::OperationInfo& operation, Protocol protocol, shape::ConstRecordRef response,
                      std::string_view request_id)
{
    std::string body = protocol == Protocol::query ? shape::write_query_xml(operation, response, request_id)
                       : protocol == Protocol::ec2 ? shape::write_ec2_xml(operation, response, request_id)
                                                   : shape::write_json(response);
    return answer(200, content_type(protocol), request_id, std::move(body));
}

http::Response render_json(std::string body, Protocol protocol, std::string_view request_id)
{
    return answer(200, content_type(protocol), request_id, std::move(body));
}

http::Response render_error(const ApiError& error, Protocol protocol, const shape::ServiceInfo* service,
                            std::string_view request_id)
{
    const shape::ErrorInfo* info = service ? service->find_error(error.code) : nullptr;
    const int status = error.status != 0 ? error.status : info ? info->status : 400;
    std::string body;
    if (is_json(protocol)) {
        body = "{\"__type\":";
        shape::append_json_string(body, error.code);
        body += ",\"message\":";
        shape::append_json_string(body, error.message);
        body += "}";
        return answer(status, content_type(protocol), request_id, std::move(body));
    }
    const std::string code = element("Code", info ? info->query_code : std::string_view(error.code));
    const std::string message = element("Message", error.message);
    body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    if (protocol == Protocol::ec2) {
        body += fmt::format("<Response><Errors><Error>{}{}</Error></Errors>{}</Response>", code, message,
                            element("RequestID", request_id));
    } else {
        const std::string xmlns = service ? fmt::format(" xmlns=\"{}\"", service->xml_namespace) : std::string();
        body += fmt::format("<ErrorResponse{}><Error><Type>{}</Type>{}{}</Error>{}</ErrorResponse>", xmlns,
                            status >= 500 ? "Receiver" : "Sender", code, message, element("RequestId", request_id));
    }
    return answer(status, content_type(protocol), request_id, std::move(body));
}

http::Response render_rest_error(const ApiError& error, std::string_view service_name, std::string_view request_id)
{
    if (service_name != "s3") {
        http::Response response = render_error(error, Protocol::json11, nullptr, request_id);
        response.headers.set("Content-Type", "application/json");
        response.headers.set("x-amzn-errortype", error.code);
        return response;
    }
    const std::string body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>" + element("Code", error.code) +
                             element("Message", error.message) + element("RequestId", request_id) + "</Error>";
    http::Response response = answer(error.status != 0 ? error.status : 400, "application/xml", request_id, body);
    response.headers.set("x-amz-request-id", std::string(request_id));
    return response;
}

}  // namespace boxship::front
