#include "bindings/view.hpp"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>

#include "bindings/layout.hpp"
#include "kungfu/number.hpp"

namespace kungfu::python {

namespace {

enum class Reading : std::uint8_t {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    BOOL,
    ENUM,
    NUMBER,
    NUMBER_EXACT,
    MONEY,
    MONEY_EXACT,
    MONEY_RAW,
    TEXT,
    TAIL_TEXT,
    TAIL_BYTES,
    TAIL_ITEMS,
    JOURNAL
};

struct FieldObject {
    PyObject_HEAD Reading reading;
    std::uint32_t offset;  // from the start of the frame
    std::uint32_t exponent_offset;
    std::uint32_t high_offset;
    std::uint32_t width;
    PyObject* detail;  // ENUM: tuple of members by value; TAIL_ITEMS: view class of the items
    PyObject* doc;
};

// Set once while the module is made, never changed after.
PyObject* view_type = nullptr;
PyObject* field_type = nullptr;

const std::unordered_map<std::string, Reading>& readings() {
    static const std::unordered_map<std::string, Reading> table = {{"u8", Reading::U8},
                                                                   {"i8", Reading::I8},
                                                                   {"u16", Reading::U16},
                                                                   {"i16", Reading::I16},
                                                                   {"u32", Reading::U32},
                                                                   {"i32", Reading::I32},
                                                                   {"u64", Reading::U64},
                                                                   {"i64", Reading::I64},
                                                                   {"id", Reading::U64},
                                                                   {"time", Reading::I64},
                                                                   {"bool", Reading::BOOL},
                                                                   {"enum", Reading::ENUM},
                                                                   {"number", Reading::NUMBER},
                                                                   {"number_exact", Reading::NUMBER_EXACT},
                                                                   {"money", Reading::MONEY},
                                                                   {"money_exact", Reading::MONEY_EXACT},
                                                                   {"money_raw", Reading::MONEY_RAW},
                                                                   {"text", Reading::TEXT},
                                                                   {"tail_text", Reading::TAIL_TEXT},
                                                                   {"tail_bytes", Reading::TAIL_BYTES},
                                                                   {"tail_items", Reading::TAIL_ITEMS},
                                                                   {"journal", Reading::JOURNAL}};
    return table;
}

template <class T>
T load(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

int128 load_money(const FieldObject* field, const char* base) {
    return Money::from_words(load<std::uint64_t>(base + field->offset),
                             load<std::int64_t>(base + field->high_offset), 0)
        .mantissa;
}

PyObject* read_money_float(int128 mantissa, int exponent) {
    if (exponent == kNoneExponent) return PyFloat_FromDouble(std::numeric_limits<double>::quiet_NaN());
    const auto narrow = static_cast<std::int64_t>(mantissa);
    if (narrow == mantissa) return PyFloat_FromDouble(nearest_double(narrow, exponent));
    const std::string text = to_text(mantissa, 0) + "e" + std::to_string(exponent);
    return PyFloat_FromDouble(std::strtod(text.c_str(), nullptr));
}

PyObject* read_raw_money(int128 mantissa) {
    return PyLong_FromString(to_text(mantissa, 0).c_str(), nullptr, 10);
}

PyObject* read_enum(const FieldObject* field, const char* at) {
    const auto value = load<std::uint8_t>(at);
    if (value < PyTuple_Size(field->detail)) {
        PyObject* member = PyTuple_GetItem(field->detail, value);
        if (member != Py_None) return Py_NewRef(member);
    }
    return PyLong_FromLong(value);
}

PyObject* read_items(const FieldObject* field, const ViewObject* view, std::uint32_t start) {
    const Layout* item = layout_of(field->detail);
    if (item == nullptr) return nullptr;
    const char* at = reinterpret_cast<const char*>(view->frame + 1) + start;
    const Py_ssize_t count = item->size == 0 ? 0 : (view->length - start) / item->size;
    nb::object items = nb::steal(PyTuple_New(count));
    if (!items.is_valid()) return nullptr;
    std::vector<char> frame(sizeof(kf_frame) + item->size);
    for (Py_ssize_t i = 0; i < count; ++i) {
        std::memcpy(frame.data() + sizeof(kf_frame), at + i * item->size, item->size);
        kf_event event{reinterpret_cast<const kf_frame*>(frame.data()), view->journal, 0, item->size};
        PyObject* made = new_view(field->detail, event);
        if (made == nullptr || !keep(reinterpret_cast<ViewObject*>(made))) return nullptr;
        PyTuple_SetItem(items.ptr(), i, made);
    }
    return items.release().ptr();
}

PyObject* read_tail(const FieldObject* field, const ViewObject* view) {
    PyTypeObject* type = Py_TYPE(const_cast<PyObject*>(reinterpret_cast<const PyObject*>(view)));
    const Layout* layout = layout_of(reinterpret_cast<PyObject*>(type));
    if (layout == nullptr) return nullptr;
    const std::uint32_t start = layout->size < view->length ? layout->size : view->length;
    const char* at = reinterpret_cast<const char*>(view->frame + 1) + start;
    const auto size = static_cast<Py_ssize_t>(view->length - start);
    if (field->reading == Reading::TAIL_TEXT) return PyUnicode_DecodeUTF8(at, size, "replace");
    if (field->reading == Reading::TAIL_BYTES) return PyBytes_FromStringAndSize(at, size);
    return read_items(field, view, start);
}

PyObject* read_field(const FieldObject* field, const ViewObject* view) {
    const char* base = reinterpret_cast<const char*>(view->frame);
    const char* at = base + field->offset;
    switch (field->reading) {
        case Reading::NUMBER: {
            const Number number{load<std::int64_t>(at), load<std::int8_t>(base + field->exponent_offset)};
            return PyFloat_FromDouble(number.to_double());
        }
        case Reading::ENUM: return read_enum(field, at);
        case Reading::U64: return PyLong_FromUnsignedLongLong(load<std::uint64_t>(at));
        case Reading::I64: return PyLong_FromLongLong(load<std::int64_t>(at));
        case Reading::BOOL: return PyBool_FromLong(*at);
        case Reading::U8: return PyLong_FromLong(load<std::uint8_t>(at));
        case Reading::I8: return PyLong_FromLong(load<std::int8_t>(at));
        case Reading::U16: return PyLong_FromLong(load<std::uint16_t>(at));
        case Reading::I16: return PyLong_FromLong(load<std::int16_t>(at));
        case Reading::U32: return PyLong_FromUnsignedLong(load<std::uint32_t>(at));
        case Reading::I32: return PyLong_FromLong(load<std::int32_t>(at));
        case Reading::NUMBER_EXACT:
            return read_decimal(load<std::int64_t>(at), load<std::int8_t>(base + field->exponent_offset));
        case Reading::MONEY:
            return read_money_float(load_money(field, base),
                                    load<std::int8_t>(base + field->exponent_offset));
        case Reading::MONEY_EXACT:
            return read_decimal(load_money(field, base), load<std::int8_t>(base + field->exponent_offset));
        case Reading::MONEY_RAW: return read_raw_money(load_money(field, base));
        case Reading::TEXT: return read_text(at, field->width);
        case Reading::JOURNAL: return PyLong_FromUnsignedLongLong(view->journal);
        case Reading::TAIL_TEXT:
        case Reading::TAIL_BYTES:
        case Reading::TAIL_ITEMS: return read_tail(field, view);
    }
    Py_UNREACHABLE();
}

PyObject* field_get(PyObject* self, PyObject* object, PyObject*) {
    if (object == nullptr || object == Py_None) return Py_NewRef(self);
    if (!PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(view_type))) {
        PyErr_SetString(PyExc_TypeError, "Field is an attribute of event views only");
        return nullptr;
    }
    return read_field(reinterpret_cast<FieldObject*>(self), reinterpret_cast<ViewObject*>(object));
}

/// Field(reading, offset, exponent_offset=0, high_offset=0, width=0, detail=None, doc="")
PyObject* field_new(PyTypeObject* type, PyObject* args, PyObject*) {
    const char* reading = nullptr;
    unsigned offset = 0;
    unsigned exponent_offset = 0;
    unsigned high_offset = 0;
    unsigned width = 0;
    PyObject* detail = Py_None;
    PyObject* doc = Py_None;
    if (!PyArg_ParseTuple(args, "sI|IIIOO", &reading, &offset, &exponent_offset, &high_offset, &width,
                          &detail, &doc)) {
        return nullptr;
    }
    const auto found = readings().find(reading);
    if (found == readings().end()) {
        PyErr_Format(PyExc_ValueError, "unknown reading %s", reading);
        return nullptr;
    }
    auto* self = reinterpret_cast<FieldObject*>(PyType_GenericAlloc(type, 0));
    if (self == nullptr) return nullptr;
    self->reading = found->second;
    self->offset = offset;
    self->exponent_offset = exponent_offset;
    self->high_offset = high_offset;
    self->width = width;
    self->detail = Py_NewRef(detail);
    self->doc = Py_NewRef(doc);
    return reinterpret_cast<PyObject*>(self);
}

void free_object(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

void field_dealloc(PyObject* self) {
    Py_XDECREF(reinterpret_cast<FieldObject*>(self)->detail);
    Py_XDECREF(reinterpret_cast<FieldObject*>(self)->doc);
    free_object(self);
}

PyObject* field_doc(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<FieldObject*>(self)->doc); }

PyGetSetDef field_getset[] = {{"__doc__", field_doc, nullptr, nullptr, nullptr},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};

/// Places keyword arguments behind the positional ones, by field name.
bool place_keywords(const Layout& layout, PyObject* kwargs, std::vector<PyObject*>& values) {
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(kwargs, &position, &key, &value)) {
        const char* name = PyUnicode_AsUTF8AndSize(key, nullptr);
        if (name == nullptr) return false;
        std::size_t at = layout.fields.size();
        for (std::size_t i = 0; i < layout.fields.size(); ++i) {
            if (layout.fields[i].name == name) at = i;
        }
        const bool tail =
            at == layout.fields.size() && layout.tail != TailKind::NONE && layout.tail_name == name;
        if (at == layout.fields.size() && !tail) {
            PyErr_Format(PyExc_TypeError, "%s has no field %R", layout.name.c_str(), key);
            return false;
        }
        if (values[at] != nullptr) {
            PyErr_Format(PyExc_TypeError, "%s: field %R given twice", layout.name.c_str(), key);
            return false;
        }
        values[at] = value;
    }
    return true;
}

PyObject* view_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    const Layout* layout = layout_of(reinterpret_cast<PyObject*>(type));
    if (layout == nullptr) return nullptr;
    const auto given = static_cast<std::size_t>(PyTuple_Size(args));
    const std::size_t most = layout->fields.size() + (layout->tail == TailKind::NONE ? 0 : 1);
    std::vector<PyObject*> values(given > most ? given : most, nullptr);
    for (std::size_t i = 0; i < given; ++i) values[i] = PyTuple_GetItem(args, static_cast<Py_ssize_t>(i));
    if (kwargs != nullptr && !place_keywords(*layout, kwargs, values)) return nullptr;
    std::vector<char> payload;
    if (!encode(*layout, values.data(), values.size(), payload)) return nullptr;
    std::vector<char> frame(sizeof(kf_frame));
    frame.insert(frame.end(), payload.begin(), payload.end());
    auto* header = reinterpret_cast<kf_frame*>(frame.data());
    header->type = layout->number;
    const kf_event event{header, 0, layout->number, static_cast<std::uint32_t>(payload.size())};
    PyObject* self = new_view(reinterpret_cast<PyObject*>(type), event);
    if (self != nullptr && !keep(reinterpret_cast<ViewObject*>(self))) {
        Py_DECREF(self);
        return nullptr;
    }
    return self;
}

