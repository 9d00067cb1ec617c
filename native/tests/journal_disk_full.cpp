// A full disk refuses the event that needs the next page, loses nothing, and is tried again.
#include <sched.h>
#include <sys/mount.h>

#include <cstdio>

#include "journal_support.hpp"

using namespace kungfu;
using namespace kungfu::journal;

int main() {
    Folder folder;
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("kungfu-test", folder.path().c_str(), "tmpfs", 0, "size=320k") != 0) {
        std::puts("journal_disk_full skipped: a small tmpfs cannot be mounted here");
        return 77;
    }
    {
        Clock clock(Clock::Kind::SIMULATED, 1);
        auto writer = open_writer(options(folder.path(), clock));
        std::uint64_t n = 0;
        std::int32_t status = KF_OK;
        while ((status = put(*writer, n + 1)) == KF_OK) ++n;
        CHECK_EQUAL(status, KF_DISK_FULL);
        CHECK(writer->error().find("No space left") != std::string::npos);
        CHECK_EQUAL(put(*writer, n + 1), KF_DISK_FULL);
        CHECK_EQUAL(writer->last_sequence(), n);
        const auto pages = list_pages(at(folder.path()));
        CHECK(pages.size() >= 3);
        JournalReader reader(at(folder.path()), core_types(), true);
        CHECK_EQUAL(trade_ids(reader).size(), n);
        for (int i = 0; i < 2; ++i) std::filesystem::remove(pages[static_cast<std::size_t>(i)].path);
        // The room comes back when the helper has let go of the page.
        const std::int64_t begun = Clock::monotonic_now();
        while ((status = put(*writer, n + 1)) == KF_DISK_FULL) {
            CHECK(Clock::monotonic_now() - begun < 10'000'000'000);
        }
        CHECK_EQUAL(status, KF_OK);
        CHECK_EQUAL(trade_ids(reader).size(), 1U);
        CHECK_EQUAL(reader.status(), KF_OK);
        while (put(*writer, n) == KF_OK) ++n;
    }
    CHECK_EQUAL(umount2(folder.path().c_str(), MNT_DETACH), 0);
}
