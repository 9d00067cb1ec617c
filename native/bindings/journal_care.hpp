/// Verifying, repairing and pruning journals from Python.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_journal_care(nb::module_& m);

}  // namespace kungfu::python
