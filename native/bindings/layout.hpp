/// How the payload of one event type is read and written from Python; compiled from its declaration.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kungfu/number.hpp"

namespace kungfu::python {

namespace nb = nanobind;

enum class Kind : std::uint8_t { U8, I8, U16, I16, U32, I32, U64, I64, BOOL, ENUM, NUMBER, MONEY, TEXT };
enum class TailKind : std::uint8_t { NONE, TEXT, BYTES, ITEMS };

struct FieldLayout {
    std::string name;
    Kind kind;
    std::uint32_t offset;
    std::uint32_t exponent_offset;
    std::uint32_t high_offset;
    std::uint32_t width;
};

/// Immutable once made.
struct Layout {
    std::uint32_t number;
    std::uint32_t size;
    std::string name;
    std::vector<FieldLayout> fields;
    TailKind tail;
    std::string tail_name;
    nb::object item_class;   // view class of the tail's items, or None
    std::uint64_t identity;  // a hash of name, version and layout: of its schema

    /// Fields are (name, kind, offset, exponent_offset, high_offset, width).
    Layout(std::uint32_t number, std::string name, std::uint32_t size, const nb::list& fields,
           const std::string& tail_kind, std::string tail_name, nb::object item_class,
           const std::string& schema);
};

/// Writes values in declared order (then the tail's) as a payload; missing ones are zero or absent.
/// False with a Python exception set that names the field.
bool encode(const Layout& layout, PyObject* const* values, std::size_t count, std::vector<char>& payload);

/// A new reference to a str or Decimal (None where absent), or nullptr with an exception set.
PyObject* read_text(const char* text, std::size_t width);
PyObject* read_decimal(int128 mantissa, int exponent);

/// The Layout behind a view class; nullptr with an exception set if it is none.
const Layout* layout_of(PyObject* view_class);

void bind_layout(nb::module_& m);

}  // namespace kungfu::python
