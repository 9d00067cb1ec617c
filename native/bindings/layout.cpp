#include "bindings/layout.hpp"

#include <nanobind/stl/string.h>

#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "kungfu/id.hpp"

namespace kungfu::python {

namespace {

Kind kind_named(const std::string& name) {
    static const std::unordered_map<std::string, Kind> kinds = {
        {"u8", Kind::U8},         {"i8", Kind::I8},       {"u16", Kind::U16},   {"i16", Kind::I16},
        {"u32", Kind::U32},       {"i32", Kind::I32},     {"u64", Kind::U64},   {"i64", Kind::I64},
        {"id", Kind::U64},        {"time", Kind::I64},    {"bool", Kind::BOOL}, {"enum", Kind::ENUM},
        {"number", Kind::NUMBER}, {"money", Kind::MONEY}, {"text", Kind::TEXT}};
    const auto found = kinds.find(name);
    if (found == kinds.end()) throw nb::value_error(("unknown field kind " + name).c_str());
    return found->second;
}

PyObject* decimal_class() {
    static PyObject* const cls = nb::object(nb::module_::import_("decimal").attr("Decimal")).release().ptr();
    return cls;
}

bool fail(const FieldLayout& field, PyObject* value, const char* expected) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "%s: expected %s, got %R", field.name.c_str(), expected, value);
    return false;
}

template <class T>
bool write_integer(const FieldLayout& field, PyObject* value, char* at) {
    nb::object index;  // what stands for an integer but is none says which it is
    if (!PyLong_Check(value)) {
        index = nb::steal(PyNumber_Index(value));
        if (!index.is_valid()) return fail(field, value, "an integer");
    }
    PyObject* integer = index.is_valid() ? index.ptr() : value;
    using Wide = std::conditional_t<std::is_unsigned_v<T>, unsigned long long, long long>;
    Wide wide = 0;
    if constexpr (std::is_unsigned_v<T>) {
        wide = PyLong_AsUnsignedLongLong(integer);
    } else {
        wide = PyLong_AsLongLong(integer);
    }
    const bool failed = wide == static_cast<Wide>(-1) && PyErr_Occurred() != nullptr;
    const bool fits = !failed && wide <= static_cast<Wide>(std::numeric_limits<T>::max()) &&
                      wide >= static_cast<Wide>(std::numeric_limits<T>::min());
    if (!fits) return fail(field, value, "an integer that fits");
    const auto converted = static_cast<T>(wide);
    std::memcpy(at, &converted, sizeof converted);
    return true;
}

/// The characters of str or bytes, borrowed; of an int or Decimal, held by `holder`.
bool characters(PyObject* value, nb::object& holder, std::string_view& text) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_Check(value)) {
        if (PyBytes_AsStringAndSize(value, &data, &size) != 0) return false;
        text = {data, static_cast<std::size_t>(size)};
        return true;
    }
    if (!PyUnicode_Check(value)) {
        if (!PyLong_Check(value) && PyObject_IsInstance(value, decimal_class()) != 1) return false;
        holder = nb::steal(PyObject_Str(value));
        if (!holder.is_valid()) return false;
        value = holder.ptr();
    }
    const char* utf8 = PyUnicode_AsUTF8AndSize(value, &size);
    if (utf8 == nullptr) return false;
    text = {utf8, static_cast<std::size_t>(size)};
    return true;
}

template <class Value>
bool parse_value(const FieldLayout& field, PyObject* value,
                 NumberError (*parse)(std::string_view, Value&) noexcept, Value& out) {
    nb::object holder;
    std::string_view text;
    if (!characters(value, holder, text))
        return fail(field, value, "decimal text, an int, a Decimal or None");
    switch (parse(text, out)) {
        case NumberError::OK: return true;
        case NumberError::SYNTAX: return fail(field, value, "a decimal number");
        case NumberError::OVERFLOWED: return fail(field, value, "a number that fits exactly");
    }
    return false;
}

constexpr std::int64_t kNoInteger = std::numeric_limits<std::int64_t>::min();

