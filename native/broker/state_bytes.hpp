/// State of the broker as bytes, for snapshots: plain values one behind the other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace kungfu::broker {

class StateWriter {
  public:
    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put_text(std::string_view text) {
        put(static_cast<std::uint64_t>(text.size()));
        bytes_.append(text);
    }
    const std::string& bytes() const noexcept { return bytes_; }

  private:
    std::string bytes_;
};

/// Gives zeros, and is no longer `good`, once the bytes do not hold what is asked for.
class StateReader {
  public:
    explicit StateReader(std::string_view bytes) noexcept : bytes_(bytes) {}

    template <class T>
    T get() noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        char bytes[sizeof(T)] = {};
        if (bytes_.size() < sizeof bytes) {
            fail();
        } else {
            bytes_.copy(bytes, sizeof bytes);
            bytes_.remove_prefix(sizeof bytes);
        }
        T value;
        std::memcpy(&value, bytes, sizeof value);
        return value;
    }
    std::string_view get_text() noexcept {
        const auto size = get<std::uint64_t>();
        if (bytes_.size() < size) return fail(), std::string_view();
        const std::string_view text = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return text;
    }
    bool good() const noexcept { return good_; }
    bool at_end() const noexcept { return bytes_.empty(); }

  private:
    void fail() noexcept {
        good_ = false;
        bytes_ = {};
    }

    std::string_view bytes_;
    bool good_ = true;
};

template <class Map>
void put_map(StateWriter& state, const Map& map) {
    state.put(static_cast<std::uint64_t>(map.size()));
    for (const auto& [key, value] : map) state.put(key), state.put(value);
}

template <class Map>
void get_map(StateReader& state, Map& map) {
    map.clear();
    for (auto n = state.get<std::uint64_t>(); n > 0 && state.good(); --n) {
        const auto key = state.get<typename Map::key_type>();
        map[key] = state.get<typename Map::mapped_type>();
    }
}

}  // namespace kungfu::broker
