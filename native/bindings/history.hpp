/// Reading back past events of one type and instrument.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_history(nb::module_& m);

}  // namespace kungfu::python
