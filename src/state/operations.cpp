#include "state/operations.h"

#include "model/fields.h"

namespace boxship::state {

HostResult<> visit_operations(std::string_view operations, const OperationVisitor& visit)
{
    const HostError malformed{"a group of the journal is malformed"};
    while (!operations.empty()) {
        if (operations.size() < 2) return malformed;
        const auto table = static_cast<std::uint8_t>(operations[0]);
        const bool erased = operations[1] != 0;
        operations.remove_prefix(2);
        std::string_view key, row;
        if (!model::take_block(operations, key) || (!erased && !model::take_block(operations, row))) return malformed;
        RETURN_IF_ERROR(visit(table, erased, key, row));
    }
    return {};
}

}  // namespace boxship::state
