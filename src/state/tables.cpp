#include "state/tables.h"

namespace boxship::state {

Tables::Tables() = default;
Tables::~Tables() = default;

void Tables::finish_loading()
{
    all.each([this]<class Row>(Table<Row>& table) {
        if constexpr (can_be_many<Row>)
            table.finish_loading([this](const Row& row) { derived.change(static_cast<const Row*>(nullptr), &row); });
    });
}

}  // namespace boxship::state
