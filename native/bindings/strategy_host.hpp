/// Runs one Python strategy as a component: hands events to its callbacks, writes what it says.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bindings/book.hpp"
#include "bindings/view.hpp"
#include "clock/exchange_clock.hpp"
#include "kungfu/component.hpp"

namespace kungfu::python {

namespace nb = nanobind;

/// Knows events, subscriptions, timers and books; the Python `Context` above it knows orders.
///
/// `on_start` comes once everything that stands in the journals at the session's start has been read.
/// An exception in a callback stops the strategy, not the session: `on_fault` hears of it once, and
/// nothing is handed over any more.
class StrategyHost : public Component {
  public:
    explicit StrategyHost(const nb::list& view_classes) : pool_(view_classes) {}

    void start(Port port) override;
    std::int64_t poll() override;
    std::int64_t next_time() override;
    void stop() override;
    /// The runner let go of the component: nothing is behind the port any more.
    void detach() { port_ = Port(); }

    /// What every callback gets as its first argument.
    void set_context(nb::object context) { context_ = std::move(context); }
    /// `callback(context, view)` gets every event of a type, or of an instrument that was subscribed to.
    void handle(std::uint32_t type, nb::object callback, bool subscribed_only);
    void set_book_callback(nb::object callback) { on_book_ = std::move(callback); }
    void set_life_callbacks(nb::object on_start, nb::object on_stop, nb::object on_timer,
                            nb::object on_fault);

    void subscribe(std::uint64_t instrument, std::uint32_t type) {
        subscriptions_.insert(key(instrument, type));
    }
    void unsubscribe(std::uint64_t instrument, std::uint32_t type);
    void append(nb::handle event, std::uint64_t destination);
    std::uint64_t add_timer(std::int64_t due);
    bool cancel_timer(std::uint64_t timer) { return timers_.erase(timer) != 0; }
    std::int64_t now() const { return port().now(); }
    /// Sequence of the last event that was read from a journal; 0 if none was.
    std::uint64_t consumed(std::uint64_t journal) const;
    nb::object book(std::uint64_t instrument);
    /// What the clock of the instrument's venue shows now; our own time while nothing is known of it.
    std::int64_t exchange_time(std::uint64_t instrument) const;
    bool stopped() const noexcept { return stopped_; }
    /// The KeyboardInterrupt that came in a callback, to be raised again; None if there was none.
    nb::object interruption() const { return interruption_.is_valid() ? interruption_ : nb::none(); }
    /// Gives up everything that could hold the host in a circle of references.
    void release();

  private:
    struct Handler {
        nb::object callback;
        bool subscribed_only = false;
    };
    struct HeldBook {
        nb::object object;
        InstrumentBook* book;
    };
    struct Deadline {
        std::int64_t due;
        std::uint64_t timer;
        bool operator>(const Deadline& other) const noexcept {
            return due != other.due ? due > other.due : timer > other.timer;
        }
    };

    static std::uint64_t key(std::uint64_t instrument, std::uint32_t type) noexcept {
        return instrument ^ (static_cast<std::uint64_t>(type) * 0x9e3779b97f4a7c15ULL);
    }
    /// Throws std::runtime_error outside of a session.
    const Port& port() const;
    template <class F>
    void guarded(F&& body);
    std::int64_t read(int most);
    /// Calls on_start, once.
    void begin();
    void dispatch(const Event& event);
    void dispatch_book(const Event& event);
    void note_venue_time(const Event& event);
    HeldBook& book_of(std::uint64_t instrument);
    /// By value: the callback may replace itself in `handlers_` while it runs.
    void call(nb::object callback, const Event& event);
    std::int64_t fire_timers();

    Port port_;
    ViewPool pool_;
    std::vector<Handler> handlers_;
    nb::object context_, on_book_, on_start_, on_stop_, on_timer_, on_fault_, interruption_;
    std::unordered_set<std::uint64_t> subscriptions_;
    std::unordered_map<std::uint64_t, HeldBook> books_;
    std::unordered_map<std::uint64_t, std::uint64_t> consumed_;
    std::unordered_map<std::uint64_t, ExchangeClock> venue_clocks_;  // by source
    std::unordered_map<std::uint64_t, std::uint64_t> source_of_;     // by instrument
    std::uint64_t last_journal_ = 0;
    std::uint64_t* last_consumed_ = nullptr;
    std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
    std::unordered_map<std::uint64_t, std::int64_t> timers_;
    std::uint64_t last_timer_ = 0;
    bool started_ = false;
    bool stopped_ = false;
};

void bind_strategy_host(nb::module_& m);

}  // namespace kungfu::python
