#include "bindings/session.hpp"

#include <nanobind/stl/shared_ptr.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/errors.hpp"
#include "bindings/types.hpp"
#include "bindings/view.hpp"
#include "component/runner.hpp"
#include "component/wiring.hpp"

namespace kungfu::python {

namespace {

/// The clock is held with the wiring that uses it (the third argument of __new__, the class being the first).
std::shared_ptr<Wiring> make_wiring(const std::string& source, Clock& clock, const TypeRows& types) {
    return std::make_shared<Wiring>(source, &clock, type_definitions(types));
}

void join(Wiring& wiring, const std::string& root, const std::string& source, const std::string& name,
          const std::string& scope, std::int64_t from_time) {
    const journal::Location location{root, source, name, scope};
    const std::int32_t status = wiring.inputs().join_from_time(location, from_time);
    if (status != KF_OK) raise_journal_error(status, wiring.inputs().error());
}

void open_output(Wiring& wiring, Clock& clock, const std::string& root, const std::string& name,
                 const TypeRows& types, std::uint64_t page_size) {
    journal::WriterOptions options;
    options.root = root;
    options.source = wiring.source();
    options.name = name;
    options.page_size = page_size;
    options.types = type_definitions(types);
    options.clock = &clock;
    std::unique_ptr<journal::Writer> writer;
    std::string error;
    const std::int32_t status = journal::Writer::open(std::move(options), writer, error);
    if (status != KF_OK) raise_journal_error(status, error);
    wiring.add_output(std::move(writer));
}

void append_event(Wiring& wiring, nb::handle object, std::uint32_t output, std::uint64_t destination) {
    kf_event event{};
    if (!event_under(object.ptr(), event)) throw nb::python_error();
    const kf_port* port = wiring.port();
    const std::int32_t status =
        port->append(port->self, output, event.type, destination, nullptr, event.frame + 1, event.length);
    if (status != KF_OK) raise_journal_error(status, wiring.error());
}

void add(Runner& runner, nb::capsule component, std::shared_ptr<Wiring> wiring) {
    if (!PyCapsule_IsValid(component.ptr(), KF_COMPONENT_CAPSULE)) {
        throw nb::type_error("expected a capsule named " KF_COMPONENT_CAPSULE);
    }
    auto* table = static_cast<kf_component*>(PyCapsule_GetPointer(component.ptr(), KF_COMPONENT_CAPSULE));
    if (!runner.add(table, std::move(wiring))) throw nb::value_error(runner.error().c_str());
    // The runner owns the component now; the capsule must not hand it out again.
    PyCapsule_SetName(component.ptr(), KF_COMPONENT_CAPSULE ".taken");
}

void must(Runner& runner, bool done) {
    if (!done) throw std::runtime_error(runner.error());
}

std::int64_t simulate(Runner& runner, std::int64_t until, std::int64_t budget) {
    const std::int64_t handled = runner.simulate(until, budget);
    must(runner, handled >= 0);
    return handled;
}

}  // namespace

void bind_session(nb::module_& m) {
    nb::class_<Wiring>(m, "Wiring", "What ties a component to its journals.")
        .def(nb::new_(&make_wiring), nb::arg("source"), nb::arg("clock"), nb::arg("types"),
             nb::keep_alive<0, 3>())
        .def("join", &join, nb::arg("root"), nb::arg("source"), nb::arg("name"), nb::arg("scope") = "",
             nb::arg("from_time") = 0, "Read a journal too, from the first event at `from_time` on.")
        .def("open_output", &open_output, nb::arg("clock"), nb::arg("root"), nb::arg("name"),
             nb::arg("types"), nb::arg("page_size"), "Write one more journal, under the wiring's source.")
        .def(
            "define_name",
            [](Wiring& w, std::uint8_t kind, std::uint64_t id, const std::string& text) {
                for (std::size_t i = 0; i < w.output_count(); ++i) {
                    const std::int32_t status = w.output(i).define_name(kind, id, text);
                    if (status != KF_OK) raise_journal_error(status, w.output(i).error());
                }
            },
            nb::arg("kind"), nb::arg("id"), nb::arg("text"), "Journal the name behind an id in all outputs.")
        .def(
            "output_id", [](Wiring& w, std::size_t i) { return w.output(i).id(); }, nb::arg("output") = 0)
        .def(
            "output_sequence", [](Wiring& w, std::size_t i) { return w.output(i).last_sequence(); },
            nb::arg("output") = 0)
        .def("append", &append_event, nb::arg("event"), nb::arg("output") = 0, nb::arg("destination") = 0)
        .def(
            "announce_start",
            [](Wiring& w, std::uint8_t kind) { w.announce_start(static_cast<ComponentKind>(kind)); },
            nb::arg("kind"), "Give the component to read that it starts, and journal it.")
        .def("close", &Wiring::close, "Journal what was read and close the outputs.")
        .def_prop_ro("since_snapshot", &Wiring::since_snapshot,
                     "How many events were read and said since the last snapshot, in a rebuild too.")
        .def_prop_ro("source", &Wiring::source);

    nb::class_<Runner>(m, "Runner", "Drives components in turn on one thread.")
        .def(
            "__init__",
            [](Runner* self, Clock& clock, std::uint64_t every) { new (self) Runner(&clock, every); },
            nb::arg("clock"), nb::arg("snapshot_every") = Runner::kSnapshotEvery, nb::keep_alive<1, 2>())
        .def("add", &add, nb::arg("component"), nb::arg("wiring"), nb::keep_alive<1, 3>())
        .def("start", [](Runner& r) { must(r, r.start()); })
        .def(
            "rebuild", [](Runner& r, std::size_t member) { must(r, r.rebuild(member)); }, nb::arg("member"),
            "Bring a component (by its number) back to where its journal ends, and keep snapshots of it.")
        .def(
            "take_snapshot", [](Runner& r, std::size_t member) { must(r, r.take_snapshot(member)); },
            nb::arg("member"), "Keep a component's state, so that the next rebuild is short.")
        .def(
            "turn",
            [](Runner& r) {
                const std::int64_t handled = r.turn();
                must(r, handled >= 0);
                return handled;
            },
            "Poll all components once, in real time; says how much was done.")
        .def("simulate", &simulate, nb::arg("until"), nb::arg("budget"),
             "Handle up to `budget` events of simulated time before `until`; says how many.")
        .def("next_time", &Runner::next_time, "When something happens next; 2**63-1 if nothing does.")
        .def("stop", [](Runner& r) { must(r, r.stop()); })
        .def("close", &Runner::close, "Close all journals, after a failure too.");
}

}  // namespace kungfu::python
