/// C++ face of the C ABI in abi.h: what a native component, in the core or in a plugin, is written against.
#pragma once

#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kungfu/abi.h"
#include "kungfu/events.hpp"

namespace kungfu {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// One event as it was read, with typed access to its payload.
struct Event : kf_event {
    const void* payload() const noexcept { return frame + 1; }

    /// The payload as T, or nullptr if the event is of another type.
    template <class T>
    const T* as() const noexcept {
        return type == T::kType && length >= sizeof(T) ? static_cast<const T*>(payload()) : nullptr;
    }

    /// What follows the fixed part of T.
    template <class T>
    std::string_view tail() const noexcept {
        return {static_cast<const char*>(payload()) + sizeof(T), length - sizeof(T)};
    }

    kf_cause as_cause() const noexcept { return {journal, frame->sequence, frame->gen_time}; }
};

/// A component's inputs, outputs and time.
class Port {
  public:
    Port() = default;
    explicit Port(const kf_port* port) noexcept : port_(port) {}

    /// Whether there is a port behind this one; nothing else may be called if not.
    explicit operator bool() const noexcept { return port_ != nullptr; }

    bool next(Event& event) const noexcept { return port_->next(port_->self, &event) != 0; }
    std::int64_t now() const noexcept { return port_->now(port_->self); }
    std::uint64_t source() const noexcept { return port_->source(port_->self); }
    std::uint64_t said() const noexcept { return port_->said(port_->self); }

    /// While the component is rebuilt, what it said next; for verdicts that may not be made again.
    enum class Recorded : std::int32_t { NOTHING, OTHER, SAME_TYPE };
    Recorded recorded(std::uint32_t type, const void*& payload, std::uint32_t& length) const noexcept {
        return static_cast<Recorded>(port_->recorded(port_->self, type, &payload, &length));
    }

    /// Appends an event without a tail; the cause is the event last taken unless one is named.
    template <class T>
    std::int32_t append(const T& event, std::uint64_t destination = 0, const kf_cause* cause = nullptr,
                        std::uint32_t output = 0) const noexcept {
        return port_->append(port_->self, output, T::kType, destination, cause, &event, sizeof(T));
    }

    /// Appends an event of a type known only by its number.
    std::int32_t append_raw(std::uint32_t type, std::uint64_t destination, const void* payload,
                            std::uint32_t length, const kf_cause* cause = nullptr,
                            std::uint32_t output = 0) const noexcept {
        return port_->append(port_->self, output, type, destination, cause, payload, length);
    }

    /// Appends an event with a tail of text or of items.
    template <class T>
    std::int32_t append(const T& event, std::string_view tail, std::uint64_t destination = 0,
                        const kf_cause* cause = nullptr, std::uint32_t output = 0) {
        if (tail.empty()) return append(event, destination, cause, output);
        scratch_.resize(sizeof(T) + tail.size());
        std::memcpy(scratch_.data(), &event, sizeof(T));
        std::memcpy(scratch_.data() + sizeof(T), tail.data(), tail.size());
        return port_->append(port_->self, output, T::kType, destination, cause, scratch_.data(),
                             static_cast<std::uint32_t>(scratch_.size()));
    }

  private:
    const kf_port* port_ = nullptr;
    std::vector<char> scratch_;
};

/// A duty cycle: reads what is new, does a bounded amount of work, appends what it has to say.
///
/// A component throws `std::exception` only for a fault that ends it; the message becomes its error.
class Component {
  public:
    virtual ~Component() = default;
    virtual void start(Port port) = 0;
    /// How much it did; 0 if there was nothing to do.
    virtual std::int64_t poll() = 0;
    virtual std::int64_t next_time() { return kNever; }
    virtual void stop() {}
    /// Its state as bytes; empty if it keeps none.
    virtual std::string save() { return {}; }
    /// What it is set to, as text: the detail of its START event.
    virtual std::string settings() { return {}; }
    /// Takes a state that save() gave.
    virtual void load(std::string_view) { throw std::runtime_error("this component keeps no state"); }
};

namespace detail {

struct Exported {
    kf_component table;
    std::unique_ptr<Component> component;
    std::string error;
    std::string saved;
    std::string settings;

    template <class F>
    std::int64_t guarded(F&& body) noexcept {
        try {
            return body();
        } catch (const std::exception& e) {
            error = e.what();
        } catch (...) {
            error = "unknown C++ exception";
        }
        return -1;
    }
};

inline Exported& exported(void* self) noexcept { return *static_cast<Exported*>(self); }

}  // namespace detail

/// Wraps a component into the table that the core takes over; `table->destroy(table->self)` frees both.
inline kf_component* export_component(std::unique_ptr<Component> component) {
    auto* e = new detail::Exported{};
    e->component = std::move(component);
    e->table.abi_version = KF_ABI_VERSION;
    e->table.struct_size = sizeof(kf_component);
    e->table.layout_hash = kLayoutHash;
    e->table.self = e;
    e->table.start = [](void* self, const kf_port* port) -> std::int32_t {
        auto& x = detail::exported(self);
        return static_cast<std::int32_t>(x.guarded([&] { return x.component->start(Port(port)), 0; }));
    };
    e->table.poll = [](void* self) -> std::int64_t {
        auto& x = detail::exported(self);
        return x.guarded([&] { return x.component->poll(); });
    };
    e->table.next_time = [](void* self) -> std::int64_t {
        return detail::exported(self).component->next_time();
    };
    e->table.stop = [](void* self) -> std::int32_t {
        auto& x = detail::exported(self);
        return static_cast<std::int32_t>(x.guarded([&] { return x.component->stop(), 0; }));
    };
    e->table.save = [](void* self, std::uint64_t* size) -> const void* {
        auto& x = detail::exported(self);
        x.saved.clear();
        x.guarded([&] { return x.saved = x.component->save(), 0; });
        *size = x.saved.size();
        return x.saved.data();
    };
    e->table.load = [](void* self, const void* bytes, std::uint64_t size) -> std::int32_t {
        auto& x = detail::exported(self);
        const std::string_view state(static_cast<const char*>(bytes), size);
        return static_cast<std::int32_t>(x.guarded([&] { return x.component->load(state), 0; }));
    };
    e->table.settings = [](void* self, std::uint64_t* size) -> const void* {
        auto& x = detail::exported(self);
        x.guarded([&] { return x.settings = x.component->settings(), 0; });
        *size = x.settings.size();
        return x.settings.data();
    };
    e->table.error = [](void* self) -> const char* { return detail::exported(self).error.c_str(); };
    e->table.destroy = [](void* self) { delete static_cast<detail::Exported*>(self); };
    return &e->table;
}

}  // namespace kungfu
