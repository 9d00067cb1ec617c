/// A native component as the capsule that a runner takes.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <utility>

#include "kungfu/component.hpp"

namespace kungfu::python {

namespace nb = nanobind;

/// The capsule frees the component unless a runner took it over, which renames the capsule.
inline nb::object component_capsule(std::unique_ptr<Component> component) {
    kf_component* table = export_component(std::move(component));
    PyObject* capsule = PyCapsule_New(table, KF_COMPONENT_CAPSULE, [](PyObject* self) {
        if (!PyCapsule_IsValid(self, KF_COMPONENT_CAPSULE)) return;
        auto* untaken = static_cast<kf_component*>(PyCapsule_GetPointer(self, KF_COMPONENT_CAPSULE));
        untaken->destroy(untaken->self);
    });
    if (capsule != nullptr) return nb::steal(capsule);
    table->destroy(table->self);
    throw nb::python_error();
}

}  // namespace kungfu::python
