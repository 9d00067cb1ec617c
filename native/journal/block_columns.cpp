#include "journal/block_columns.hpp"

#include <algorithm>
#include <cstring>

#include "journal/crc32c.hpp"
#include "journal/page.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {
namespace {

enum Mode : unsigned char {
    kPlain = 0,    ///< The values themselves.
    kDelta = 1,    ///< Their differences from what was expected.
    kExpected = 2  ///< No values: all are as expected.
};

constexpr std::uint64_t kHeader = sizeof(kf_frame);
constexpr std::uint64_t kFirstGroupWord = 4;  ///< Of the header: cause_journal; those before are told apart.
constexpr std::uint64_t kTypeWord = 8;
constexpr std::uint64_t kFirstPayloadWord = 9;
static_assert(offsetof(kf_frame, sequence) == 8 && offsetof(kf_frame, gen_time) == 16 &&
              offsetof(kf_frame, trigger_time) == 24 && offsetof(kf_frame, cause_journal) == 32 &&
              offsetof(kf_frame, type) == 64 && offsetof(kf_frame, flags) == 68);

std::uint64_t load(const char* place) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, place, sizeof word);
    return word;
}

void store(char* place, std::uint64_t word) noexcept { std::memcpy(place, &word, sizeof word); }

std::uint64_t zigzag(std::uint64_t value) noexcept { return (value << 1) ^ (0 - (value >> 63)); }

std::uint64_t unzigzag(std::uint64_t number) noexcept { return (number >> 1) ^ (0 - (number & 1)); }

/// Bytes of a number with seven bits in each.
std::size_t number_size(std::uint64_t number) noexcept {
    return (static_cast<std::size_t>(64 - __builtin_clzll(number | 1)) * 9 + 64) / 64;
}

unsigned char* put_number(unsigned char* out, std::uint64_t number) noexcept {
    if (number < 0x80) {
        *out = static_cast<unsigned char>(number);
        return out + 1;
    }
    if (number >> 56 == 0) {  // Moves all groups of seven bits to their bytes at once.
        const std::size_t size = number_size(number);
        std::uint64_t x = number;
        x = (x & 0x000000000fffffffULL) | (x & 0x00fffffff0000000ULL) << 4;
        x = (x & 0x00003fff00003fffULL) | (x & 0x0fffc0000fffc000ULL) << 2;
        x = (x & 0x007f007f007f007fULL) | (x & 0x3f803f803f803f80ULL) << 1;
        x |= 0x8080808080808080ULL & ((1ULL << 8 * (size - 1)) - 1);
        std::memcpy(out, &x, sizeof x);
        return out + size;
    }
    for (; number >= 0x80; number >>= 7) *out++ = static_cast<unsigned char>(number | 0x80);
    *out++ = static_cast<unsigned char>(number);
    return out;
}

unsigned char* put_values(unsigned char* out, const std::uint64_t* values, std::size_t count) noexcept {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < count; ++i) all |= zigzag(values[i]);
    if (all < 0x80) {
        for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<unsigned char>(zigzag(values[i]));
        return out + count;
    }
    for (std::size_t i = 0; i < count; ++i) out = put_number(out, zigzag(values[i]));
    return out;
}

}  // namespace

/// Reads numbers up to an end, behind which kSlack more bytes may be looked at.
struct BlockColumns::Cursor {
    const unsigned char* at;
    const unsigned char* end;
    bool failed = false;

    std::uint64_t number() noexcept {
        if (at >= end) {
            failed = true;
            return 0;
        }
        if (*at < 0x80) return *at++;
        std::uint64_t x = 0;
        std::memcpy(&x, at, sizeof x);
        const std::uint64_t stops = ~x & 0x8080808080808080ULL;
        if (stops == 0) return long_number();
        x &= stops ^ (stops - 1);
        at += (__builtin_ctzll(stops) + 1) / 8;
        x = (x & 0x007f007f007f007fULL) | (x & 0x7f007f007f007f00ULL) >> 1;
        x = (x & 0x00003fff00003fffULL) | (x & 0x3fff00003fff0000ULL) >> 2;
        return (x & 0x000000000fffffffULL) | (x & 0x0fffffff00000000ULL) >> 4;
    }

