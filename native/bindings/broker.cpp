#include "bindings/broker.hpp"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/component.hpp"
#include "bindings/layout.hpp"
#include "bindings/limits.hpp"
#include "bindings/view.hpp"
#include "broker/broker.hpp"
#include "broker/exact.hpp"
#include "kungfu/id.hpp"

namespace kungfu::python {

namespace {

nb::object decimal(int128 mantissa, int exponent) {
    nb::object value = nb::steal(read_decimal(mantissa, exponent));
    if (!value.is_valid()) throw nb::python_error();
    return value;
}

nb::object decimal(Number value) { return decimal(value.mantissa, value.exponent); }
nb::object decimal(Money value) { return decimal(value.mantissa, value.exponent); }

Number number(nb::handle value, const char* what) {
    const std::string text = nb::cast<std::string>(nb::str(value));
    Number out;
    if (parse_number(text, out) == NumberError::OK) return out;
    throw nb::value_error((std::string(what) + ": expected a decimal number that fits, got " + text).c_str());
}

/// str(object) as UTF-8, whatever it holds: a check must not end the broker by what it says.
std::string text_of(nb::handle object) {
    nb::object text = nb::steal(PyObject_Str(object.ptr()));
    nb::object utf8;
    if (text.is_valid()) {
        utf8 = nb::steal(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "backslashreplace"));
    }
    if (!utf8.is_valid()) {
        PyErr_Clear();
        return "(no text)";
    }
    return {PyBytes_AsString(utf8.ptr()), static_cast<std::size_t>(PyBytes_Size(utf8.ptr()))};
}

/// What a check written in Python may look at; alive only while the check runs.
class OpenRiskView {
  public:
    explicit OpenRiskView(nb::object instrument_class) : instrument_class_(std::move(instrument_class)) {}

    void open(const broker::RiskView* view) noexcept { view_ = view; }

    const broker::RiskView& view() const {
        if (view_ == nullptr) throw std::runtime_error("a risk view can be used only while its check runs");
        return *view_;
    }

    nb::object instrument(std::uint64_t id) const {
        const Instrument* definition = view().instrument(id);
        if (definition == nullptr) return nb::none();
        const std::string_view name = view().instrument_name(id);
        std::vector<char> frame(sizeof(kf_frame) + sizeof(Instrument) + name.size());
        std::memcpy(frame.data() + sizeof(kf_frame), definition, sizeof(Instrument));
        std::memcpy(frame.data() + sizeof(kf_frame) + sizeof(Instrument), name.data(), name.size());
        const kf_event event{reinterpret_cast<const kf_frame*>(frame.data()), 0, Instrument::kType,
                             static_cast<std::uint32_t>(frame.size() - sizeof(kf_frame))};
        nb::object made = nb::steal(new_view(instrument_class_.ptr(), event));
        if (!made.is_valid() || !keep(reinterpret_cast<ViewObject*>(made.ptr()))) throw nb::python_error();
        return made;
    }

  private:
    const broker::RiskView* view_ = nullptr;
    nb::object instrument_class_;
};

/// What a view says of an account in a currency, as Python asks for it.
template <Money (broker::RiskView::*Ask)(std::uint64_t, std::string_view) const>
nb::object of_account(const OpenRiskView& view, std::uint64_t account, std::string_view currency) {
    return decimal((view.view().*Ask)(account, currency));
}

/// A check written in Python, as a member of the native chain.
class PythonCheck : public broker::RiskCheck {
  public:
    PythonCheck(std::string name, nb::object check, const nb::object& events)
        : name_(std::move(name)),
          check_(check.attr("check")),
          orders_(order_class(events)),
          view_(nb::cast(OpenRiskView(events.attr("Instrument")))) {}

    ~PythonCheck() override {
        const nb::gil_scoped_acquire gil;
        check_.reset();
        view_.reset();
    }

    std::string_view name() const override { return name_; }

    Verdict judge(const OrderRequest& order, const broker::RiskView& view, std::string& reason) override {
        const nb::gil_scoped_acquire gil;
        const Opened opened(*nb::inst_ptr<OpenRiskView>(view_), view);
        return ask(order, view.now(), reason);
    }

  private:
    /// Opens the view for one check, and closes it however the check ends.
    struct Opened {
        Opened(OpenRiskView& risk, const broker::RiskView& view) noexcept : risk_(risk) { risk_.open(&view); }
        ~Opened() { risk_.open(nullptr); }
        Opened(const Opened&) = delete;
        Opened& operator=(const Opened&) = delete;
        OpenRiskView& risk_;
    };

    static nb::list order_class(const nb::object& events) {
        nb::list classes;
        classes.append(events.attr("OrderRequest"));
        return classes;
    }