bool write_text(const FieldLayout& field, PyObject* value, char* at) {
    nb::object holder;
    std::string_view text;
    if (value == Py_None) return true;
    if (!(PyBytes_Check(value) || PyUnicode_Check(value)) || !characters(value, holder, text)) {
        return fail(field, value, "text");
    }
    if (text.find('\0') != std::string_view::npos) return fail(field, value, "text without NUL");
    if (text.size() > field.width) {
        const std::string expected = "at most " + std::to_string(field.width) + " bytes of UTF-8";
        return fail(field, value, expected.c_str());
    }
    std::memcpy(at, text.data(), text.size());
    return true;
}

bool write_number(const FieldLayout& field, PyObject* value, char* payload) {
    Number number = Number::none();
    int overflow = 0;
    // An int needs no way through text; that of -2^63 is refused there, as it has no negative.
    const std::int64_t whole =
        PyLong_CheckExact(value) ? PyLong_AsLongLongAndOverflow(value, &overflow) : kNoInteger;
    if (whole != kNoInteger && overflow == 0) {
        number = {whole, 0};
    } else if (value != Py_None && !parse_value<Number>(field, value, parse_number, number)) {
        return false;
    }
    std::memcpy(payload + field.offset, &number.mantissa, sizeof number.mantissa);
    std::memcpy(payload + field.exponent_offset, &number.exponent, 1);
    return true;
}

bool write_money(const FieldLayout& field, PyObject* value, char* payload) {
    Money money = Money::none();
    if (value != Py_None && !parse_value<Money>(field, value, parse_money, money)) return false;
    const std::uint64_t low = money.low();
    const std::int64_t high = money.high();
    std::memcpy(payload + field.offset, &low, sizeof low);
    std::memcpy(payload + field.high_offset, &high, sizeof high);
    std::memcpy(payload + field.exponent_offset, &money.exponent, 1);
    return true;
}

bool write_bool(PyObject* value, char* at) {
    const int truth = PyObject_IsTrue(value);
    *at = truth == 1 ? '\1' : '\0';
    return truth >= 0;
}

bool write_field(const FieldLayout& field, PyObject* value, char* payload) {
    char* at = payload + field.offset;
    switch (field.kind) {
        case Kind::U8:
        case Kind::ENUM: return write_integer<std::uint8_t>(field, value, at);
        case Kind::I8: return write_integer<std::int8_t>(field, value, at);
        case Kind::U16: return write_integer<std::uint16_t>(field, value, at);
        case Kind::I16: return write_integer<std::int16_t>(field, value, at);
        case Kind::U32: return write_integer<std::uint32_t>(field, value, at);
        case Kind::I32: return write_integer<std::int32_t>(field, value, at);
        case Kind::U64: return write_integer<std::uint64_t>(field, value, at);
        case Kind::I64: return write_integer<std::int64_t>(field, value, at);
        case Kind::BOOL: return write_bool(value, at);
        case Kind::TEXT: return write_text(field, value, at);
        case Kind::NUMBER: return write_number(field, value, payload);
        case Kind::MONEY: return write_money(field, value, payload);
    }
    return false;
}

bool append_items(const Layout& layout, PyObject* value, std::vector<char>& payload) {
    const Layout* item = layout_of(layout.item_class.ptr());
    if (item == nullptr) return false;
    nb::object items = nb::steal(PySequence_Tuple(value));
    if (!items.is_valid()) return false;
    std::vector<char> encoded;
    std::vector<PyObject*> values;
    const Py_ssize_t count = PyTuple_Size(items.ptr());
    for (Py_ssize_t i = 0; i < count; ++i) {
        nb::object row = nb::steal(PySequence_Tuple(PyTuple_GetItem(items.ptr(), i)));
        if (!row.is_valid()) return false;
        values.clear();
        for (Py_ssize_t k = 0; k < PyTuple_Size(row.ptr()); ++k)
            values.push_back(PyTuple_GetItem(row.ptr(), k));
        if (!encode(*item, values.data(), values.size(), encoded)) return false;
        payload.insert(payload.end(), encoded.begin(), encoded.end());
    }
    return true;
}

