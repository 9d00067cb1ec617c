// Readers in other threads see every event whole and in order while it is written.
#include <atomic>
#include <cstring>
#include <thread>

#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

int main() {
    constexpr std::uint64_t kEvents = 20'000;
    Folder folder;
    Clock clock;
    std::atomic<bool> written{false};
    std::vector<std::thread> readers;
    for (const bool verify : {false, true}) {
        readers.emplace_back([&, verify] {
            JournalReader reader(at(folder.path()), core_types(), verify);
            std::uint64_t seen = 0;
            while (seen < kEvents) {
                const bool last_look = written.load();
                while (const kf_frame* frame = reader.peek()) {
                    CHECK_EQUAL(frame->sequence, ++seen);
                    CHECK_EQUAL(trade_id(frame), seen * 3);
                    reader.advance();
                }
                CHECK_EQUAL(reader.status(), KF_OK);
                CHECK(!last_look || seen == kEvents);
                std::this_thread::yield();
            }
        });
    }
    auto writer = open_writer(options(folder.path(), clock));
    for (std::uint64_t i = 1; i <= kEvents; ++i) CHECK_EQUAL(put(*writer, i * 3), KF_OK);
    written = true;
    for (auto& reader : readers) reader.join();
    CHECK(list_pages(at(folder.path())).size() > 20);
}