void view_dealloc(PyObject* self) {
    std::free(reinterpret_cast<ViewObject*>(self)->owned);
    free_object(self);
}

/// The payload's bytes.
PyObject* view_bytes(PyObject* self, PyObject*) {
    auto* view = reinterpret_cast<ViewObject*>(self);
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(view->frame + 1), view->length);
}

PyMethodDef view_methods[] = {
    {"__bytes__", view_bytes, METH_NOARGS, "The payload as it stands in the journal."},
    {nullptr, nullptr, 0, nullptr}};

PyObject* make_type(const char* name, int size, unsigned flags, PyType_Slot* slots) {
    PyType_Spec spec = {name, size, 0, flags, slots};
    return PyType_FromSpec(&spec);
}

}  // namespace

PyObject* new_view(PyObject* view_class, const kf_event& event) {
    auto* self =
        reinterpret_cast<ViewObject*>(PyType_GenericAlloc(reinterpret_cast<PyTypeObject*>(view_class), 0));
    if (self == nullptr) return nullptr;
    self->frame = event.frame;
    self->journal = event.journal;
    self->length = event.length;
    self->type = event.type;
    self->owned = nullptr;
    return reinterpret_cast<PyObject*>(self);
}

bool keep(ViewObject* view) {
    if (view->owned != nullptr) return true;
    const std::size_t size = sizeof(kf_frame) + view->length;
    view->owned = static_cast<char*>(std::malloc(size));
    if (view->owned == nullptr) {
        PyErr_NoMemory();
        return false;
    }
    std::memcpy(view->owned, view->frame, size);
    view->frame = reinterpret_cast<const kf_frame*>(view->owned);
    return true;
}

