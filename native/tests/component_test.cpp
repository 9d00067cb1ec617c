/// Wirings tell what was consumed before what was said; the runner keeps to time and to the ABI.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "component/runner.hpp"
#include "component/wiring.hpp"
#include "journal_support.hpp"
#include "kungfu/component.hpp"
#include "kungfu/id.hpp"

using namespace kungfu;  // NOLINT(google-build-using-namespace): a test of this namespace alone

namespace {

constexpr std::int64_t kStart = 1'767'225'600'000'000'000;

std::unique_ptr<journal::Writer> writer(const std::string& root, const std::string& source,
                                        const std::string& name, Clock* clock) {
    return journal::open_writer(journal::options(root, *clock, journal::kMinPageSize, source, name));
}

/// Answers every trade with a log event and remembers the times that it was given.
struct Echo : Component {
    Port port;
    std::vector<std::int64_t>* times;
    explicit Echo(std::vector<std::int64_t>* out) : times(out) {}
    void start(Port p) override { port = std::move(p); }
    std::int64_t poll() override {
        Event event;
        std::int64_t handled = 0;
        for (; port.next(event); ++handled) {
            if (event.as<Trade>() == nullptr) continue;
            times->push_back(port.now());
            CHECK(port.append(Log{}, "seen") == KF_OK);
        }
        return handled;
    }
};

/// Announces a time and then does nothing.
struct Idler : Component {
    void start(Port) override {}
    std::int64_t poll() override { return 0; }
    std::int64_t next_time() override { return kStart; }
};

struct Thrower : Component {
    void start(Port) override {}
    std::int64_t poll() override { throw std::runtime_error("broken on purpose"); }
    std::int64_t next_time() override { return kStart; }
};

std::vector<kf_event> read_all(const journal::Location& location, std::vector<std::vector<char>>& frames) {
    journal::Reader reader;
    CHECK(reader.join(location) == KF_OK);
    std::vector<kf_event> events;
    kf_event event{};
    while (reader.next(event)) {
        const auto* bytes = reinterpret_cast<const char*>(event.frame);
        frames.emplace_back(bytes, bytes + sizeof(kf_frame) + event.length);
        events.push_back(event);
    }
    for (std::size_t i = 0; i < events.size(); ++i)
        events[i].frame = reinterpret_cast<kf_frame*>(frames[i].data());
    return events;
}

void consumption_stands_before_what_follows_from_it() {
    const Folder folder;
    Clock recorded(Clock::Kind::SIMULATED, kStart);
    const auto md = writer(folder.path(), "a", "MD", &recorded);
    const auto other = writer(folder.path(), "b", "MD", &recorded);
    for (int i = 0; i < 6; ++i) {
        recorded.set(kStart + i);
        Trade trade{};
        trade.instrument = id_of("x:spot:Y");
        auto& to = i % 3 == 2 ? other : md;
        CHECK(to->append(Trade::kType, 1, 0, kf_cause{}, &trade, sizeof trade) == KF_OK);
    }

    Clock clock(Clock::Kind::SIMULATED, kStart - 1);
    auto wiring = std::make_shared<Wiring>("echo", &clock, journal::core_types());
    CHECK(wiring->inputs().join(md->location()) == KF_OK);
    CHECK(wiring->inputs().join(other->location()) == KF_OK);
    wiring->add_output(writer(folder.path(), "echo", "STRATEGY", &clock));
    std::vector<std::int64_t> times;
    Runner runner(&clock);
    CHECK(runner.add(export_component(std::make_unique<Echo>(&times)), wiring));
    CHECK(runner.start());
    CHECK(runner.simulate(kNever - 1, 1 << 20) == 6);
    CHECK(runner.stop());
    CHECK((times ==
           std::vector<std::int64_t>{kStart, kStart + 1, kStart + 2, kStart + 3, kStart + 4, kStart + 5}));

    std::vector<std::vector<char>> frames;
    std::uint64_t consumed_a = 0;
    std::uint64_t consumed_b = 0;
    int said = 0;
    for (const kf_event& event : read_all({folder.path(), "echo", "STRATEGY", ""}, frames)) {
        if (event.type == Consumption::kType) {
            const auto* said_read = reinterpret_cast<const Consumption*>(event.frame + 1);
            CHECK(!said_read->skips);
            const auto* runs = reinterpret_cast<const ConsumedRun*>(said_read + 1);
            const std::size_t count = (event.length - sizeof(Consumption)) / sizeof(ConsumedRun);
            for (std::size_t i = 0; i < count; ++i) {
                (runs[i].journal == md->id() ? consumed_a : consumed_b) = runs[i].up_to;
            }
        }
        if (event.type != Log::kType) continue;
        ++said;
        CHECK(event.frame->gen_time == kStart + said - 1);
        CHECK(event.frame->trigger_time == event.frame->gen_time);
        const bool from_a = event.frame->cause_journal == md->id();
        CHECK(event.frame->cause_sequence == (from_a ? consumed_a : consumed_b));
    }
    CHECK(said == 6);
    CHECK(consumed_a == 4 && consumed_b == 2);
}

void what_lies_after_the_end_is_left_alone() {
    const Folder folder;
    Clock recorded(Clock::Kind::SIMULATED, kStart);
    const auto md = writer(folder.path(), "a", "MD", &recorded);
    for (int i = 0; i < 3; ++i) {
        recorded.set(kStart + 10 * i);
        const Trade trade{};
        CHECK(md->append(Trade::kType, 1, 0, kf_cause{}, &trade, sizeof trade) == KF_OK);
    }
    Clock clock(Clock::Kind::SIMULATED, kStart);
    auto wiring = std::make_shared<Wiring>("echo", &clock, journal::core_types());
    CHECK(wiring->inputs().join(md->location()) == KF_OK);
    wiring->add_output(writer(folder.path(), "echo", "STRATEGY", &clock));
    std::vector<std::int64_t> times;
    Runner runner(&clock);
    CHECK(runner.add(export_component(std::make_unique<Echo>(&times)), wiring));
    CHECK(runner.start());
    CHECK(runner.simulate(kStart + 15, 1 << 20) == 2);
    CHECK(clock.now() == kStart + 10);
    CHECK(runner.next_time() == kStart + 20);
}

void faults_and_strangers_are_refused() {
    Clock clock(Clock::Kind::SIMULATED, kStart);
    const auto wire = [&clock](const char* name) {
        return std::make_shared<Wiring>(name, &clock, journal::core_types());
    };
    Runner runner(&clock);
    kf_component* stranger = export_component(std::make_unique<Idler>());
    stranger->layout_hash ^= 1;
    CHECK(!runner.add(stranger, wire("stranger")));
    CHECK(runner.error().find("stranger") != std::string::npos);
    stranger->layout_hash ^= 1;
    stranger->abi_version += 1;
    CHECK(!runner.add(stranger, wire("stranger")));
    CHECK(runner.error().find("ABI version 2") != std::string::npos);
    stranger->destroy(stranger->self);

    CHECK(runner.add(export_component(std::make_unique<Idler>()), wire("idler")));
    CHECK(runner.start());
    CHECK(runner.simulate(kNever - 1, 10) == -1);
    CHECK(runner.error().find("announced") != std::string::npos);

    Runner broken(&clock);
    CHECK(broken.add(export_component(std::make_unique<Thrower>()), wire("thrower")));
    CHECK(broken.start());
    CHECK(broken.simulate(kNever - 1, 10) == -1);
    CHECK(broken.error().find("thrower: poll failed: broken on purpose") == 0);
}

}  // namespace

int main() {
    consumption_stands_before_what_follows_from_it();
    what_lies_after_the_end_is_left_alone();
    faults_and_strangers_are_refused();
    return 0;
}