    std::uint64_t long_number() noexcept {
        std::uint64_t x = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            const std::uint64_t byte = *at++;
            x |= (byte & 0x7f) << shift;
            if (byte < 0x80) return x;
        }
        failed = true;
        return x;
    }

    /// A number that must not be above a limit.
    std::uint64_t number_up_to(std::uint64_t limit) noexcept {
        const std::uint64_t x = number();
        if (x <= limit) return x;
        failed = true;
        return limit;
    }

    std::uint64_t value() noexcept { return unzigzag(number()); }

    Mode mode() noexcept { return static_cast<Mode>(number_up_to(kExpected)); }

    /// The next value of a column, where `expected` stood to be.
    std::uint64_t value(Mode mode, std::uint64_t expected) noexcept {
        if (mode == kExpected) return expected;
        return mode == kDelta ? value() + expected : value();
    }
};

std::uint32_t BlockColumns::series_of(const char* frame, std::uint32_t length) {
    kf_frame header{};
    std::memcpy(&header, frame, sizeof header);
    const int at = instrument_offset(header.type);
    const auto place = static_cast<std::uint64_t>(at);
    const bool has_instrument = at >= 0 && kHeader + place + 8 <= length;
    const std::uint64_t instrument = has_instrument ? load(frame + kHeader + place) : 0;
    std::uint64_t hash = instrument ^ header.source * 0x9e3779b97f4a7c15ULL ^
                         header.destination * 0xc2b2ae3d27d4eb4fULL ^
                         (static_cast<std::uint64_t>(header.flags) << 32 | header.type);
    hash *= 0x9e3779b97f4a7c15ULL;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash >> 32 & mask;; slot = (slot + 1) & mask) {
        if (slots_[slot] == 0) {
            slots_[slot] = static_cast<std::uint32_t>(series_.size()) + 1;
            break;
        }
        const std::uint32_t known = slots_[slot] - 1;
        const char* example = examples_[known];
        // Source, destination, type and flags stand next to each other.
        if (std::memcmp(example + offsetof(kf_frame, source), frame + offsetof(kf_frame, source),
                        kHeader - offsetof(kf_frame, source)) != 0) {
            continue;
        }
        if (!has_instrument) return known;
        const auto example_length = static_cast<std::uint32_t>(load(example));
        if (kHeader + place + 8 <= example_length && load(example + kHeader + place) == instrument)
            return known;
    }
    const auto same = [&](const Group& g) { return g.type == header.type && g.flags == header.flags; };
    const auto group = std::find_if(groups_.begin(), groups_.end(), same);
    const auto index = static_cast<std::uint32_t>(group - groups_.begin());
    if (group == groups_.end()) {
        const TailLayout tail = tail_layout(header.type);
        groups_.push_back({header.type, header.flags, tail.offset / 8, tail.item_size / 8, 0, 0});
    }
    series_.push_back({index, kNone, 0});
    examples_.push_back(frame);
    return static_cast<std::uint32_t>(series_.size() - 1);
}

