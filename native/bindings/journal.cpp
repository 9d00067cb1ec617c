#include "bindings/journal.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/errors.hpp"
#include "bindings/layout.hpp"
#include "bindings/types.hpp"
#include "bindings/view.hpp"
#include "journal/columns.hpp"
#include "journal/doorbell.hpp"
#include "journal/evolution.hpp"
#include "journal/reader.hpp"
#include "journal/survey.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"
#include "kungfu/id.hpp"

namespace kungfu::python {

namespace {

using journal::Location;

void must(std::int32_t status, const std::string& text) {
    if (status != KF_OK) raise_journal_error(status, text);
}

/// Another thread is appending rows; a status of these bindings alone.
constexpr std::int32_t kExtending = 64;

/// The bytes of an object, which it cannot move or free meanwhile.
class Buffer {
  public:
    explicit Buffer(nb::handle object) {
        if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
    }
    ~Buffer() { PyBuffer_Release(&view_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    const char* data() const noexcept { return static_cast<const char*>(view_.buf); }
    std::uint64_t size() const noexcept { return static_cast<std::uint64_t>(view_.len); }

  private:
    Py_buffer view_{};
};

/// One journal being written, with the times and source that its events get.
class JournalWriter {
  public:
    JournalWriter(const std::string& root, const std::string& source, const std::string& name,
                  const std::string& scope, std::uint64_t page_size, const TypeRows& types, Clock& clock,
                  std::uint32_t durability, std::int64_t sync_interval, bool compress)
        : source_(id_of(source)) {
        journal::WriterOptions options;
        options.root = root;
        options.source = source;
        options.name = name;
        options.scope = scope;
        options.page_size = page_size;
        options.types = type_definitions(types);
        options.clock = &clock;
        options.durability = static_cast<journal::Durability>(durability);
        options.sync_interval = sync_interval;
        options.compresses = compress;
        std::string error;
        must(journal::Writer::open(std::move(options), writer_, error), error);
        for (const auto& [number, version, type, schema] : types) {
            if (number >= identities_.size()) identities_.resize(number + 1, 0);
            identities_[number] = fnv1a64(schema);
        }
    }

    journal::Writer& writer() const noexcept { return *writer_; }

    /// Sets the times of what is appended next.
    void at(std::int64_t gen_time, std::int64_t trigger_time) noexcept {
        time_ = gen_time;
        trigger_time_ = trigger_time;
    }

    std::int32_t append(std::uint32_t type, std::uint64_t destination, const kf_cause& cause,
                        const void* payload, std::uint32_t length) {
        if (extending_) return kExtending;
        const std::int64_t time = time_ ? *time_ : writer_->clock().now();
        const kf_cause because = cause.journal != 0 ? cause : kf_cause{0, cause.sequence, trigger_time_};
        return writer_->append_at(time, type, source_, destination, because, payload, length);
    }

    /// Appends rows of payloads, with a header before each or without; says how many stand.
    std::uint64_t extend(const Layout& layout, nb::handle rows, bool headed) {
        if (extending_) refuse(kExtending, layout.name.c_str());
        require_given(layout);
        const Buffer buffer(rows);
        const std::uint64_t row = layout.size + (headed ? sizeof(kf_frame) : 0);
        const std::uint64_t count = row == 0 ? 0 : buffer.size() / row;
        const std::int64_t now = time_ ? *time_ : writer_->clock().now();
        std::uint64_t done = 0;
        std::int32_t status = KF_OK;
        {
            const Extending mark(extending_);
            const nb::gil_scoped_release unlocked;
            for (; done < count; ++done) {
                status = append_row(layout, buffer.data() + done * row, headed, now);
                if (status != KF_OK) break;
            }
        }
        if (status != KF_OK) {
            refuse(status, layout.name.c_str(),
                   "; " + std::to_string(done) + " of " + std::to_string(count) + " rows stand");
        }
        return done;
    }

    void define_name(std::uint8_t kind, std::uint64_t id, std::string_view text) {
        const std::int32_t status = extending_ ? kExtending : writer_->define_name(kind, id, text);
        if (status != KF_OK) refuse(status, "name_definition");
    }

    void close() {
        if (extending_) refuse(kExtending, "");
        extending_ = true;  // nobody else may come in while the interpreter is let go
        {
            const nb::gil_scoped_release unlocked;
            writer_->close();
        }
        extending_ = false;
    }

    void wait_until_durable() {
        if (extending_) refuse(kExtending, "");
        extending_ = true;
        std::int32_t status = KF_OK;
        {
            const nb::gil_scoped_release unlocked;
            status = writer_->wait_until_durable();
        }
        extending_ = false;
        if (status != KF_OK) refuse(status, "");
    }

    [[noreturn]] void refuse(std::int32_t status, const char* type, const std::string& rest = "") const {
        const std::string& label = writer_->location().label();
        if (status == kExtending) {
            raise_journal_error(status, label + ": another thread is in the writer");
        }
        if (status == KF_CLOSED) raise_journal_error(status, label + ": the writer is closed" + rest);
        if (status == KF_BAD_ARGUMENT && writer_->error().empty()) refuse_type(type, rest);
        raise_journal_error(status, writer_->error() + rest);
    }

    std::uint64_t append_event(PyObject* object, std::uint64_t destination, const kf_cause& cause) {
        kf_event event{};
        if (!event_under(object, event)) throw nb::python_error();
        if (event.type >= classes_.size() || classes_[event.type].ptr() != type_of(object))
            meet(object, event);
        const std::int32_t status = append(event.type, destination, cause, event.frame + 1, event.length);
        if (status != KF_OK) {
            refuse(status, nb::cast<std::string>(nb::handle(object).type().attr("__name__")).c_str());
        }
        return writer_->last_sequence();
    }

    /// Numbers are local to a journal: whether this one has a type by its number is not enough.
    void require_given(const Layout& layout) const {
        const bool given =
            layout.number < identities_.size() && identities_[layout.number] == layout.identity;
        if (!given) refuse_type(layout.name);
    }

  private:
    static PyObject* type_of(PyObject* object) noexcept {
        return reinterpret_cast<PyObject*>(Py_TYPE(object));
    }

    /// Makes sure that an event's class is the type that its number stands for, and remembers it.
    void meet(PyObject* object, const kf_event& event) {
        const Layout* layout = layout_of(type_of(object));
        if (layout == nullptr) {
            PyErr_Clear();
            refuse_type(nb::cast<std::string>(nb::handle(object).type().attr("__name__")));
        }
        require_given(*layout);
        if (event.type >= classes_.size()) classes_.resize(event.type + 1);
        classes_[event.type] = nb::borrow(type_of(object));
    }

    [[noreturn]] void refuse_type(const std::string& name, const std::string& rest = "") const {
        raise_journal_error(KF_BAD_ARGUMENT, writer_->location().label() + ": event type " + name +
                                                 " was not given when it was opened" + rest);
    }

    /// Marks the writer as taken while the interpreter runs other threads.
    class Extending {
      public:
        explicit Extending(bool& mark) : mark_(mark) { mark_ = true; }
        ~Extending() { mark_ = false; }
        Extending(const Extending&) = delete;
        Extending& operator=(const Extending&) = delete;

      private:
        bool& mark_;
    };

    std::int32_t append_row(const Layout& layout, const char* row, bool headed, std::int64_t now) noexcept {
        kf_frame head{};
        head.trigger_time = trigger_time_;
        if (headed) {
            std::memcpy(&head, row, sizeof head);
            row += sizeof head;
        }
        const kf_cause cause{head.cause_journal, head.cause_sequence, head.trigger_time};
        return writer_->append_at(head.gen_time != 0 ? head.gen_time : now, layout.number, source_,
                                  head.destination, cause, row, layout.size);
    }

    std::unique_ptr<journal::Writer> writer_;
    std::uint64_t source_;
    std::vector<std::uint64_t> identities_;  ///< Of the types that were given, by number; 0 if none was.
    std::vector<nb::object> classes_;        ///< Of events that were met, by the number of their type.
    std::optional<std::int64_t> time_;
    std::int64_t trigger_time_ = 0;
    bool extending_ = false;
};

/// Puts the arguments of append() into their places; false with a Python exception set.
bool place(PyObject* const* arguments, Py_ssize_t count, PyObject* keywords,
           std::array<PyObject*, 3>& values) {
    static constexpr std::array<const char*, 3> kNames = {"event", "destination", "cause"};
    if (count > 3) {
        PyErr_Format(PyExc_TypeError, "append: expected at most 3 arguments, got %zd", count);
        return false;
    }
    std::copy(arguments, arguments + count, values.begin());
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_Size(keywords);
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GetItem(keywords, i);
        std::size_t at = 0;
        while (at < kNames.size() && PyUnicode_CompareWithASCIIString(name, kNames[at]) != 0) ++at;
        if (at == kNames.size() || values[at] != nullptr) {
            PyErr_Format(PyExc_TypeError, "append: argument %R is unknown or given twice", name);
            return false;
        }
        values[at] = arguments[count + i];
    }
    if (values[0] != nullptr) return true;
    PyErr_SetString(PyExc_TypeError, "append: expected an event");
    return false;
}

std::uint64_t append_to(JournalWriter& writer, PyObject* event, PyObject* destination, PyObject* cause) {
    std::uint64_t to = 0;
    if (destination != nullptr) {
        to = PyLong_AsUnsignedLongLong(destination);
        if (PyErr_Occurred() != nullptr) {
            PyErr_Format(PyExc_TypeError, "append: destination: expected a 64-bit id, got %R", destination);
            throw nb::python_error();
        }
    }
    if (cause == nullptr || cause == Py_None) return writer.append_event(event, to, {0, 0, 0});
    kf_event from{};
    if (!event_under(cause, from)) throw nb::python_error();
    return writer.append_event(event, to, {from.journal, from.frame->sequence, from.frame->gen_time});
}

/// append(event, destination=0, cause=None), written against CPython: it is called for every event.
PyObject* append(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
    if (!nb::inst_ready(self)) {
        PyErr_SetString(PyExc_TypeError, "append: the writer was never opened");
        return nullptr;
    }
    auto* writer = nb::inst_ptr<JournalWriter>(self);
    try {
        if (count == 1 && keywords == nullptr) {
            return PyLong_FromUnsignedLongLong(writer->append_event(arguments[0], 0, {0, 0, 0}));
        }
        std::array<PyObject*, 3> given = {nullptr, nullptr, nullptr};
        if (!place(arguments, count, keywords, given)) return nullptr;
        return PyLong_FromUnsignedLongLong(append_to(*writer, given[0], given[1], given[2]));
    } catch (nb::python_error& error) {
        error.restore();
    }
    return nullptr;
}

PyMethodDef writer_methods[] = {
    {"append", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(append)),
     METH_FASTCALL | METH_KEYWORDS, "Append an event and return its sequence."},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot writer_slots[] = {{Py_tp_methods, writer_methods}, {0, nullptr}};

/// What a function made by emitter() knows.
struct Emitter {
    nb::object owner;  // keeps the writer alive
    nb::object view_class;
    JournalWriter* writer;
    const Layout* layout;
    std::vector<char> payload;
};

constexpr const char* kEmitter = "kungfu.emitter";

PyObject* emit(PyObject* capsule, PyObject* const* values, Py_ssize_t count) {
    auto* e = static_cast<Emitter*>(PyCapsule_GetPointer(capsule, kEmitter));
    if (e == nullptr) return nullptr;
    // Encoding may run Python code, and that may call this emitter again: the memory is not shared.
    std::vector<char> payload = std::move(e->payload);
    if (!encode(*e->layout, values, static_cast<std::size_t>(count), payload)) return nullptr;
    const std::int32_t status = e->writer->append(e->layout->number, 0, {0, 0, 0}, payload.data(),
                                                  static_cast<std::uint32_t>(payload.size()));
    e->payload = std::move(payload);
    if (status == KF_OK) return Py_NewRef(Py_None);
    try {
        e->writer->refuse(status, e->layout->name.c_str());
    } catch (nb::python_error& error) {
        error.restore();
    }
    return nullptr;
}

PyMethodDef emit_method = {"emit", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(emit)),
                           METH_FASTCALL, "Append one event; arguments are its fields, then its tail."};

nb::object make_emitter(nb::handle_t<JournalWriter> self, nb::handle view_class) {
    const Layout* layout = layout_of(view_class.ptr());
    if (layout == nullptr) throw nb::python_error();
    nb::inst_ptr<JournalWriter>(self)->require_given(*layout);
    auto* e =
        new Emitter{nb::borrow(self), nb::borrow(view_class), nb::inst_ptr<JournalWriter>(self), layout, {}};
    nb::object capsule = nb::steal(PyCapsule_New(
        e, kEmitter, [](PyObject* c) { delete static_cast<Emitter*>(PyCapsule_GetPointer(c, kEmitter)); }));
    if (!capsule.is_valid()) throw nb::python_error();
    nb::object function = nb::steal(PyCFunction_NewEx(&emit_method, capsule.ptr(), nullptr));
    if (!function.is_valid()) throw nb::python_error();
    return function;
}

/// Several journals read as one, as views that are used again and again.
class JournalReader {
  public:
    JournalReader(const TypeRows& types, const nb::list& classes, nb::object unknown, bool verify)
        : reader_(type_definitions(types), verify), pool_(classes), unknown_(std::move(unknown)) {}

