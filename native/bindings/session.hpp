/// Wiring and Runner for Python: a session puts its components together from these.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_session(nb::module_& m);

}  // namespace kungfu::python
