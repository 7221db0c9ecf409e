// Writers: a record into the bytes of an answer (or of a request, for clients), by walking its table.
#pragma once

#include <string>
#include <string_view>

#include "shape/light.h"

namespace boxship::shape {

enum class Secrets { plain, masked };  // masked: sensitive members become "***", for logs

// One JSON object; absent members are left out. {} when nothing is there.
std::string write_json(ConstRecordRef record, Secrets secrets = Secrets::plain);

// <OpResponse xmlns="…"><OpResult>…</OpResult><ResponseMetadata><RequestId>…
std::string write_query_xml(const OperationInfo& operation, ConstRecordRef response, std::string_view request_id);
// <OpResponse xmlns="…">…<requestId>…
std::string write_ec2_xml(const OperationInfo& operation, ConstRecordRef response, std::string_view request_id);

void append_xml_text(std::string& out, std::string_view text);  // escaped

}  // namespace boxship::shape