    void join(const std::string& root, const std::string& source, const std::string& name,
              const std::string& scope, std::uint64_t after, std::optional<std::int64_t> from_time,
              bool at_end) {
        require_alone();
        if (closed_) raise_journal_error(KF_CLOSED, "the reader is closed");
        const Location location{root, source, name, scope};
        const std::int32_t status = at_end      ? reader_.join_at_end(location)
                                    : from_time ? reader_.join_from_time(location, *from_time)
                                                : reader_.join(location, after);
        must(status, reader_.error());
        waiter_.add(root, journal::bell_bit(source, name));
        settle();
    }

    /// Waits for a next event; Ctrl-C is noticed.
    bool wait(double seconds) {
        const auto ready = [this] {
            return reader_.peek_time() != std::numeric_limits<std::int64_t>::max() ||
                   reader_.status() != KF_OK;
        };
        bool there = false;
        const Waiting mark(*this);
        pool_.settle();  // looking for the next event may leave the page of the one in hand
        for (double left = seconds; !there && left >= 0; left -= kWaitSlice) {
            {
                const nb::gil_scoped_release unlocked;
                there = waiter_.wait(ready, static_cast<std::int64_t>(1e9 * std::min(left, kWaitSlice)));
            }
            settle();
            if (PyErr_CheckSignals() != 0) throw nb::python_error();
            if (!there) reader_.look_for_damage();
            must(reader_.status(), reader_.error());
        }
        return there;
    }

