#include "bindings/strategy_host.hpp"

#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "bindings/component.hpp"
#include "bindings/layout.hpp"

namespace kungfu::python {

namespace {

/// One poll handles no more than this, so that other components get their turn.
constexpr int kMostEventsPerPoll = 256;

/// Market data begins with the instrument's id and the venue's time; a shorter payload is damaged.
constexpr std::uint32_t kLeastMarketData = 2 * sizeof(std::uint64_t);

/// Every payload that concerns an instrument and can be subscribed to begins with the instrument's id.
std::uint64_t instrument_of(const Event& event) {
    std::uint64_t instrument = 0;
    std::memcpy(&instrument, event.payload(), sizeof instrument);
    return instrument;
}
static_assert(offsetof(Trade, instrument) == 0 && offsetof(Quote, instrument) == 0);
static_assert(offsetof(BookSnapshot, instrument) == 0 && offsetof(BookDelta, instrument) == 0);
static_assert(offsetof(Bar, instrument) == 0 && offsetof(MarkPrice, instrument) == 0);
static_assert(offsetof(IndexPrice, instrument) == 0 && offsetof(FundingRate, instrument) == 0);

/// Market data tells the venue's time right behind the instrument; a bar's time is that of its start.
static_assert(offsetof(Trade, time) == 8 && offsetof(Quote, time) == 8 && offsetof(BookSnapshot, time) == 8);
static_assert(offsetof(BookDelta, time) == 8 && offsetof(MarkPrice, time) == 8 &&
              offsetof(IndexPrice, time) == 8);
static_assert(offsetof(FundingRate, time) == 8);

bool is_book(std::uint32_t type) { return type == BookSnapshot::kType || type == BookDelta::kType; }

}  // namespace

template <class F>
void StrategyHost::guarded(F&& body) {
    if (stopped_) return;
    try {
        body();
    } catch (nb::python_error& raised) {
        stopped_ = true;
        nb::object exception = nb::borrow(raised.value());
        if (raised.matches(PyExc_KeyboardInterrupt)) {
            interruption_ = exception;
            throw std::runtime_error("interrupted");
        }
        if (on_fault_.is_valid()) on_fault_(exception);
    }
}

const Port& StrategyHost::port() const {
    if (!port_) throw std::runtime_error("a strategy has time and journals only while its session is there");
    return port_;
}

void StrategyHost::start(Port port) { port_ = std::move(port); }

std::int64_t StrategyHost::poll() {
    const nb::gil_scoped_acquire gil;
    if (started_) {
        const std::int64_t fired = fire_timers();
        return fired + read(kMostEventsPerPoll);
    }
    const std::int64_t handled = read(std::numeric_limits<int>::max());
    if (handled > 0) begin();
    return handled;
}

void StrategyHost::begin() {
    if (started_) return;
    started_ = true;
    guarded([&] { on_start_(); });
}

std::int64_t StrategyHost::read(int most) {
    Event event;
    int handled = 0;
    for (; handled < most && port_.next(event); ++handled) {
        if (event.journal != last_journal_ || last_consumed_ == nullptr) {
            last_journal_ = event.journal;
            last_consumed_ = &consumed_[event.journal];
        }
        *last_consumed_ = event.frame->sequence;
        dispatch(event);
    }
    return handled;
}

void StrategyHost::dispatch(const Event& event) {
    if (const auto* status = event.as<ComponentStatus>();
        status != nullptr && event.frame->source == port_.source()) {
        if (status->get_phase() == ComponentPhase::START) begin();
        return;
    }
    if (is_book(event.type)) {
        if (event.length < kLeastMarketData) return;
        dispatch_book(event);
        return;
    }
    if (event.type >= handlers_.size()) return;
    const Handler& handler = handlers_[event.type];
    if (!handler.callback.is_valid()) return;
    if (handler.subscribed_only) {
        if (event.length < kLeastMarketData) return;
        if (subscriptions_.count(key(instrument_of(event), event.type)) == 0) return;
        note_venue_time(event);
    } else if (event.frame->destination != 0 && event.frame->destination != port_.source()) {
        return;
    }
    call(handler.callback, event);
}

void StrategyHost::dispatch_book(const Event& event) {
    const std::uint64_t instrument = instrument_of(event);
    if (subscriptions_.count(key(instrument, BookDelta::kType)) == 0) return;
    note_venue_time(event);
    HeldBook& book = book_of(instrument);
    const BookChange change = apply_to_book(*book.book, event);
    if (change != BookChange::APPLIED || !on_book_.is_valid()) return;
    guarded([&] { on_book_(context_, book.object); });
}

void StrategyHost::note_venue_time(const Event& event) {
    if (event.type == Bar::kType) return;
    std::int64_t time = 0;
    std::memcpy(&time, static_cast<const char*>(event.payload()) + sizeof(std::uint64_t), sizeof time);
    if (time == 0) return;
    source_of_[instrument_of(event)] = event.frame->source;
    venue_clocks_[event.frame->source].observe(time, event.frame->gen_time);
}

std::int64_t StrategyHost::exchange_time(std::uint64_t instrument) const {
    const auto source = source_of_.find(instrument);
    if (source == source_of_.end()) return now();
    return venue_clocks_.at(source->second).at(now());
}

void StrategyHost::call(nb::object callback, const Event& event) {
    guarded([&] {
        PyObject* view = pool_.view(event);
        if (view == nullptr) {
            if (PyErr_Occurred() != nullptr) throw nb::python_error();
            return;
        }
        const auto keep_if_held = [view] {
            return Py_REFCNT(view) == 1 || keep(reinterpret_cast<ViewObject*>(view));
        };
        try {
            callback(context_, nb::handle(view));
        } catch (nb::python_error&) {
            // The frames of the traceback hold the view, and may live longer than the page under it.
            if (!keep_if_held()) PyErr_Clear();
            throw;
        }
        if (!keep_if_held()) throw nb::python_error();
    });
}

std::int64_t StrategyHost::next_time() {
    while (!deadlines_.empty() && timers_.count(deadlines_.top().timer) == 0) deadlines_.pop();
    return deadlines_.empty() || stopped_ ? kNever : deadlines_.top().due;
}

std::int64_t StrategyHost::fire_timers() {
    std::int64_t fired = 0;
    while (next_time() <= port_.now()) {
        const Deadline deadline = deadlines_.top();
        deadlines_.pop();
        timers_.erase(deadline.timer);
        Timer event{};
        event.timer_id = deadline.timer;
        event.due = deadline.due;
        if (const std::int32_t status = port_.append(event); status != KF_OK) {
            throw std::runtime_error("cannot journal a timer, status " + std::to_string(status));
        }
        guarded([&] { on_timer_(deadline.timer, deadline.due); });
        ++fired;
    }
    return fired;
}

void StrategyHost::stop() {
    const nb::gil_scoped_acquire gil;
    guarded([&] { on_stop_(); });
}

void StrategyHost::handle(std::uint32_t type, nb::object callback, bool subscribed_only) {
    if (handlers_.size() <= type) handlers_.resize(type + 1);
    handlers_[type] = {std::move(callback), subscribed_only};
}

void StrategyHost::set_life_callbacks(nb::object on_start, nb::object on_stop, nb::object on_timer,
                                      nb::object on_fault) {
    on_start_ = std::move(on_start);
    on_stop_ = std::move(on_stop);
    on_timer_ = std::move(on_timer);
    on_fault_ = std::move(on_fault);
}

void StrategyHost::append(nb::handle object, std::uint64_t destination) {
    kf_event event{};
    if (!event_under(object.ptr(), event)) throw nb::python_error();
    const std::int32_t status = port().append_raw(event.type, destination, event.frame + 1, event.length);
    if (status == KF_TOO_LARGE) {
        const std::string size = std::to_string(event.length);
        throw nb::value_error(
            ("an event of " + size + " bytes does not fit into a page of the journal").c_str());
    }
    if (status != KF_OK)
        throw std::runtime_error("cannot journal the event, status " + std::to_string(status));
}

void StrategyHost::unsubscribe(std::uint64_t instrument, std::uint32_t type) {
    subscriptions_.erase(key(instrument, type));
    const auto book = books_.find(instrument);
    if (type != BookDelta::kType || book == books_.end()) return;
    // What is not followed any more must not look like the market's state.
    *book->second.book = InstrumentBook{};
    book->second.book->instrument = instrument;
}

std::uint64_t StrategyHost::add_timer(std::int64_t due) {
    const std::uint64_t timer = ++last_timer_;
    timers_.emplace(timer, due);
    deadlines_.push({due, timer});
    return timer;
}

std::uint64_t StrategyHost::consumed(std::uint64_t journal) const {
    const auto found = consumed_.find(journal);
    return found == consumed_.end() ? 0 : found->second;
}

nb::object StrategyHost::book(std::uint64_t instrument) { return book_of(instrument).object; }

StrategyHost::HeldBook& StrategyHost::book_of(std::uint64_t instrument) {
    HeldBook& book = books_[instrument];
    if (book.book == nullptr) {
        book.object = nb::cast(InstrumentBook{});
        book.book = nb::inst_ptr<InstrumentBook>(book.object);
        book.book->instrument = instrument;
    }
    return book;
}

void StrategyHost::release() {
    pool_.settle();
    handlers_.clear();
    context_ = on_book_ = on_start_ = on_stop_ = on_timer_ = on_fault_ = nb::object();
    stopped_ = true;
}

namespace {

/// The component that the runner owns; the host itself belongs to Python's `Context`.
class HostedStrategy : public Component {
  public:
    explicit HostedStrategy(nb::object host)
        : owner_(std::move(host)), host_(nb::inst_ptr<StrategyHost>(owner_)) {}
    ~HostedStrategy() override {
        const nb::gil_scoped_acquire gil;
        host_->detach();
        owner_.reset();
    }
    void start(Port port) override { host_->start(std::move(port)); }
    std::int64_t poll() override { return host_->poll(); }
    std::int64_t next_time() override { return host_->next_time(); }
    void stop() override { host_->stop(); }

