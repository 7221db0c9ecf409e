// The operations that groups and checkpoints are made of (journal.h), one behind the other:
//     table (1 byte)  erased (1 byte)  varint(length) key  [varint(length) row]
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxship::state {

// Both are compiled once for every kind of row, in txn_rows.cpp.
template <class Row>
void append_put(std::string& operations, const typename Row::Key& key, const Row& row);
template <class Row>
void append_erase(std::string& operations, const typename Row::Key& key);

// Walks a run of operations; an error when it is malformed, or the visitor's own.
using OperationVisitor = std::function<HostResult<>(std::uint8_t table, bool erased, std::string_view key, std::string_view row)>;
HostResult<> visit_operations(std::string_view operations, const OperationVisitor& visit);

}  // namespace boxship::state