    /// The next event's view, or an invalid object if there is none now.
    nb::object next(std::int64_t limit) {
        require_alone();
        kf_event event{};
        const bool there = reader_.next(event, limit);
        settle();
        if (!there) {
            reader_.look_for_damage();
            must(reader_.status(), reader_.error());
            return {};
        }
        PyObject* view = pool_.view(event);
        if (view != nullptr) return nb::borrow(view);
        if (PyErr_Occurred()) throw nb::python_error();
        nb::object unknown = nb::steal(new_view(unknown_.ptr(), event));
        if (!unknown.is_valid() || !keep(reinterpret_cast<ViewObject*>(unknown.ptr())))
            throw nb::python_error();
        return unknown;
    }

    std::optional<std::int64_t> peek_time() {
        require_alone();
        const std::int64_t time = reader_.peek_time();
        settle();
        must(reader_.status(), reader_.error());
        return time == std::numeric_limits<std::int64_t>::max() ? std::nullopt : std::optional(time);
    }

    void close() {
        require_alone();
        pool_.settle();
        reader_ = journal::Reader(std::vector<journal::TypeDefinition>{});
        waiter_ = journal::Waiter();
        epoch_ = 0;
        closed_ = true;
    }

    void seek_time(std::int64_t time) {
        require_alone();
        pool_.settle();
        must(reader_.seek_time(time), reader_.error());
        settle();
    }