bool BlockColumns::plan(const char* rows, std::size_t size) {
    frames_.clear();
    series_of_frame_.clear();
    series_.clear();
    groups_.clear();
    examples_.clear();
    std::size_t slots = 64;
    while (slots < size / kHeader * 2) slots *= 2;
    slots_.assign(slots, 0);
    for (std::size_t offset = 0; offset < size;) {
        if (size - offset < kHeader) return false;
        const auto length = static_cast<std::uint32_t>(load(rows + offset));
        if (length < kHeader || align8(length) > size - offset) return false;
        for (std::size_t i = offset + length; i < offset + align8(length); ++i) {
            if (rows[i] != 0) return false;
        }
        const std::uint32_t number = series_of(rows + offset, length);
        Series& series = series_[number];
        Group& group = groups_[series.group];
        group.fixed_words = std::min<std::uint64_t>(group.fixed_words, (length - kHeader) / 8);
        const auto begin = static_cast<std::uint32_t>(offset);
        frames_.push_back({begin, length, series.last, series.group});
        series_of_frame_.push_back(number);
        series.last = begin;
        offset += align8(length);
    }
    return !frames_.empty();
}

void BlockColumns::sort_by_group() {
    for (Group& group : groups_) group.end = 0;
    for (const Frame& frame : frames_) ++groups_[frame.group].end;
    std::uint32_t begin = 0;
    for (Group& group : groups_) {
        group.begin = begin;
        begin += group.end;
        group.end = group.begin;
    }
    by_group_.resize(frames_.size());
    for (const Frame& frame : frames_) by_group_[groups_[frame.group].end++] = frame;
}

/// Puts the first values of plain_ and deltas_, whichever seem to take less room.
unsigned char* BlockColumns::put_column(unsigned char* out, std::size_t count) const noexcept {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < count; ++i) any |= deltas_[i];
    if (any == 0) {
        *out++ = kExpected;
        return out;
    }
    // A hundred values tell as much as all of them.
    const std::size_t stride = 1 + count / 64;
    std::size_t plain_size = 0;
    std::size_t delta_size = 0;
    for (std::size_t i = 0; i < count; i += stride) {
        plain_size += number_size(zigzag(plain_[i]));
        delta_size += number_size(zigzag(deltas_[i]));
    }
    const bool plain = plain_size < delta_size;
    *out++ = plain ? kPlain : kDelta;
    return put_values(out, plain ? plain_.data() : deltas_.data(), count);
}

unsigned char* BlockColumns::put_group(unsigned char* out, const Group& group, const char* rows) {
    const Frame* begin = by_group_.data() + group.begin;
    const Frame* end = by_group_.data() + group.end;
    for (std::uint64_t word = kFirstGroupWord; word < kFirstPayloadWord + group.fixed_words; ++word) {
        if (word == kTypeWord) continue;
        std::size_t count = 0;
        for (const Frame* f = begin; f != end; ++f, ++count) {
            const std::uint64_t value = load(rows + f->offset + 8 * word);
            const std::uint64_t expected = f->previous == kNone ? 0 : load(rows + f->previous + 8 * word);
            plain_[count] = value;
            deltas_[count] = value - expected;
        }
        out = put_column(out, count);
    }
    const std::uint64_t fixed = kHeader + 8 * group.fixed_words;
    const std::uint64_t item = 8 * group.item_words;
    for (std::uint64_t word = 0; word < group.item_words; ++word) {
        std::size_t count = 0;
        std::uint64_t expected = 0;
        for (const Frame* f = begin; f != end; ++f) {
            const char* place = rows + f->offset + fixed + 8 * word;
            for (std::uint64_t n = (f->length - fixed) / item; n > 0; --n, place += item, ++count) {
                const std::uint64_t value = load(place);
                plain_[count] = value;
                deltas_[count] = value - expected;
                expected = value;
            }
        }
        out = put_column(out, count);
    }
    for (const Frame* f = begin; f != end; ++f) {
        const std::uint64_t rest = item == 0 ? f->length - fixed : (f->length - fixed) % item;
        std::memcpy(out, rows + f->offset + f->length - rest, rest);
        out += rest;
    }
    return out;
}

