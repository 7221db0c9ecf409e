// Makes the compiler emit functions that are compiled once for every kind of row: naming a function does it.
#pragma once

#include "state/rows.h"

namespace boxship::state {

template <class Functions>
const Functions emitted;

// `Functions<Row>`: pointers to what is to be there for a row, as members with initialisers. Kept by a [[gnu::used]] variable.
template <template <class> class Functions, class... Row>
const void* const* emit(Rows<Row...>)
{
    static const void* const all[] = {&emitted<Functions<Row>>...};
    return all;
}

}  // namespace boxship::state
