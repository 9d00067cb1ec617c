/// Writing and reading journals from Python.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_journal(nb::module_& m);

}  // namespace kungfu::python