bool event_under(PyObject* object, kf_event& event) {
    if (!PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(view_type))) {
        PyErr_Format(PyExc_TypeError, "expected an event, got %R", object);
        return false;
    }
    const auto* view = reinterpret_cast<ViewObject*>(object);
    event = {view->frame, view->journal, view->type, view->length};
    return true;
}

ViewPool::ViewPool(const nb::list& classes) {
    for (nb::handle view_class : classes) {
        const Layout* layout = layout_of(view_class.ptr());
        if (layout == nullptr) throw nb::python_error();
        if (slots_.size() <= layout->number) slots_.resize(layout->number + 1);
        slots_[layout->number].size = layout->size;
        slots_[layout->number].view_class = view_class.inc_ref().ptr();
        numbers_.push_back(layout->number);
    }
}

ViewPool::~ViewPool() {
    settle();
    for (Slot& slot : slots_) {
        Py_XDECREF(slot.views[0]);
        Py_XDECREF(slot.views[1]);
        Py_XDECREF(slot.view_class);
    }
}

PyObject* ViewPool::view(const kf_event& event) {
    if (event.type >= slots_.size() || slots_[event.type].view_class == nullptr) return nullptr;
    Slot& slot = slots_[event.type];
    if (event.length < slot.size) return nullptr;
    PyObject*& mine = slot.views[slot.turn];
    slot.turn ^= 1U;
    if (mine != nullptr && Py_REFCNT(mine) == 1) {
        auto* view = reinterpret_cast<ViewObject*>(mine);
        if (view->owned != nullptr) {
            std::free(view->owned);
            view->owned = nullptr;
        }
        view->frame = event.frame;
        view->journal = event.journal;
        view->length = event.length;
        view->type = event.type;
        return mine;
    }
    if (mine != nullptr) {
        if (!keep(reinterpret_cast<ViewObject*>(mine))) return nullptr;
        Py_DECREF(mine);
    }
    mine = new_view(slot.view_class, event);
    return mine;
}

