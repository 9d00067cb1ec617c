#include "bindings/clock.hpp"

#include <cstdint>

#include "clock/clock.hpp"

namespace kungfu::python {

void bind_clock(nb::module_& m) {
    nb::class_<Clock>(m, "Clock",
                      "Nanoseconds since 1970 UTC that never go back; the system's, or simulated.")
        .def(
            "__init__",
            [](Clock* self, nb::handle start) {
                if (start.is_none()) {
                    new (self) Clock();
                } else {
                    new (self) Clock(Clock::Kind::SIMULATED, nb::cast<std::int64_t>(start));
                }
            },
            nb::arg("simulated_from").none() = nb::none())
        .def("now", &Clock::now)
        .def("set", &Clock::set, nb::arg("time"),
             "Move simulated time forward; an earlier time changes nothing.")
        .def_prop_ro("simulated", [](const Clock& c) { return c.kind() == Clock::Kind::SIMULATED; })
        .def_prop_ro(
            "source",
            [](const Clock& c) {
                constexpr const char* kNames[] = {"simulated", "kernel", "counter"};
                return kNames[static_cast<std::uint8_t>(c.source())];
            },
            "Where the time comes from at present: \"simulated\", \"kernel\" or \"counter\".")
        .def("error_bound", &Clock::error_bound,
             "What now() differs from the system's clock by at most, ns, unless that was set, or its rate\n"
             "changed, in the 10 ms before.")
        .def_prop_ro(
            "steps", [](const Clock& c) { return c.steps().count; },
            "How often the system's clock was seen to be set, in this process.")
        .def_prop_ro(
            "last_step", [](const Clock& c) { return c.steps().last; },
            "By how much the system's clock was set the last time, ns; 0 if it was not.")
        .def_static("monotonic", &Clock::monotonic_now, "For intervals; unrelated to the calendar.");
}

}  // namespace kungfu::python
