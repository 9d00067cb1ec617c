#include "bindings/compression.hpp"

#include <nanobind/stl/string.h>

#include <string>

#include "bindings/errors.hpp"
#include "journal/compression.hpp"

namespace kungfu::python {
namespace {

template <class Compress>
void run(Compress compress, const std::string& path, bool columns) {
    std::string error;
    std::int32_t status = KF_OK;
    {
        const nb::gil_scoped_release released;
        status = compress(path, columns ? journal::Transform::COLUMNS : journal::Transform::NONE, error);
    }
    if (status != KF_OK) raise_journal_error(status, error);
}

void compress_page(const std::string& path, bool columns) { run(journal::compress_page, path, columns); }
void compact_page(const std::string& path, bool columns) { run(journal::compact_page, path, columns); }

}  // namespace

void bind_compression(nb::module_& m) {
    m.def("compress_page", &compress_page, nb::arg("path"), nb::arg("columns"),
          "Compress a sealed page to `path`.zst; the page stays. Without columns, `zstd -d` gives it back.");
    m.def("compact_page", &compact_page, nb::arg("path"), nb::arg("columns"),
          "Compress a sealed page as compress_page does, and remove it.");
}

}  // namespace kungfu::python
