/// Pages for one writer: made ahead of it, sealed behind it, kept on the disk, on a thread of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "journal/background_compression.hpp"
#include "journal/doorbell.hpp"
#include "journal/index.hpp"
#include "journal/location.hpp"
#include "journal/page.hpp"
#include "journal/tables.hpp"

namespace kungfu::journal {

/// A page that is being written, or will be.
struct LivePage {
    Page page;
    IndexBuilder index;
    std::uint64_t first_offset = 0;   ///< Behind the tables, where the first event goes.
    std::uint64_t tables_change = 0;  ///< Which state of the tables stands in the page.
    std::int64_t day = 0;             ///< Of the folder that it lies in, since 1970 UTC.
    std::uint64_t end_offset = 0;     ///< Of the PAGE_END frame, once it is written.
    LivePage* behind = nullptr;       ///< The page that was retired before this one.

    alignas(64) std::mutex preparing;                    ///< Both threads may find that more must be ready.
    std::atomic<std::uint64_t> ready{0};                 ///< Up to here the writer's stores cannot fail.
    alignas(64) std::atomic<std::uint64_t> position{0};  ///< Up to here it is written.
    std::atomic<std::uint64_t> durable{0};               ///< Up to here it is on the disk.
};

/// What a writer's pages have in common.
struct PageTerms {
    Location location;
    std::uint64_t journal = 0;
    std::uint64_t page_size = kDefaultPageSize;
    Durability durability = Durability::NONE;
    std::int64_t sync_interval = 0;  ///< ns between two syncs with INTERVAL.
    bool compresses = false;         ///< Sealed pages, in the background.
    Doorbell* bell = nullptr;        ///< Rung when readers may see more, with COMMIT.
};

/// The writer's thread calls everything here; what `helper_loop` does runs on the helper's. The helper is
/// started by the first nudge(), so a small journal never has one.
class PageSupply {
  public:
    explicit PageSupply(PageTerms terms) : terms_(std::move(terms)) {}
    ~PageSupply() { stop(); }
    PageSupply(const PageSupply&) = delete;
    PageSupply& operator=(const PageSupply&) = delete;

    /// Takes in a definition that all further pages must repeat.
    template <class Learn>
    void define(Learn learn) {
        const std::lock_guard lock(tables_lock_);
        learn(tables_);
        tables_change_.fetch_add(1, std::memory_order_relaxed);
    }
    /// Only the writer's thread may look, since only it defines.
    const Tables& tables() const noexcept { return tables_; }

    /// Gives the page of this number: the one that was made ahead, or one that is made now. `time` tells the
    /// folder it most likely belongs to. KF_OK, or a code and errno.
    std::int32_t take(std::uint64_t number, std::int64_t time, std::unique_ptr<LivePage>& page);
    /// The page that take() will give, if it is made already.
    LivePage* made_ahead() const noexcept { return next_.load(std::memory_order_acquire); }
    /// Takes a page back that could not be begun.
    void give_back(std::unique_ptr<LivePage> page);
    /// Lays the present tables into a page that has others.
    std::int32_t renew_tables(LivePage& page);
    /// Makes a page ready up to an offset, now. KF_OK, or a code and errno.
    static std::int32_t make_ready(LivePage& page, std::uint64_t to);

    /// From now on this page is the one that is written.
    void watch(LivePage* page) noexcept { current_.store(page, std::memory_order_release); }
    /// Leaves the file of a page that is sealed already to be compressed, if pages are.
    void offer(const std::string& sealed_page);
    /// The same, and leaves an ended page to be sealed and unmapped before anything is said of the new one.
    void move_on(std::unique_ptr<LivePage> ended, LivePage* begun) noexcept;
    /// Seals an ended page that nobody else has, now; puts it on the disk where its readers wait for that.
    void seal(LivePage& page);
    /// Tells that the writer came to the next mark on its way through the page, at this generation time.
    void pass_mark(std::int64_t time) noexcept;
    /// Lets the helper look for work; starts it if it never ran.
    void nudge() noexcept;
    /// The errno of a sync that failed; 0 if none did.
    int sync_failure() const noexcept { return sync_failure_.load(std::memory_order_relaxed); }
    /// Waits until all that was written is on the disk; false if that failed. Not for Durability::NONE.
    bool wait_until_durable();
    /// Ends the helper, seals what is left to seal, and removes the page that was made ahead.
    void stop() noexcept;

  private:
    static constexpr std::int64_t kLong = std::numeric_limits<std::int64_t>::max();

    std::int32_t make(std::uint64_t number, std::int64_t time, std::unique_ptr<LivePage>& page);
    std::int32_t lay_tables(LivePage& page);
    void helper_loop();
    bool is_writer_busy() const noexcept;
    bool seal_retired();
    bool make_ready_ahead(LivePage& page);
    bool make_next(const LivePage& page);
    bool sync_if_due(LivePage& page);
    bool sync(LivePage& page);
    void rest();

    const PageTerms terms_;
    std::mutex tables_lock_;
    Tables tables_;
    std::atomic<std::uint64_t> tables_change_{0};

    std::mutex making_;
    std::uint64_t made_up_to_ = 0;  ///< The highest page number that was made; only under the lock.
    std::atomic<LivePage*> next_{nullptr};
    std::atomic<LivePage*> current_{nullptr};
    std::atomic<LivePage*> retired_{nullptr};
    std::atomic<std::uint64_t> unsealed_{0};  ///< Retired pages that are not sealed (and synced) yet.
    std::atomic<int> sync_failure_{0};
    std::atomic<std::int64_t> last_mark_{0};          ///< When the writer passed it; monotonic, ns.
    std::atomic<std::int64_t> between_marks_{kLong};  ///< ns between the last two: how busy the writer is.
    std::atomic<std::int64_t> time_at_mark_{0};

    std::int64_t last_sync_ = 0;  ///< The helper's own.
    BackgroundCompression compression_;
    std::mutex resting_;
    std::condition_variable wake_;
    std::condition_variable synced_;
    std::atomic<bool> asleep_{false};
    std::atomic<bool> nudged_{false};
    std::atomic<bool> stopping_{false};
    std::thread helper_;
};

}  // namespace kungfu::journal
