#include "bindings/book.hpp"

#include <nanobind/stl/string.h>

#include "bindings/layout.hpp"
#include "bindings/view.hpp"
#include "kungfu/component.hpp"

namespace kungfu::python {

namespace {

const char* name_of(BookChange change) {
    switch (change) {
        case BookChange::APPLIED: return "applied";
        case BookChange::PENDING: return "pending";
        case BookChange::STALE: return "stale";
        case BookChange::GAP: return "gap";
        case BookChange::MALFORMED: return "malformed";
    }
    return "?";
}

nb::object exact(const PriceLevel& level) {
    if (level.is_none()) return nb::none();
    nb::object price = nb::steal(read_decimal(level.price.mantissa, level.price.exponent));
    nb::object size = nb::steal(read_decimal(level.size.mantissa, level.size.exponent));
    return nb::make_tuple(price, size);
}

nb::list levels(const InstrumentBook& book, Side side, std::size_t count) {
    nb::list out;
    for (std::size_t i = 0; i < count && i < book.depth(side); ++i) {
        const PriceLevel level = book.level(side, i);
        out.append(nb::make_tuple(level.price.to_double(), level.size.to_double()));
    }
    return out;
}

std::string apply(InstrumentBook& book, nb::handle event) {
    kf_event under{};
    if (!event_under(event.ptr(), under)) throw nb::python_error();
    return name_of(apply_to_book(book, under));
}

}  // namespace

BookChange apply_to_book(InstrumentBook& book, const kf_event& raw) {
    Event event;
    static_cast<kf_event&>(event) = raw;
    BookChange change = BookChange::MALFORMED;
    if (const auto* snapshot = event.as<BookSnapshot>()) {
        change = book.apply(*snapshot, event.tail<BookSnapshot>());
        book.instrument = snapshot->instrument;
        book.time = snapshot->time;
    } else if (const auto* delta = event.as<BookDelta>()) {
        change = book.apply(*delta, event.tail<BookDelta>());
        book.instrument = delta->instrument;
        if (change == BookChange::APPLIED) book.time = delta->time;
    }
    return change;
}

void bind_book(nb::module_& m) {
    nb::class_<InstrumentBook>(m, "OrderBook",
                               "The order book of one instrument, kept from snapshots and deltas.")
        .def(nb::init<>())
        .def("apply", &apply, nb::arg("event"),
             "Take a BookSnapshot or BookDelta; says what became of it: applied, pending, stale, gap or "
             "malformed.")
        .def_ro("instrument", &InstrumentBook::instrument, "The instrument's id; 0 before the first event.")
        .def_ro("time", &InstrumentBook::time, "The venue's time of the last change.")
        .def_prop_ro("known", &InstrumentBook::known, "False before a snapshot and after a gap.")
        .def_prop_ro("update_id", &InstrumentBook::update_id, "The venue's sequence that the book stands at.")
        .def_prop_ro("crossed", &InstrumentBook::crossed, "Best bid at or above best offer.")
        .def_prop_ro(
            "bid_price", [](const InstrumentBook& b) { return b.best_bid().price.to_double(); },
            "Best bid; NaN if there is none.")
        .def_prop_ro(
            "bid_size", [](const InstrumentBook& b) { return b.best_bid().size.to_double(); }, "Size there.")
        .def_prop_ro(
            "ask_price", [](const InstrumentBook& b) { return b.best_ask().price.to_double(); },
            "Best offer; NaN if there is none.")
        .def_prop_ro(
            "ask_size", [](const InstrumentBook& b) { return b.best_ask().size.to_double(); }, "Size there.")
        .def_prop_ro(
            "best_bid_exact", [](const InstrumentBook& b) { return exact(b.best_bid()); },
            "(price, size) as Decimals, or None.")
        .def_prop_ro(
            "best_ask_exact", [](const InstrumentBook& b) { return exact(b.best_ask()); },
            "(price, size) as Decimals, or None.")
        .def(
            "bids", [](const InstrumentBook& b, std::size_t n) { return levels(b, Side::BUY, n); },
            nb::arg("depth") = 10, "The best levels as (price, size) floats, best first.")
        .def(
            "asks", [](const InstrumentBook& b, std::size_t n) { return levels(b, Side::SELL, n); },
            nb::arg("depth") = 10, "The best levels as (price, size) floats, best first.");
}

}  // namespace kungfu::python
