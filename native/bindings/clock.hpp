/// The clock for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_clock(nb::module_& m);

}  // namespace kungfu::python
