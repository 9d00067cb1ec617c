/// The compression of pages for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

namespace nb = nanobind;

void bind_compression(nb::module_& m);

}  // namespace kungfu::python
