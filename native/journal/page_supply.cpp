#include "journal/page_supply.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "clock/clock.hpp"
#include "journal/naming.hpp"
#include "journal/sealing.hpp"
#include "kungfu/text.hpp"

namespace kungfu::journal {
namespace {

constexpr std::uint64_t kWindow = 256ULL * 1024;           // of pages that are smaller than a large piece
constexpr std::uint64_t kBusyAhead = 16ULL * 1024 * 1024;  // a writer at full speed needs milliseconds for it
constexpr std::uint64_t kQuietAhead = 1ULL * 1024 * 1024;  // the system would clean more than that in vain
constexpr std::int64_t kBusyBetweenMarks = 100'000'000;    // ns

/// The status of an error that the caller will find in errno.
std::int32_t failed_with(int error) noexcept {
    errno = error;
    return status_of(error);
}

/// Puts the names in a folder, and those that lead there from the root, on the disk; 0, or an errno.
int sync_folders(std::filesystem::path folder, const std::string& root) {
    for (;; folder = folder.parent_path()) {
        const int failure = sync_folder(folder.string());
        if (failure != 0 || folder.native().size() <= root.size()) return failure;
    }
}

}  // namespace

std::int32_t PageSupply::take(std::uint64_t number, std::int64_t time, std::unique_ptr<LivePage>& page) {
    page.reset(next_.exchange(nullptr, std::memory_order_acquire));
    if (page) return KF_OK;
    const std::lock_guard lock(making_);  // the helper may be at it
    page.reset(next_.exchange(nullptr, std::memory_order_acquire));
    return page ? static_cast<std::int32_t>(KF_OK) : make(number, time, page);
}

void PageSupply::give_back(std::unique_ptr<LivePage> page) {
    next_.store(page.release(), std::memory_order_release);
}

std::int32_t PageSupply::make(std::uint64_t number, std::int64_t time, std::unique_ptr<LivePage>& page) {
    auto made = std::make_unique<LivePage>();
    const std::string unnamed = terms_.location.unborn_path();
    if (!made->page.create(unnamed, terms_.page_size)) return failed_with(errno);
    std::int32_t status = make_ready(*made, 1);
    if (status == KF_OK) {
        PageHeader& h = made->page.header();
        h.format_version = kFormatVersion;
        h.header_length = sizeof h;
        h.page_size = terms_.page_size;
        h.journal = terms_.journal;
        h.page_number = number;
        set_fixed_text(h.source, sizeof h.source, terms_.location.source);
        set_fixed_text(h.name, sizeof h.name, terms_.location.name);
        set_fixed_text(h.scope, sizeof h.scope, terms_.location.scope);
        h.durability = static_cast<std::uint32_t>(terms_.durability);
        made->page.key_checksums();
        made->index.start(terms_.page_size);
        status = lay_tables(*made);
    }
    // A name must not reach the disk before what makes the file a page.
    if (status == KF_OK && terms_.durability != Durability::NONE &&
        msync(made->page.data(), up_to_block(made->first_offset), MS_SYNC) != 0) {
        status = failed_with(errno);
    }
    std::string path;
    if (status == KF_OK) {
        made->day = utc_day(time);
        path = terms_.location.page_path(utc_date(time), number);
        const std::string folder = std::filesystem::path(path).parent_path().string();
        std::error_code failure;
        std::filesystem::create_directories(folder, failure);
        int why = failure ? failure.value() : rename_to_new(unnamed, path);
        if (why == 0) {
            made->page.set_path(path);
            if (terms_.durability != Durability::NONE) why = sync_folders(folder, terms_.location.root);
        }
        if (why != 0) status = failed_with(why);
    }
    if (status != KF_OK) {
        const int why = errno;
        unlink(made->page.path().c_str());
        errno = why;
        return status;
    }
    made_up_to_ = std::max(made_up_to_, number);
    page = std::move(made);
    return KF_OK;
}

std::int32_t PageSupply::make_ready(LivePage& page, std::uint64_t to) {
    if (to <= page.ready.load(std::memory_order_acquire)) return KF_OK;
    const std::lock_guard lock(page.preparing);
    const std::uint64_t window = page.page.size() >= kLargePiece ? kLargePiece : kWindow;
    const std::uint64_t end = std::min(up_to_block(to), page.page.size());
    for (std::uint64_t from = page.ready.load(std::memory_order_relaxed); from < end;) {
        std::uint64_t step = std::min(from / window * window + window, page.page.size());
        int failure = page.page.prepare(from, step);
        if (failure != 0 && end < step) {
            // Where a whole step does not fit any more, what is needed may.
            step = end;
            failure = page.page.prepare(from, step);
        }
        if (failure != 0) return failed_with(failure);
        page.ready.store(step, std::memory_order_release);
        from = step;
    }
    return KF_OK;
}

std::int32_t PageSupply::lay_tables(LivePage& page) {
    const std::lock_guard lock(tables_lock_);
    const std::int32_t status = make_ready(page, sizeof(PageHeader) + tables_.frame_bytes() + kPageEndRoom);
    if (status != KF_OK) return status;
    std::uint64_t offset = sizeof(PageHeader);
    for (const Tables::Entry& entry : tables_.entries()) {
        kf_frame head{};
        head.source = entry.source;
        head.type = entry.type;
        head.flags = kTableFlag;
        const auto length = static_cast<std::uint32_t>(entry.payload.size());
        page.page.put(offset, head, entry.payload.data(), length);
        offset += frame_size(length);
    }
    page.first_offset = offset;
    page.tables_change = tables_change_.load(std::memory_order_relaxed);
    return KF_OK;
}

std::int32_t PageSupply::renew_tables(LivePage& page) {
    if (page.tables_change == tables_change_.load(std::memory_order_relaxed)) return KF_OK;
    std::memset(page.page.data() + sizeof(PageHeader), 0, page.first_offset - sizeof(PageHeader));
    page.first_offset = sizeof(PageHeader);
    return lay_tables(page);
}

void PageSupply::offer(const std::string& sealed_page) {
    if (terms_.compresses && !stopping_.load()) compression_.add(sealed_page);
}

void PageSupply::move_on(std::unique_ptr<LivePage> ended, LivePage* begun) noexcept {
    // Counted first: who sees the new page sees that the old one is still to be seen to.
    unsealed_.fetch_add(1, std::memory_order_relaxed);
    watch(begun);
    LivePage* last = ended.release();
    last->behind = retired_.load(std::memory_order_relaxed);
    while (!retired_.compare_exchange_weak(last->behind, last, std::memory_order_release)) {
    }
}

void PageSupply::pass_mark(std::int64_t time) noexcept {
    const std::int64_t now = Clock::monotonic_now();
    between_marks_.store(now - last_mark_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    last_mark_.store(now, std::memory_order_relaxed);
    time_at_mark_.store(time, std::memory_order_relaxed);
    nudge();
}

void PageSupply::nudge() noexcept {
    if (!helper_.joinable()) {
        try {
            helper_ = std::thread([this] { helper_loop(); });
        } catch (const std::system_error&) {
            return;  // without a helper the writer makes its pages itself
        }
    }
    nudged_.store(true);
    if (!asleep_.load()) return;
    {
        const std::lock_guard lock(resting_);
    }
    wake_.notify_one();
}

void PageSupply::helper_loop() {
    while (!stopping_.load()) {
        nudged_.store(false);
        bool worked = seal_retired();
        if (LivePage* page = current_.load(std::memory_order_acquire); page != nullptr) {
            worked = make_next(*page) || worked;
            worked = make_ready_ahead(*page) || worked;
            worked = sync_if_due(*page) || worked;
            // In the header of a page made ahead it would speak against it.
            if (page->page.is_born()) {
                __atomic_store_n(&page->page.header().written_position,
                                 page->position.load(std::memory_order_acquire), __ATOMIC_RELEASE);
            }
        }
        if (!worked) rest();
    }
}

bool PageSupply::is_writer_busy() const noexcept {
    return between_marks_.load(std::memory_order_relaxed) < kBusyBetweenMarks;
}

bool PageSupply::seal_retired() {
    // The list has the latest page first; pages are sealed in their order.
    LivePage* newest = retired_.exchange(nullptr, std::memory_order_acquire);
    LivePage* oldest = nullptr;
    while (newest != nullptr) {
        LivePage* behind = newest->behind;
        newest->behind = oldest;
        oldest = newest;
        newest = behind;
    }
    const bool any = oldest != nullptr;
    while (oldest != nullptr) {
        const std::unique_ptr<LivePage> page(oldest);
        oldest = page->behind;
        seal(*page);
        offer(page->page.path());
        unsealed_.fetch_sub(1, std::memory_order_release);
    }
    if (any) {
        {
            const std::lock_guard lock(resting_);
        }
        synced_.notify_all();
    }
    return any;
}

void PageSupply::seal(LivePage& page) {
    const bool durable = page.page.header().durability != static_cast<std::uint32_t>(Durability::NONE);
    if (durable) sync(page);
    seal_page(page.page, page.end_offset, page.index.entries());
    if (durable && msync(page.page.data(), kFileBlock, MS_SYNC) != 0) sync_failure_.store(errno);
}

bool PageSupply::make_ready_ahead(LivePage& page) {
    const bool busy = is_writer_busy();
    const std::uint64_t ahead = busy ? kBusyAhead : kQuietAhead;
    const std::uint64_t position = page.position.load(std::memory_order_relaxed);
    const std::uint64_t ready = page.ready.load(std::memory_order_relaxed);
    LivePage* extend = nullptr;
    if (ready < page.page.size()) {
        if (ready < position + ahead) extend = &page;
    } else if (LivePage* next = next_.load(std::memory_order_acquire); next != nullptr) {
        const std::uint64_t there = next->ready.load(std::memory_order_relaxed);
        if (there < next->page.size() && page.page.size() - position + there < ahead) extend = next;
    }
    if (extend == nullptr) return false;
    return make_ready(*extend, extend->ready.load(std::memory_order_relaxed) + 1) == KF_OK;
}

bool PageSupply::make_next(const LivePage& page) {
    const std::uint64_t position = page.position.load(std::memory_order_relaxed);
    const std::uint64_t size = page.page.size();
    const bool near = position >= size / 2 || (is_writer_busy() && position + kBusyAhead >= size);
    if (!near || next_.load(std::memory_order_relaxed) != nullptr) return false;
    if (!page.page.is_born()) return false;  // readers take one that others follow for damaged
    const std::unique_lock lock(making_, std::try_to_lock);
    const std::uint64_t number = page.page.header().page_number + 1;
    if (!lock.owns_lock() || next_.load(std::memory_order_relaxed) != nullptr || number <= made_up_to_)
        return false;
    std::unique_ptr<LivePage> next;
    // A failure is met again, and told, by the writer when it needs the page.
    if (make(number, time_at_mark_.load(std::memory_order_relaxed), next) != KF_OK) return false;
    next_.store(next.release(), std::memory_order_release);
    return true;
}

bool PageSupply::sync_if_due(LivePage& page) {
    if (terms_.durability == Durability::NONE) return false;
    // What is said of this page holds for those before it.
    if (unsealed_.load(std::memory_order_relaxed) != 0) return true;
    if (terms_.durability == Durability::INTERVAL) {
        const std::int64_t now = Clock::monotonic_now();
        if (now - last_sync_ < terms_.sync_interval) return false;
        last_sync_ = now;
    }
    return sync(page);
}

bool PageSupply::sync(LivePage& page) {
    const std::uint64_t position = page.position.load(std::memory_order_acquire);
    const std::uint64_t durable = page.durable.load(std::memory_order_relaxed);
    if (position <= durable || sync_failure_.load(std::memory_order_relaxed) != 0) return false;
    if (!page.page.is_born()) return false;  // its first block would reach the disk without the magic
    const std::uint64_t from = down_to_block(durable);
    if (msync(page.page.data() + from, position - from, MS_SYNC) != 0) {
        // What the system could not write it may have dropped: nothing after this can be vouched for.
        sync_failure_.store(errno);
    } else {
        page.durable.store(position, std::memory_order_release);
        __atomic_store_n(&page.page.header().durable_position, position, __ATOMIC_RELEASE);
        if (terms_.bell != nullptr) terms_.bell->ring();
    }
    {
        const std::lock_guard lock(resting_);
    }
    synced_.notify_all();
    return true;
}

void PageSupply::rest() {
    std::unique_lock lock(resting_);
    asleep_.store(true);
    const auto has_work = [this] { return nudged_.load() || stopping_.load(); };
    if (terms_.durability == Durability::INTERVAL) {
        const std::int64_t due = last_sync_ + terms_.sync_interval - Clock::monotonic_now();
        wake_.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(due, 0)), has_work);
    } else {
        wake_.wait(lock, has_work);
    }
    asleep_.store(false);
}