    Verdict ask(const OrderRequest& order, std::int64_t now, std::string& reason) {
        try {
            const nb::object answer = call(order, now);
            if (answer.is_none()) return Verdict::ALLOWED;
            if (nb::isinstance<nb::str>(answer)) {
                reason = name_ + ": " + text_of(answer);
                return Verdict::REFUSED;
            }
            reason = "risk check " + name_ + " failed: it returned " +
                     nb::cast<std::string>(nb::repr(answer)) + ", expected a reason or None";
        } catch (nb::python_error& raised) {
            if (raised.matches(PyExc_KeyboardInterrupt))
                throw broker::Fault("risk check " + name_ + " was interrupted");
            const std::string kind = nb::cast<std::string>(raised.type().attr("__name__"));
            reason = "risk check " + name_ + " failed: " + kind + ": " + text_of(raised.value());
        }
        return Verdict::FAILED;
    }

    nb::object call(const OrderRequest& order, std::int64_t now) {
        frame_.header = {};
        frame_.header.gen_time = now;
        frame_.header.source = order.strategy;
        frame_.order = order;
        PyObject* event = orders_.view({&frame_.header, 0, OrderRequest::kType, sizeof order});
        if (event == nullptr) throw nb::python_error();
        const auto keep_if_held = [event] {
            return Py_REFCNT(event) == 1 || keep(reinterpret_cast<ViewObject*>(event));
        };
        try {
            nb::object answer = check_(nb::handle(event), view_);
            if (keep_if_held()) return answer;
        } catch (nb::python_error&) {
            // The frames of the traceback hold the event, and may live longer than the order under it.
            if (!keep_if_held()) PyErr_Clear();
            throw;
        }
        throw nb::python_error();
    }

    struct {
        kf_frame header;
        OrderRequest order;
    } frame_{};
    std::string name_;
    nb::object check_;
    ViewPool orders_;
    nb::object view_;
};

/// Name, order types, times in force, triggers, and the names of what else it can do.
using GatewayRow = std::tuple<std::string, std::vector<std::uint32_t>, std::vector<std::uint32_t>,
                              std::vector<std::uint32_t>, std::vector<std::string>>;
using LeverageRow = std::tuple<std::string, std::string>;
using RouteRow = std::tuple<std::string, std::string, bool, std::string, std::vector<LeverageRow>>;
using CheckRow = std::tuple<std::string, nb::object>;
using JournalRow = std::tuple<std::string, std::string, std::string, std::string>;
using TimingRow = std::map<std::string, std::int64_t>;

std::uint32_t bits_of(const std::vector<std::uint32_t>& values) {
    std::uint32_t bits = 0;
    for (const std::uint32_t value : values) {
        if (value > 31)
            throw nb::value_error(("capability " + std::to_string(value) + " is not known").c_str());
        bits |= 1U << value;
    }
    return bits;
}

broker::Timing timing_of(const TimingRow& row) {
    broker::Timing timing;
    for (const auto& [name, ns] : row) {
        bool known = false;
        broker::Timing::each(timing, [&, &name = name, ns = ns](const char* one, std::int64_t& value) {
            if (name == one) value = ns, known = true;
        });
        if (!known) throw nb::value_error(("timing has no " + name).c_str());
    }
    return timing;
}

bool& ability(broker::Capabilities& capabilities, const std::string& name) {
    bool* found = nullptr;
    broker::Capabilities::each_ability(capabilities, [&](const char* one, bool& value) {
        if (name == one) found = &value;
    });
    if (!found) throw nb::value_error(("capability " + name + " is not known").c_str());
    return *found;
}

broker::MissedTrigger missed_trigger(const std::string& name) {
    if (name == "ask") return broker::MissedTrigger::ASK;
    if (name == "fire") return broker::MissedTrigger::FIRE;
    if (name == "cancel") return broker::MissedTrigger::CANCEL;
    throw nb::value_error(("missed trigger " + name + ": expected ask, fire or cancel").c_str());
}

nb::object make_broker(const std::vector<GatewayRow>& gateways, const std::vector<RouteRow>& routes,
                       const std::vector<CheckRow>& checks, const TimingRow& timing,
                       const std::optional<JournalRow>& own, const std::string& missed,
                       const std::vector<OffsetRow>& day_zone, const std::vector<LimitRow>& limits,
                       const std::vector<std::string>& algorithms, std::int64_t budget,
                       std::uint32_t most_faults) {
    broker::BrokerConfig config;
    config.timing = timing_of(timing);
    config.limits = limits_of(limits);
    config.hooks = {budget, most_faults};
    if (own) {
        const auto& [root, source, name, scope] = *own;
        config.history = std::make_unique<broker::OrderHistory>(journal::Location{root, source, name, scope});
    }
    for (const auto& [name, order_types, times_in_force, triggers, abilities] : gateways) {
        broker::Capabilities capabilities;
        capabilities.order_types = bits_of(order_types);
        capabilities.times_in_force = bits_of(times_in_force);
        capabilities.triggers = bits_of(triggers);
        for (const std::string& one : abilities) ability(capabilities, one) = true;
        config.gateways.push_back({id_of(name), name, capabilities});
    }
    for (const std::string& name : algorithms)
        config.algorithms.push_back(broker::algorithm(id_of(name), name));
    config.emulation.missed_trigger = missed_trigger(missed);
    config.emulation.clock = day_clock_of(day_zone);
    for (const auto& [account, gateway, hedging, leverage, leverages] : routes) {
        broker::AccountTerms terms{hedging, number(nb::cast(leverage), "leverage"), {}};
        for (const auto& [instrument, other] : leverages)
            terms.leverages.emplace_back(id_of(instrument), number(nb::cast(other), "leverage"));
        config.routes.push_back({id_of(account), account, id_of(gateway), std::move(terms)});
    }
    const nb::object events = nb::module_::import_("kungfu_core.events");
    for (const auto& [name, check] : checks) {
        config.checks.push_back(std::make_unique<PythonCheck>(name, check, events));
    }
    return component_capsule(std::make_unique<broker::Broker>(std::move(config)));
}

}  // namespace

