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
        .def_static("monotonic", &Clock::monotonic_now, "For intervals; unrelated to the calendar.");
}

}  // namespace kungfu::python
