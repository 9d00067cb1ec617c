#include "journal/background_compression.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "journal/compression.hpp"

namespace kungfu::journal {

void BackgroundCompression::add(std::string page_path) {
    const std::lock_guard guard(lock_);
    pages_.push_back(std::move(page_path));
    if (!thread_.joinable()) {
        try {
            thread_ = std::thread([this] { loop(); });
        } catch (const std::system_error&) {
            return;  // pages stay as they are
        }
    }
    more_.notify_one();
}

void BackgroundCompression::loop() {
    // On Linux a thread has a priority of its own.
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
    std::unique_lock guard(lock_);
    for (;;) {
        more_.wait(guard, [this] { return stopping_ || !pages_.empty(); });
        if (stopping_) return;
        const std::string path = std::move(pages_.front());
        pages_.pop_front();
        guard.unlock();
        std::string ignored;
        (void)compact_page(path, Transform::COLUMNS, ignored);
        guard.lock();
    }
}

void BackgroundCompression::stop() noexcept {
    {
        const std::lock_guard guard(lock_);
        stopping_ = true;
    }
    more_.notify_one();
    if (thread_.joinable()) thread_.join();
}

}  // namespace kungfu::journal
