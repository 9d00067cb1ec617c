#include "bindings/history.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bindings/book.hpp"
#include "bindings/errors.hpp"
#include "bindings/layout.hpp"
#include "bindings/types.hpp"
#include "bindings/view.hpp"
#include "journal/reader.hpp"

namespace kungfu::python {

namespace {

/// root, source, name, scope, and the last sequence that may be given.
using Bounded = std::tuple<std::string, std::string, std::string, std::string, std::uint64_t>;

nb::object kept_view(nb::handle view_class, const kf_event& event) {
    nb::object view = nb::steal(new_view(view_class.ptr(), event));
    if (!view.is_valid() || !keep(reinterpret_cast<ViewObject*>(view.ptr()))) throw nb::python_error();
    return view;
}

/// The instrument is the first member of every event that can be asked for; 0 asks for all.
bool concerns(const kf_event& event, std::uint32_t type, std::uint32_t size, std::uint64_t instrument) {
    if (event.type != type || event.length < size) return false;
    std::uint64_t found = 0;
    std::memcpy(&found, event.frame + 1, sizeof found);
    return instrument == 0 || found == instrument;
}

/// Hands every event that may be known to `take`, merged by time: what is older than `before`, and what is
/// not past its journal's bound.
template <class Take>
void read_known(const TypeRows& types, const std::vector<Bounded>& journals, std::int64_t since,
                std::int64_t before, Take&& take) {
    journal::Reader reader(type_definitions(types));
    std::unordered_map<std::uint64_t, std::uint64_t> bounds;
    for (const auto& [root, source, name, scope, up_to] : journals) {
        const journal::Location location{root, source, name, scope};
        const std::int32_t status = reader.join_from_time(location, since);
        if (status != KF_OK) raise_journal_error(status, reader.error());
        bounds[location.id()] = up_to;
    }
    std::unordered_set<std::uint64_t> past;
    kf_event event{};
    while (reader.next(event)) {
        if (event.frame->gen_time < before || event.frame->sequence <= bounds[event.journal]) {
            take(event);
        } else {
            past.insert(event.journal);
            if (past.size() == journals.size()) break;
        }
    }
    if (reader.status() != KF_OK) raise_journal_error(reader.status(), reader.error());
}

nb::list read_events(const TypeRows& types, const std::vector<Bounded>& journals, nb::handle view_class,
                     std::uint64_t instrument, std::int64_t since, std::int64_t before, std::size_t count) {
    const Layout* layout = layout_of(view_class.ptr());
    if (layout == nullptr) throw nb::python_error();
    std::deque<nb::object> found;
    read_known(types, journals, since, before, [&](const kf_event& event) {
        if (!concerns(event, layout->number, layout->size, instrument)) return;
        found.push_back(kept_view(view_class, event));
        if (found.size() > count) found.pop_front();
    });
    nb::list out;
    for (const nb::object& view : found) out.append(view);
    return out;
}

void read_book(const TypeRows& types, const std::vector<Bounded>& journals, InstrumentBook& book,
               std::uint64_t instrument, std::int64_t before) {
    read_known(types, journals, 0, before, [&](const kf_event& event) {
        if (concerns(event, BookSnapshot::kType, sizeof(BookSnapshot), instrument) ||
            concerns(event, BookDelta::kType, sizeof(BookDelta), instrument)) {
            apply_to_book(book, event);
        }
    });
}

}  // namespace

void bind_history(nb::module_& m) {
    m.def(
        "read_events", &read_events, nb::arg("types"), nb::arg("journals"), nb::arg("view_class"),
        nb::arg("instrument"), nb::arg("since"), nb::arg("before"), nb::arg("count"),
        "The last `count` events of a class and instrument (0 for all) from `since` on that are older than\n"
        "`before` or not past their journal's bound; journals are (root, source, name, scope, last "
        "sequence).");
    m.def("read_book", &read_book, nb::arg("types"), nb::arg("journals"), nb::arg("book"),
          nb::arg("instrument"), nb::arg("before"),
          "Bring an OrderBook to where the journals leave it; arguments as for read_events.");
}

}  // namespace kungfu::python
