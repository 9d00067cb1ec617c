#include "bindings/journal_care.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/errors.hpp"
#include "journal/prune.hpp"
#include "journal/repair.hpp"
#include "journal/verify.hpp"

namespace kungfu::python {

namespace {

using journal::Finding;

/// Calls a Python function, if there is one, from work that does not hold the interpreter.
journal::Progress told_to(const nb::object& report) {
    if (report.is_none()) return {};
    return [&report](std::uint64_t done, std::uint64_t total) {
        const nb::gil_scoped_acquire locked;
        report(done, total);
    };
}

/// (kind, file, offset, length, first sequence, last sequence, what) of each.
nb::list rows_of(const std::vector<Finding>& findings) {
    nb::list rows;
    for (const Finding& f : findings) {
        const char* kind = f.kind == Finding::Kind::DAMAGE ? "damage"
                           : f.kind == Finding::Kind::LOSS ? "loss"
                                                           : "note";
        rows.append(
            nb::make_tuple(kind, f.file, f.offset, f.length, f.first_sequence, f.last_sequence, f.what));
    }
    return rows;
}

nb::tuple row_of(const journal::Verification& found) {
    return nb::make_tuple(found.pages, found.bytes, found.events, rows_of(found.findings));
}

nb::tuple verify(const std::string& root, const std::string& source, const std::string& name,
                 const std::string& scope, const nb::object& report) {
    journal::Verification found;
    {
        const nb::gil_scoped_release unlocked;
        found = journal::verify({root, source, name, scope}, told_to(report));
    }
    return row_of(found);
}

nb::tuple repair(const std::string& root, const std::string& source, const std::string& name,
                 const std::string& scope, const nb::object& report) {
    journal::Repair done;
    std::string error;
    std::int32_t status = KF_OK;
    {
        const nb::gil_scoped_release unlocked;
        status = journal::repair_journal({root, source, name, scope}, done, error, told_to(report));
    }
    if (status != KF_OK) raise_journal_error(status, error);
    return nb::make_tuple(rows_of(done.steps), row_of(done.after));
}

nb::tuple prune(const std::string& root, const std::string& source, const std::string& name,
                std::optional<std::int64_t> before, std::optional<std::uint64_t> most_bytes, bool dry_run) {
    journal::Pruned pruned;
    std::string error;
    std::int32_t status = KF_OK;
    {
        const nb::gil_scoped_release unlocked;
        status = journal::prune({root, source, name, ""}, {before, most_bytes}, dry_run, pruned, error);
    }
    if (status != KF_OK) raise_journal_error(status, error);
    nb::list pages;
    for (const journal::PrunedPage& p : pruned.pages) {
        pages.append(nb::make_tuple(p.page, p.path, p.bytes, p.first_sequence, p.last_sequence, p.last_time));
    }
    return nb::make_tuple(pages, pruned.bytes_left, pruned.kept);
}

}  // namespace

void bind_journal_care(nb::module_& m) {
    m.def("verify_journal", &verify, nb::arg("root"), nb::arg("source"), nb::arg("name"), nb::arg("scope"),
          nb::arg("report").none() = nb::none(),
          "(pages, bytes, events, findings); a finding is (kind, file, offset, length, first sequence, last\n"
          "sequence, what). `report` is called with the bytes done and to do.");
    m.def("repair_journal", &repair, nb::arg("root"), nb::arg("source"), nb::arg("name"), nb::arg("scope"),
          nb::arg("report").none() = nb::none(),
          "(steps, what verify_journal gives afterwards); a step is like a finding.");
    m.def("prune_journal", &prune, nb::arg("root"), nb::arg("source"), nb::arg("name"),
          nb::arg("before").none() = nb::none(), nb::arg("most_bytes").none() = nb::none(),
          nb::arg("dry_run") = false,
          "(pages, bytes left, why others are kept); a page is (number, path, bytes, first sequence, last\n"
          "sequence, time of the last event).");
}

}  // namespace kungfu::python