bool BlockColumns::encode(const char* rows, std::size_t size) {
    if (!plan(rows, size)) return false;
    sort_by_group();
    // The longest columns: a number has at most ten bytes, a frame of w words of payload at most 14 + w
    // numbers and 8 + w modes in 72 + 8 w bytes; and put_number() stores eight bytes at once.
    if (columns_.size() < size * 3 + 64) columns_.resize(size * 3 + 64);
    if (plain_.size() < size / 8) plain_.resize(size / 8);
    if (deltas_.size() < size / 8) deltas_.resize(size / 8);
    unsigned char* out = columns_.data();
    out = put_number(out, frames_.size());
    out = put_number(out, groups_.size());
    for (const Group& group : groups_) {
        out = put_number(out, group.type);
        out = put_number(out, group.flags);
        out = put_number(out, group.fixed_words);
        out = put_number(out, group.item_words);
    }
    out = put_number(out, series_.size());
    for (const Series& series : series_) out = put_number(out, series.group);
    for (const std::uint32_t series : series_of_frame_) out = put_number(out, series);

    const std::size_t count = frames_.size();
    const auto column = [&](auto value_of, auto expected_of) {
        for (std::size_t i = 0; i < count; ++i) {
            plain_[i] = value_of(i);
            deltas_[i] = plain_[i] - expected_of(i);
        }
        out = put_column(out, count);
    };
    const auto word = [&](std::size_t i, std::size_t at) { return load(rows + frames_[i].offset + at); };
    column([&](std::size_t i) { return frames_[i].length - kHeader; },
           [&](std::size_t i) {
               const std::uint32_t before = frames_[i].previous;
               return before == kNone ? 0 : static_cast<std::uint32_t>(load(rows + before)) - kHeader;
           });
    column([&](std::size_t i) { return word(i, offsetof(kf_frame, sequence)); },
           [&](std::size_t i) { return i == 0 ? 0 : plain_[i - 1] + 1; });
    column([&](std::size_t i) { return word(i, offsetof(kf_frame, gen_time)); },
           [&](std::size_t i) { return i == 0 ? 0 : plain_[i - 1]; });
    column([&](std::size_t i) { return word(i, offsetof(kf_frame, trigger_time)); },
           [&](std::size_t i) { return word(i, offsetof(kf_frame, gen_time)); });
    for (const Group& group : groups_) out = put_group(out, group, rows);
    columns_size_ = static_cast<std::size_t>(out - columns_.data());
    return true;
}

bool BlockColumns::read_plan(Cursor& in, char* rows, std::size_t size) {
    frames_.clear();
    series_.clear();
    groups_.clear();
    const std::uint64_t frames = in.number_up_to(size / kHeader);
    const std::uint64_t groups = in.number_up_to(frames);
    for (std::uint64_t i = 0; i < groups; ++i) {
        const auto type = static_cast<std::uint32_t>(in.number_up_to(0xffffffffU));
        const auto flags = static_cast<std::uint32_t>(in.number_up_to(0xffffffffU));
        const std::uint64_t fixed_words = in.number_up_to(size / 8);
        groups_.push_back({type, flags, fixed_words, in.number_up_to(size / 8), 0, 0});
    }
    const std::uint64_t series = in.number_up_to(frames);
    if (in.failed || groups == 0 || series == 0) return false;
    for (std::uint64_t i = 0; i < series; ++i) {
        series_.push_back({static_cast<std::uint32_t>(in.number_up_to(groups - 1)), kNone, 0});
    }
    series_of_frame_.resize(frames);
    for (std::uint32_t& number : series_of_frame_) {
        number = static_cast<std::uint32_t>(in.number_up_to(series - 1));
    }
    const Mode mode = in.mode();
    std::uint64_t offset = 0;
    for (const std::uint32_t number : series_of_frame_) {
        Series& s = series_[number];
        const std::uint64_t payload = in.value(mode, s.last == kNone ? 0 : s.last_length - kHeader);
        if (in.failed || payload > size || kHeader + align8(payload) > size - offset ||
            payload / 8 < groups_[s.group].fixed_words) {
            return false;
        }
        const auto length = static_cast<std::uint32_t>(kHeader + payload);
        const auto begin = static_cast<std::uint32_t>(offset);
        frames_.push_back({begin, length, s.last, s.group});
        s.last = begin;
        s.last_length = length;
        offset += align8(length);
        if (length % 8 != 0) store(rows + offset - 8, 0);
    }
    return !in.failed && offset == size;
}