void bind_broker(nb::module_& m) {
    nb::class_<OpenRiskView>(m, "RiskView", "What a risk check may look at, while it runs.")
        .def_prop_ro("now", [](const OpenRiskView& v) { return v.view().now(); })
        .def_prop_ro("reduces_position", [](const OpenRiskView& v) { return v.view().reduces_position(); })
        .def(
            "position",
            [](const OpenRiskView& v, std::uint64_t account, std::uint64_t instrument) {
                return decimal(v.view().position(account, instrument));
            },
            nb::arg("account"), nb::arg("instrument"))
        .def(
            "result",
            [](const OpenRiskView& v, std::uint8_t scope, std::uint64_t subject, std::string_view currency) {
                return decimal(v.view().result(static_cast<Scope>(scope), subject, currency));
            },
            nb::arg("scope"), nb::arg("subject"), nb::arg("currency"))
        .def("unrealized", &of_account<&broker::RiskView::unrealized>, nb::arg("account"),
             nb::arg("currency"))
        .def("equity", &of_account<&broker::RiskView::equity>, nb::arg("account"), nb::arg("currency"))
        .def("margin_used", &of_account<&broker::RiskView::margin_used>, nb::arg("account"),
             nb::arg("currency"))
        .def("margin_free", &of_account<&broker::RiskView::margin_free>, nb::arg("account"),
             nb::arg("currency"))
        .def(
            "open_size",
            [](const OpenRiskView& v, std::uint64_t account, std::uint64_t instrument, std::uint8_t side) {
                return decimal(v.view().open_size(account, instrument, static_cast<Side>(side)));
            },
            nb::arg("account"), nb::arg("instrument"), nb::arg("side"))
        .def(
            "last_price",
            [](const OpenRiskView& v, std::uint64_t i) { return decimal(v.view().last_price(i)); },
            nb::arg("instrument"))
        .def(
            "mid_price",
            [](const OpenRiskView& v, std::uint64_t i) { return decimal(v.view().mid_price(i)); },
            nb::arg("instrument"))
        .def(
            "notional",
            [](const OpenRiskView& v, std::uint64_t i, nb::handle price, nb::handle size) {
                return decimal(v.view().notional(i, number(price, "price"), number(size, "size")));
            },
            nb::arg("instrument"), nb::arg("price"), nb::arg("size"))
        .def("balance", &of_account<&broker::RiskView::balance>, nb::arg("account"), nb::arg("currency"))
        .def("instrument", &OpenRiskView::instrument, nb::arg("instrument"));

    m.def("make_broker", &make_broker, nb::arg("gateways"), nb::arg("routes"), nb::arg("checks"),
          nb::arg("timing") = TimingRow(), nb::arg("own").none() = nb::none(),
          nb::arg("missed_trigger") = "ask", nb::arg("day_zone") = std::vector<OffsetRow>(),
          nb::arg("limits") = std::vector<LimitRow>(), nb::arg("algorithms") = std::vector<std::string>(),
          nb::arg("budget") = 0, nb::arg("most_faults") = 3,
          "A broker component. A gateway is (source, order types, times in force, triggers, names of what\n"
          "else it can do), a route (account, source of its gateway, hedging, leverage, leverages of single\n"
          "instruments by name), a check (name, object with check(order, view)). `timing` is ns by the\n"
          "names of native/broker/settling.hpp; `own` is the broker's journal (root, source, name, scope),\n"
          "from which it reads back orders that are over. The day zone is (from a time on, ahead of UTC) in\n"
          "ns, the earliest first; none is UTC. Limits are (scope, name of its account or strategy, limits\n"
          "by name as text, time zone like the day zone). Algorithms are sources that take orders, too.\n"
          "`budget` is what one check may take of the wall clock for one order, in ns: 0 where time is\n"
          "simulated, as no clock may then be looked at.");
}

}  // namespace kungfu::python