  private:
    nb::object owner_;
    StrategyHost* host_;
};

nb::object component_of(nb::object host) {
    return component_capsule(std::make_unique<HostedStrategy>(std::move(host)));
}

}  // namespace

void bind_strategy_host(nb::module_& m) {
    nb::class_<StrategyHost>(m, "StrategyHost", "Runs one strategy: events in, callbacks, events out.")
        .def(nb::init<const nb::list&>(), nb::arg("view_classes"))
        .def("handle", &StrategyHost::handle, nb::arg("type"), nb::arg("callback"),
             nb::arg("subscribed_only"))
        .def("set_context", &StrategyHost::set_context, nb::arg("context"))
        .def("set_book_callback", &StrategyHost::set_book_callback, nb::arg("callback"))
        .def("set_life_callbacks", &StrategyHost::set_life_callbacks, nb::arg("on_start"), nb::arg("on_stop"),
             nb::arg("on_timer"), nb::arg("on_fault"))
        .def("subscribe", &StrategyHost::subscribe, nb::arg("instrument"), nb::arg("type"))
        .def("unsubscribe", &StrategyHost::unsubscribe, nb::arg("instrument"), nb::arg("type"))
        .def("append", &StrategyHost::append, nb::arg("event"), nb::arg("destination") = 0,
             "Journal an event in answer to the one in hand.")
        .def("add_timer", &StrategyHost::add_timer, nb::arg("due"),
             "Ask for on_timer at a time in ns; gives its id.")
        .def("cancel_timer", &StrategyHost::cancel_timer, nb::arg("timer"))
        .def("consumed", &StrategyHost::consumed, nb::arg("journal"))
        .def("book", &StrategyHost::book, nb::arg("instrument"))
        .def("exchange_time", &StrategyHost::exchange_time, nb::arg("instrument"))
        .def("release", &StrategyHost::release)
        .def(
            "component", [](nb::object self) { return component_of(std::move(self)); },
            "A capsule for a runner.")
        .def_prop_ro("now", &StrategyHost::now, "Time of the event or timer in hand, ns since 1970 UTC.")
        .def_prop_ro("stopped", &StrategyHost::stopped, "A callback raised, or the session is over.")
        .def_prop_ro("interruption", &StrategyHost::interruption,
                     "The KeyboardInterrupt to raise again, or None.");
}

}  // namespace kungfu::python
