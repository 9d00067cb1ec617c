/// Status codes of the journal as the exceptions of kungfu_core.errors.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "journal/status.hpp"

namespace kungfu::python {

namespace nb = nanobind;

/// Raises JournalLocked, JournalCorrupt or JournalError with the text.
[[noreturn]] inline void raise_journal_error(std::int32_t status, const std::string& text) {
    const char* name = status == journal::kLocked    ? "JournalLocked"
                       : status == journal::kCorrupt ? "JournalCorrupt"
                                                     : "JournalError";
    const nb::object error = nb::module_::import_("kungfu_core.errors").attr(name);
    const std::string message = text.empty() ? "journal: status " + std::to_string(status) : text;
    PyErr_SetString(error.ptr(), message.c_str());
    throw nb::python_error();
}

}  // namespace kungfu::python
