#include "fuzz/records.h"
#include "fuzz/targets.h"
#include "shape/read.h"

namespace boxship::fuzz {

// The first line names the operation.
void query(std::string_view form)
{
    const auto& operation = choose_operation(form);
    for (const auto read : {&shape::read_query, &shape::read_ec2}) {
        const Record request(*operation.request);
        std::vector<shape::UnknownEnum> unknown;
        if (read(form, request.ref(), &unknown).ok()) use(operation, request, unknown);
    }
}

}  // namespace boxship::fuzz