bool PageSupply::wait_until_durable() {
    const LivePage* page = current_.load(std::memory_order_relaxed);
    const std::uint64_t position = page != nullptr ? page->position.load(std::memory_order_relaxed) : 0;
    nudge();
    if (!helper_.joinable()) return false;
    std::unique_lock lock(resting_);
    synced_.wait(lock, [&] {
        const bool whole = unsealed_.load(std::memory_order_acquire) == 0 &&
                           (page == nullptr || page->durable.load(std::memory_order_acquire) >= position);
        return whole || sync_failure_.load() != 0;
    });
    return sync_failure_.load() == 0;
}

void PageSupply::stop() noexcept {
    stopping_.store(true);
    if (helper_.joinable()) {
        {
            const std::lock_guard lock(resting_);
        }
        wake_.notify_one();
        helper_.join();
    }
    seal_retired();
    compression_.stop();
    if (LivePage* page = current_.exchange(nullptr); page != nullptr) {
        if (terms_.durability != Durability::NONE) sync(*page);
        const std::uint64_t position = page->position.load(std::memory_order_relaxed);
        __atomic_store_n(&page->page.header().written_position, position, __ATOMIC_RELAXED);
        give_back_tail(page->page, position + kPageEndRoom);
    }
    if (const std::unique_ptr<LivePage> next(next_.exchange(nullptr)); next) {
        unlink(next->page.path().c_str());
    }
}

}  // namespace kungfu::journal
