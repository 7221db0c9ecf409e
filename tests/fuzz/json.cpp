#include "base/check.h"
#include "fuzz/records.h"
#include "fuzz/targets.h"
#include "shape/json_value.h"
#include "shape/read.h"
#include "shape/write.h"

namespace boxship::fuzz {

// The first line names the operation.
void json(std::string_view text)
{
    const auto& operation = choose_operation(text);
    if (const auto value = shape::Json::parse(text); value.ok()) {
        const std::string once = value->dump();
        const auto again = shape::Json::parse(once);
        CHECK(again.ok() && again->dump() == once);
        CHECK(shape::Json::parse(value->dump_pretty()).ok());
    }
    const Record request(*operation.request);
    std::vector<shape::UnknownEnum> unknown;
    if (!shape::read_json(text, request.ref(), &unknown).ok()) return;
    use(operation, request, unknown);

    const std::string written = shape::write_json(request.ref());
    const Record same(*operation.request);
    const auto read = shape::read_json(written, same.ref());
    CHECK(read.ok());
    CHECK(shape::write_json(same.ref()) == written);
}

}  // namespace boxship::fuzz
