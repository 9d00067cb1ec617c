/// Python objects over frames: `View` (the base of every event class) and `Field` (its attributes).
///
/// A view costs no allocation per event: a pool hands the same object out again unless somebody kept
/// it, in which case that one gets a copy of its frame and the pool makes a new one.
#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <vector>

#include "kungfu/abi.h"

namespace kungfu::python {

namespace nb = nanobind;

struct ViewObject {
    PyObject_HEAD const kf_frame* frame;  // the payload follows; points into a mapped page unless `owned`
    std::uint64_t journal;
    std::uint32_t length;
    std::uint32_t type;  // as in kf_event
    char* owned;
};

/// A new view of the given class over an event; nullptr with an exception set if memory ran out.
PyObject* new_view(PyObject* view_class, const kf_event& event);

/// Gives a view a copy of its frame, so that it outlives the page; false if memory ran out.
bool keep(ViewObject* view);

/// The event under a view object; false with TypeError set if the object is none.
bool event_under(PyObject* object, kf_event& event);

/// View classes by type number, and the views that are in use again and again.
class ViewPool {
  public:
    /// `classes` are view classes; each says its number in `__layout__`.
    explicit ViewPool(const nb::list& classes);
    ~ViewPool();
    ViewPool(const ViewPool&) = delete;
    ViewPool& operator=(const ViewPool&) = delete;

    /// A view of the event, borrowed from the pool; nullptr without an exception if the type has no
    /// class or the payload is shorter than its type, with one if memory ran out. Two views of a type take
    /// turns, so that in a loop the last one is still whole while the next is made.
    PyObject* view(const kf_event& event);

    /// Copies what somebody still holds; call before the memory under the views goes.
    void settle();

  private:
    struct Slot {
        PyObject* view_class = nullptr;  // owned
        std::uint32_t size = 0;          // of the payload's fixed part
        std::array<PyObject*, 2> views = {nullptr, nullptr};
        unsigned turn = 0;
    };
    std::vector<Slot> slots_;             // by type number
    std::vector<std::uint32_t> numbers_;  // of the types that have a class
};

void bind_view(nb::module_& m);

}  // namespace kungfu::python