  private:
    /// Saves the views that somebody holds before what is under them goes.
    void settle() {
        if (reader_.epoch() == epoch_) return;
        pool_.settle();
        epoch_ = reader_.epoch();
    }

    void require_alone() const {
        if (waiting_) raise_journal_error(KF_BAD_ARGUMENT, "another thread is in the reader");
    }

    /// Marks the reader as taken while the interpreter runs other threads.
    class Waiting {
      public:
        explicit Waiting(JournalReader& reader) : mark_(reader.waiting_) {
            reader.require_alone();
            mark_ = true;
        }
        ~Waiting() { mark_ = false; }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

      private:
        bool& mark_;
    };

    static constexpr double kWaitSlice = 0.1;

    journal::Reader reader_;
    journal::Waiter waiter_;
    ViewPool pool_;
    nb::object unknown_;
    std::uint64_t epoch_ = 0;
    bool waiting_ = false;
    bool closed_ = false;
};

nb::list list_journals(const std::string& root) {
    nb::list rows;
    std::string problem;
    for (const Location& j : journal::list_journals(root, problem))
        rows.append(nb::make_tuple(j.source, j.name, j.scope));
    if (!problem.empty()) raise_journal_error(KF_IO_ERROR, problem);
    return rows;
}

nb::list list_pages(const std::string& root, const std::string& source, const std::string& name) {
    nb::list rows;
    std::vector<journal::PageFile> files;
    std::string error;
    must(journal::list_pages({root, source, name, ""}, files, error), error);
    for (const journal::PageFile& file : files) {
        journal::PageHeader header{};
        must(journal::read_header(file.path, header, error), error);
        const std::string path = journal::present_path(file.path);
        rows.append(nb::make_tuple(file.page, path, header.page_size, header.sealed != 0,
                                   header.first_sequence, header.create_time, journal::is_compressed(path),
                                   header.durability, header.clock_source, header.clock_error));
    }
    return rows;
}

/// next(reader), written against CPython: a method of a class would be looked up for every event.
PyObject* next_event(PyObject* self) {
    if (!nb::inst_ready(self)) {
        PyErr_SetString(PyExc_TypeError, "next: the reader was never opened");
        return nullptr;
    }
    try {
        auto* reader = nb::inst_ptr<JournalReader>(self);
        return reader->next(std::numeric_limits<std::int64_t>::max()).release().ptr();
    } catch (nb::python_error& error) {
        error.restore();
    }
    return nullptr;
}

PyType_Slot reader_slots[] = {{Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                              {Py_tp_iternext, reinterpret_cast<void*>(next_event)},
                              {0, nullptr}};

/// Rows of events as a buffer, so that arrays are views of them.
struct Rows {
    journal::Columns columns;
    std::uint64_t size;
};

int rows_buffer(PyObject* self, Py_buffer* view, int flags) {
    if (!nb::inst_ready(self)) {
        view->obj = nullptr;
        PyErr_SetString(PyExc_BufferError, "rows come from journal_columns()");
        return -1;
    }
    const auto* rows = nb::inst_ptr<Rows>(self);
    return PyBuffer_FillInfo(view, self, const_cast<char*>(rows->columns.rows),
                             static_cast<Py_ssize_t>(rows->size), 1, flags);
}

PyType_Slot rows_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(rows_buffer)}, {0, nullptr}};

/// (rows, count, tails or None, ends of the tails or None)
nb::tuple columns(const std::string& root, const std::string& source, const std::string& name,
                  const std::string& scope, const TypeRows& types, std::uint32_t type, std::uint32_t size,
                  std::optional<std::int64_t> since, std::optional<std::int64_t> until, bool tails,
                  bool verify) {
    journal::ColumnsRequest request{{root, source, name, scope}, type_definitions(types), type, size, since};
    if (until) request.until = *until;
    request.tails = tails;
    request.verify = verify;
    auto rows = std::make_unique<Rows>();
    std::string error;
    std::int32_t status = KF_OK;
    {
        const nb::gil_scoped_release unlocked;
        status = journal::gather(request, rows->columns, error);
    }
    must(status, error);
    const journal::Columns& found = rows->columns;
    rows->size = found.count * (sizeof(kf_frame) + size);
    nb::object tail_bytes = nb::none();
    nb::object ends = nb::none();
    if (tails) {
        tail_bytes = nb::bytes(found.tails.data(), found.tails.size());
        ends = nb::bytes(reinterpret_cast<const char*>(found.tail_ends.data()), found.tail_ends.size() * 8);
    }
    const std::uint64_t count = found.count;
    return nb::make_tuple(std::move(rows), count, tail_bytes, ends);
}

/// Names behind ids, as far as the journal tells them.
nb::dict names(const std::string& root, const std::string& source, const std::string& name) {
    journal::Tables tables;
    std::string error;
    must(journal::last_definitions({root, source, name, ""}, tables, error), error);
    nb::dict out;
    for (const journal::Tables::Entry& entry : tables.entries()) {
        std::uint64_t id = 0;
        const bool is_name = entry.type == NameDefinition::kType;
        if (!is_name && entry.type != Instrument::kType) continue;
        const std::size_t fixed = is_name ? sizeof(NameDefinition) : sizeof(Instrument);
        const std::size_t at = is_name ? offsetof(NameDefinition, named) : offsetof(Instrument, instrument);
        std::memcpy(&id, entry.payload.data() + at, sizeof id);
        out[nb::int_(id)] = nb::str(entry.payload.data() + fixed, entry.payload.size() - fixed);
    }
    return out;
}

/// (number in the file, version, name, schema) of every type, as far as the journal's last page tells them.
nb::list file_types(const std::string& root, const std::string& source, const std::string& name) {
    journal::Tables tables;
    std::string error;
    must(journal::last_definitions({root, source, name, ""}, tables, error), error);
    nb::list rows;
    for (const auto& type : tables.types()) {
        rows.append(nb::make_tuple(type.number, type.version, type.name, type.schema));
    }
    return rows;
}

nb::dict survey(const std::string& root, const std::string& source, const std::string& name) {
    journal::Survey found;
    std::string error;
    std::int32_t status = KF_OK;
    {
        const nb::gil_scoped_release unlocked;
        status = journal::survey({root, source, name, ""}, found, error);
    }
    must(status, error);
    nb::dict out;
    out["pages"] = found.pages;
    out["sealed_pages"] = found.sealed_pages;
    out["file_bytes"] = found.file_bytes;
    out["events"] = found.events;
    out["first_sequence"] = found.first_sequence;
    out["last_sequence"] = found.last_sequence;
    out["first_time"] = found.first_time;
    out["last_time"] = found.last_time;
    nb::list types;
    for (const auto& known : found.tables.types()) {
        const auto it = found.types.find(known.number);
        if (it == found.types.end()) continue;
        types.append(nb::make_tuple(known.name, known.version, it->second.events, it->second.bytes));
    }
    out["types"] = types;
    return out;
}

}  // namespace