bool append_tail(const Layout& layout, PyObject* value, std::vector<char>& payload) {
    if (value == Py_None) return true;
    if (layout.tail == TailKind::ITEMS) return append_items(layout, value, payload);
    nb::object holder;
    std::string_view text;
    if (!(PyBytes_Check(value) || PyUnicode_Check(value)) || !characters(value, holder, text)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: expected text or bytes, got %R", layout.tail_name.c_str(), value);
        return false;
    }
    payload.insert(payload.end(), text.begin(), text.end());
    return true;
}

TailKind tail_named(const std::string& name) {
    if (name == "text") return TailKind::TEXT;
    if (name == "bytes") return TailKind::BYTES;
    return name == "items" ? TailKind::ITEMS : TailKind::NONE;
}

}  // namespace

Layout::Layout(std::uint32_t number_, std::string name_, std::uint32_t size_, const nb::list& fields_,
               const std::string& tail_kind, std::string tail_name_, nb::object item_class_,
               const std::string& schema)
    : number(number_),
      size(size_),
      name(std::move(name_)),
      tail(tail_named(tail_kind)),
      tail_name(std::move(tail_name_)),
      item_class(std::move(item_class_)),
      identity(fnv1a64(schema)) {
    for (nb::handle item : fields_) {
        auto f = nb::borrow<nb::tuple>(item);
        fields.push_back({nb::cast<std::string>(f[0]), kind_named(nb::cast<std::string>(f[1])),
                          nb::cast<std::uint32_t>(f[2]), nb::cast<std::uint32_t>(f[3]),
                          nb::cast<std::uint32_t>(f[4]), nb::cast<std::uint32_t>(f[5])});
    }
}

bool encode(const Layout& layout, PyObject* const* values, std::size_t count, std::vector<char>& payload) {
    const std::size_t most = layout.fields.size() + (layout.tail == TailKind::NONE ? 0 : 1);
    if (count > most) {
        PyErr_Format(PyExc_TypeError, "%s: expected at most %zu values, got %zu", layout.name.c_str(), most,
                     count);
        return false;
    }
    payload.assign(layout.size, 0);
    for (std::size_t i = 0; i < layout.fields.size(); ++i) {
        const FieldLayout& field = layout.fields[i];
        PyObject* value = i < count ? values[i] : nullptr;
        if (value == nullptr && (field.kind == Kind::NUMBER || field.kind == Kind::MONEY)) value = Py_None;
        if (value != nullptr && !write_field(field, value, payload.data())) return false;
    }
    const bool has_tail = layout.tail != TailKind::NONE && count == most && values[most - 1] != nullptr;
    return !has_tail || append_tail(layout, values[most - 1], payload);
}

PyObject* read_text(const char* text, std::size_t width) {
    const void* end = std::memchr(text, 0, width);
    const auto size = end ? static_cast<const char*>(end) - text : static_cast<Py_ssize_t>(width);
    return PyUnicode_DecodeUTF8(text, size, "replace");
}

PyObject* read_decimal(int128 mantissa, int exponent) {
    if (exponent == kNoneExponent) return nb::none().release().ptr();
    const std::string text = to_text(mantissa, 0) + "E" + std::to_string(exponent);
    return PyObject_CallFunction(decimal_class(), "s", text.c_str());
}

const Layout* layout_of(PyObject* view_class) {
    nb::object layout = nb::steal(PyObject_GetAttrString(view_class, "__layout__"));
    if (!layout.is_valid()) return nullptr;
    if (!nb::isinstance<Layout>(layout)) {
        PyErr_SetString(PyExc_TypeError, "__layout__ is not a Layout");
        return nullptr;
    }
    return nb::inst_ptr<Layout>(layout);  // the class keeps it alive
}

void bind_layout(nb::module_& m) {
    nb::class_<Layout>(m, "Layout", "How the payload of one event type is laid out.")
        .def(nb::init<std::uint32_t, std::string, std::uint32_t, const nb::list&, const std::string&,
                      std::string, nb::object, const std::string&>(),
             nb::arg("number"), nb::arg("name"), nb::arg("size"), nb::arg("fields"), nb::arg("tail_kind"),
             nb::arg("tail_name"), nb::arg("item_class").none(), nb::arg("schema"))
        .def_ro("number", &Layout::number)
        .def_ro("name", &Layout::name)
        .def_ro("size", &Layout::size);
}

}  // namespace kungfu::python
