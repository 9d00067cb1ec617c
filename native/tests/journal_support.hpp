/// What the journal's tests share: a folder of their own, a writer, a simple event.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "folder.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {

inline WriterOptions options(const std::string& root, Clock& clock, std::uint64_t page_size = kMinPageSize,
                             const std::string& source = "venue", const std::string& name = "MD") {
    WriterOptions o;
    o.root = root;
    o.source = source;
    o.name = name;
    o.page_size = page_size;
    o.clock = &clock;
    return o;
}

inline std::unique_ptr<Writer> open_writer(const WriterOptions& o) {
    std::unique_ptr<Writer> writer;
    std::string error;
    const std::int32_t status = Writer::open(o, writer, error);
    if (status != KF_OK) std::fprintf(stderr, "%s\n", error.c_str());
    CHECK_EQUAL(status, KF_OK);
    return writer;
}

inline std::int32_t put(Writer& writer, std::uint64_t id) {
    Trade trade{};
    trade.trade_id = id;
    return writer.append(Trade::kType, 7, 0, kNoCause, &trade, sizeof trade);
}

inline std::int32_t put_at(Writer& writer, std::int64_t time, std::uint64_t id) {
    Trade trade{};
    trade.trade_id = id;
    return writer.append_at(time, Trade::kType, 7, 0, kNoCause, &trade, sizeof trade);
}

inline std::uint64_t trade_id(const kf_frame* frame) {
    return reinterpret_cast<const Trade*>(frame + 1)->trade_id;
}

inline Location at(const std::string& root, const std::string& source = "venue",
                   const std::string& name = "MD") {
    return {root, source, name, ""};
}

/// The trade ids from the reader's place to the end; events of other types are gone past.
inline std::vector<std::uint64_t> trade_ids(JournalReader& reader) {
    std::vector<std::uint64_t> ids;
    while (const kf_frame* frame = reader.peek()) {
        if (reader.type() == Trade::kType) ids.push_back(trade_id(frame));
        reader.advance();
    }
    return ids;
}

inline std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Overwrites bytes of a file in place.
inline void poke(const std::string& path, std::uint64_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    CHECK(file.good());
}

}  // namespace kungfu::journal
