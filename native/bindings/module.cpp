/// The extension module `kungfu_core._native`: one bind_ function for each part of the core.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string_view.h>

#include "bindings/book.hpp"
#include "bindings/broker.hpp"
#include "bindings/clock.hpp"
#include "bindings/compression.hpp"
#include "bindings/history.hpp"
#include "bindings/journal.hpp"
#include "bindings/journal_care.hpp"
#include "bindings/layout.hpp"
#include "bindings/limits.hpp"
#include "bindings/session.hpp"
#include "bindings/strategy_host.hpp"
#include "bindings/view.hpp"
#include "kungfu/events.hpp"
#include "kungfu/id.hpp"

namespace nb = nanobind;

NB_MODULE(_native, m) {
    // The event classes and their layouts live until the interpreter is gone, which is no leak.
    nb::set_leak_warnings(false);
    m.doc() = "The native core: journal, clock, broker.";
    m.attr("ABI_VERSION") = KF_ABI_VERSION;
    m.attr("LAYOUT_HASH") = kungfu::kLayoutHash;
    m.def("id_of", &kungfu::id_of, nb::arg("name"), "The 64-bit id of a canonical name.");
    kungfu::python::bind_layout(m);
    kungfu::python::bind_view(m);
    kungfu::python::bind_book(m);
    kungfu::python::bind_broker(m);
    kungfu::python::bind_clock(m);
    kungfu::python::bind_compression(m);
    kungfu::python::bind_history(m);
    kungfu::python::bind_journal(m);
    kungfu::python::bind_journal_care(m);
    kungfu::python::bind_strategy_host(m);
    kungfu::python::bind_limits(m);
    kungfu::python::bind_session(m);
}