void bind_journal(nb::module_& m) {
    m.attr("DEFAULT_PAGE_SIZE") = journal::kDefaultPageSize;
    m.attr("MIN_PAGE_SIZE") = journal::kMinPageSize;
    m.attr("PAGE_HEADER_SIZE") = sizeof(journal::PageHeader);
    m.attr("PAGE_SEAL_OFFSET") = offsetof(journal::PageHeader, sealed);
    nb::class_<JournalWriter>(m, "JournalWriter", nb::type_slots(writer_slots),
                              "The one writer of a journal.")
        .def(nb::init<const std::string&, const std::string&, const std::string&, const std::string&,
                      std::uint64_t, const TypeRows&, Clock&, std::uint32_t, std::int64_t, bool>(),
             nb::arg("root"), nb::arg("source"), nb::arg("name"), nb::arg("scope"), nb::arg("page_size"),
             nb::arg("types"), nb::arg("clock"), nb::arg("durability") = 0,
             nb::arg("sync_interval") = 100'000'000, nb::arg("compress") = false, nb::keep_alive<1, 8>())
        .def("emitter", &make_emitter, nb::arg("view_class"),
             "A fast function that appends events of one type.")
        .def(
            "append_rows",
            [](JournalWriter& w, nb::handle view_class, nb::handle rows, bool headed) {
                const Layout* layout = layout_of(view_class.ptr());
                if (layout == nullptr) throw nb::python_error();
                return w.extend(*layout, rows, headed);
            },
            nb::arg("view_class"), nb::arg("rows"), nb::arg("headed"),
            "Append payloads that lie behind each other, each with a frame header before it or none.")
        .def("define_name", &JournalWriter::define_name, nb::arg("kind"), nb::arg("id"), nb::arg("text"),
             "Journal the name behind an id.")
        .def("at", &JournalWriter::at, nb::arg("gen_time"), nb::arg("trigger_time") = 0,
             "Set the times of what is appended next, instead of the clock's.")
        .def_prop_ro("id", [](const JournalWriter& w) { return w.writer().id(); })
        .def_prop_ro("last_sequence", [](const JournalWriter& w) { return w.writer().last_sequence(); })
        .def_prop_ro("last_time", [](const JournalWriter& w) { return w.writer().last_time(); })
        .def_prop_ro("closed", [](const JournalWriter& w) { return !w.writer().is_open(); })
        .def("wait_until_durable", &JournalWriter::wait_until_durable,
             "Wait until everything appended so far is on the disk.")
        .def("close", &JournalWriter::close, "End writing and give up the lock.");
    nb::class_<JournalReader>(m, "JournalReader", nb::type_slots(reader_slots),
                              "Several journals read as one, merged by time.")
        .def(nb::init<const TypeRows&, const nb::list&, nb::object, bool>(), nb::arg("types"),
             nb::arg("classes"), nb::arg("unknown"), nb::arg("verify"))
        .def("join", &JournalReader::join, nb::arg("root"), nb::arg("source"), nb::arg("name"),
             nb::arg("scope") = "", nb::arg("after") = 0, nb::arg("from_time").none() = nb::none(),
             nb::arg("at_end") = false)
        .def(
            "next",
            [](JournalReader& r, std::optional<std::int64_t> limit) {
                nb::object view = r.next(limit.value_or(std::numeric_limits<std::int64_t>::max()));
                return view.is_valid() ? view : nb::object(nb::none());
            },
            nb::arg("limit").none() = nb::none(),
            "The next event with gen_time <= limit; None if there is none now.")
        .def("wait", &JournalReader::wait, nb::arg("seconds"),
             "Wait for a next event, at most so long, without burning a core; say whether there is one.")
        .def("close", &JournalReader::close, "Leave all journals; views that were kept stay whole.")
        .def("peek_time", &JournalReader::peek_time, "Time of the next event; None if there is none now.")
        .def("seek_time", &JournalReader::seek_time, nb::arg("time"),
             "Move all journals to the first event at this time or later.");
    nb::class_<Rows>(m, "Rows", nb::type_slots(rows_slots),
                     "Events of one type behind each other, in memory or in their page: a buffer.");
    m.def("list_journals", &list_journals, nb::arg("root"),
          "(source, name, scope) of every journal under a root.");
    m.def(
        "list_pages", &list_pages, nb::arg("root"), nb::arg("source"), nb::arg("name"),
        "(page, path, bytes, sealed, first sequence, time of the first event, compressed, durability, clock "
        "source, clock error) of every page.");
    m.def("journal_columns", &columns, nb::arg("root"), nb::arg("source"), nb::arg("name"), nb::arg("scope"),
          nb::arg("types"), nb::arg("type"), nb::arg("size"), nb::arg("since").none() = nb::none(),
          nb::arg("until").none() = nb::none(), nb::arg("tails") = false, nb::arg("verify") = true,
          "All events of a type as rows of header and fixed part.");
    m.def("journal_names", &names, nb::arg("root"), nb::arg("source"), nb::arg("name"),
          "Names by id, as far as the journal's last page tells them.");
    m.def("journal_types", &file_types, nb::arg("root"), nb::arg("source"), nb::arg("name"),
          "(number, version, name, schema) of every type that the journal's last page knows.");
    m.def(
        "is_other_version",
        [](const std::string& schema, const std::string& other) {
            journal::Conversion conversion;
            return schema != other && journal::find_conversion(schema, other, conversion);
        },
        nb::arg("schema"), nb::arg("other"),
        "Whether these are layouts of two versions of one type that differ by appended fields alone.");
    m.def("survey_journal", &survey, nb::arg("root"), nb::arg("source"), nb::arg("name"),
          "Read a journal through, every checksum verified, and count what it has.");
}

}  // namespace kungfu::python
