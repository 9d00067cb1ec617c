#include "journal/sealing.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>

#include <cstring>

#include "journal/crc32c.hpp"
#include "kungfu/events.hpp"

namespace kungfu::journal {

void end_page(Page& page, std::uint64_t offset, std::uint64_t last_sequence,
              std::int64_t last_time) noexcept {
    const PageHeader& h = page.header();
    PageEnd end{};
    end.frame_count = last_sequence - h.first_sequence + 1;
    end.last_sequence = last_sequence;
    end.first_time = h.create_time;
    end.last_time = last_time;
    end.next_page = h.page_number + 1;
    kf_frame head{};
    head.gen_time = last_time;
    head.type = PageEnd::kType;
    head.flags = kTableFlag;
    page.put(offset, head, &end, sizeof end);
}

void seal_page(Page& page, std::uint64_t end_offset, const std::vector<IndexEntry>& index) {
    PageHeader& h = page.header();
    PageEnd end{};
    std::memcpy(&end, page.frame(end_offset) + 1, sizeof end);
    // An index is a convenience: without it a reader walks the page, so a full disk does no harm here.
    (void)write_index(index_path(page.path()), h, index);
    h.frame_count = end.frame_count;
    h.first_time = end.first_time;
    h.last_time = end.last_time;
    h.last_sequence = end.last_sequence;
    h.end_offset = end_offset;
    const std::uint64_t end_of_frames = end_offset + kPageEndRoom;
    h.page_checksum = crc32c(0, page.data() + sizeof h, end_of_frames - sizeof h);
    __atomic_store_n(&h.written_position, end_of_frames, __ATOMIC_RELAXED);
    __atomic_store_n(&h.sealed, 1U, __ATOMIC_RELEASE);
    give_back_tail(page, end_of_frames);
}

void give_back_tail(const Page& page, std::uint64_t offset) noexcept {
    const std::uint64_t from = up_to_block(offset);
    if (from >= page.size()) return;
    // Where the file system cannot make holes the room stays taken.
    (void)fallocate(page.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                    static_cast<off_t>(page.size() - from));
}

}  // namespace kungfu::journal
