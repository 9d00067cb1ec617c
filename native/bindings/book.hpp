/// The order book as strategies see it.
#pragma once

#include <nanobind/nanobind.h>

#include "kungfu/abi.h"
#include "kungfu/book.hpp"

namespace kungfu::python {

namespace nb = nanobind;

/// A book that knows whose it is.
struct InstrumentBook : OrderBook {
    std::uint64_t instrument = 0;
    std::int64_t time = 0;  // the venue's, of the last event that was applied
};

/// Applies a book_snapshot or book_delta; MALFORMED if the event is neither.
BookChange apply_to_book(InstrumentBook& book, const kf_event& event);

void bind_book(nb::module_& m);

}  // namespace kungfu::python