bool BlockColumns::read_times(Cursor& in, char* rows) const noexcept {
    Mode mode = in.mode();
    std::uint64_t expected = 0;
    for (const Frame& f : frames_) {
        const std::uint64_t sequence = in.value(mode, expected);
        store(rows + f.offset + offsetof(kf_frame, sequence), sequence);
        expected = sequence + 1;
    }
    mode = in.mode();
    expected = 0;
    for (const Frame& f : frames_) {
        expected = in.value(mode, expected);
        store(rows + f.offset + offsetof(kf_frame, gen_time), expected);
    }
    mode = in.mode();
    for (const Frame& f : frames_) {
        char* frame = rows + f.offset;
        store(frame + offsetof(kf_frame, trigger_time),
              in.value(mode, load(frame + offsetof(kf_frame, gen_time))));
    }
    return !in.failed;
}

bool BlockColumns::read_group(Cursor& in, const Group& group, char* rows) const noexcept {
    const Frame* begin = by_group_.data() + group.begin;
    const Frame* end = by_group_.data() + group.end;
    if (begin == end) return false;
    const std::uint64_t type = static_cast<std::uint64_t>(group.flags) << 32 | group.type;
    for (const Frame* f = begin; f != end; ++f) store(rows + f->offset + 8 * kTypeWord, type);
    for (std::uint64_t word = kFirstGroupWord; word < kFirstPayloadWord + group.fixed_words; ++word) {
        if (word == kTypeWord) continue;
        const Mode mode = in.mode();
        for (const Frame* f = begin; f != end; ++f) {
            const std::uint64_t expected = f->previous == kNone ? 0 : load(rows + f->previous + 8 * word);
            store(rows + f->offset + 8 * word, in.value(mode, expected));
        }
        if (in.failed) return false;
    }
    const std::uint64_t fixed = kHeader + 8 * group.fixed_words;
    const std::uint64_t item = 8 * group.item_words;
    for (std::uint64_t word = 0; word < group.item_words && !in.failed; ++word) {
        const Mode mode = in.mode();
        std::uint64_t expected = 0;
        for (const Frame* f = begin; f != end; ++f) {
            char* place = rows + f->offset + fixed + 8 * word;
            for (std::uint64_t n = (f->length - fixed) / item; n > 0; --n, place += item) {
                expected = in.value(mode, expected);
                store(place, expected);
            }
        }
    }
    if (in.failed) return false;
    for (const Frame* f = begin; f != end; ++f) {
        const std::uint64_t rest = item == 0 ? f->length - fixed : (f->length - fixed) % item;
        if (in.at > in.end || rest > static_cast<std::uint64_t>(in.end - in.at)) return false;
        std::memcpy(rows + f->offset + f->length - rest, in.at, rest);
        in.at += rest;
    }
    return true;
}

bool BlockColumns::decode(const unsigned char* columns, std::size_t columns_size, char* rows,
                          std::size_t size, std::uint32_t key, std::uint64_t offset) {
    Cursor in{columns, columns + columns_size};
    if (!read_plan(in, rows, size)) return false;
    sort_by_group();
    if (!read_times(in, rows)) return false;
    for (const Group& group : groups_) {
        if (!read_group(in, group, rows)) return false;
    }
    if (in.failed || in.at != in.end) return false;
    for (const Frame& f : frames_) {
        const std::uint64_t checksum = frame_checksum(key, offset + f.offset, f.length, rows + f.offset + 8);
        store(rows + f.offset, checksum << 32 | f.length);
    }
    return true;
}

}  // namespace kungfu::journal