void ViewPool::settle() {
    for (const std::uint32_t number : numbers_) {
        for (PyObject* view : slots_[number].views) {
            if (view != nullptr && Py_REFCNT(view) > 1 && !keep(reinterpret_cast<ViewObject*>(view))) {
                PyErr_WriteUnraisable(view);
            }
        }
    }
}

void bind_view(nb::module_& m) {
    PyType_Slot view_slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(view_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(view_dealloc)},
        {Py_tp_methods, view_methods},
        {Py_tp_doc, const_cast<char*>("An event: its fields are read from the frame under it.")},
        {0, nullptr}};
    view_type = make_type("kungfu_core._native.View", sizeof(ViewObject),
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, view_slots);
    PyType_Slot field_slots[] = {{Py_tp_new, reinterpret_cast<void*>(field_new)},
                                 {Py_tp_dealloc, reinterpret_cast<void*>(field_dealloc)},
                                 {Py_tp_descr_get, reinterpret_cast<void*>(field_get)},
                                 {Py_tp_getset, field_getset},
                                 {0, nullptr}};
    field_type = make_type("kungfu_core._native.Field", sizeof(FieldObject), Py_TPFLAGS_DEFAULT, field_slots);
    if (view_type == nullptr || field_type == nullptr) throw nb::python_error();
    m.attr("View") = nb::handle(view_type);
    m.attr("Field") = nb::handle(field_type);
    m.attr("FRAME_HEADER_SIZE") = sizeof(kf_frame);
}

}  // namespace kungfu::python
