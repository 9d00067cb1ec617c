/// The native broker for Python: its configuration, and plugin risk checks inside its chain.
#pragma once

#include <nanobind/nanobind.h>

namespace kungfu::python {

void bind_broker(nanobind::module_& m);

}  // namespace kungfu::python
