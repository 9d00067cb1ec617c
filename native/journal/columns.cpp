#include "journal/columns.hpp"

#include <cstring>

namespace kungfu::journal {
namespace {

/// Appends a row; while all rows lie behind each other in one page, only says where they are.
class RowCollector {
  public:
    RowCollector(std::uint32_t size, Columns& columns) : row_(sizeof(kf_frame) + size), columns_(columns) {}

    void add(const JournalReader& reader, const kf_frame* frame, std::uint64_t length) {
        const std::string& path = reader.page().path();
        const bool whole = length == row_ && row_ % 8 == 0;
        if (columns_.count == 0 && whole && hold(path)) {
            columns_.path = path;
            columns_.offset = reader.offset();
        } else if (!columns_.path.empty() && !(whole && path == columns_.path &&
                                               reader.offset() == columns_.offset + columns_.count * row_)) {
            const char* first = held_.data() + columns_.offset;
            columns_.rows.assign(first, first + columns_.count * row_);
            columns_.path.clear();
        }
        ++columns_.count;
        if (!columns_.path.empty()) return;
        const auto* bytes = reinterpret_cast<const char*>(frame);
        const std::uint64_t there = length < row_ ? length : row_;
        columns_.rows.insert(columns_.rows.end(), bytes, bytes + there);
        columns_.rows.resize(columns_.count * row_, '\0');
    }

  private:
    bool hold(const std::string& path) {
        std::string ignored;
        return held_.open(path, 0, false, ignored) == KF_OK;
    }

    std::uint64_t row_;
    Columns& columns_;
    Page held_;  ///< The page of the rows that were not copied, which the reader may leave.
};

}  // namespace

std::int32_t gather(JournalReader& reader, std::uint32_t type, std::uint32_t size, std::int64_t until,
                    bool tails, Columns& columns) {
    RowCollector collector(size, columns);
    while (const kf_frame* frame = reader.peek()) {
        if (frame->gen_time >= until) break;
        if (reader.type() == type) {
            const std::uint32_t length = reader.length();
            collector.add(reader, frame, length);
            if (tails) {
                const std::uint64_t fixed = sizeof(kf_frame) + size;
                const auto* bytes = reinterpret_cast<const char*>(frame);
                if (length > fixed) columns.tails.insert(columns.tails.end(), bytes + fixed, bytes + length);
                columns.tail_ends.push_back(static_cast<std::int64_t>(columns.tails.size()));
            }
        }
        reader.advance();
    }
    return reader.status();
}

}  // namespace kungfu::journal
