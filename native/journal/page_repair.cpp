#include "journal/page_repair.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "journal/kept_bytes.hpp"
#include "journal/naming.hpp"
#include "journal/sealing.hpp"

namespace kungfu::journal {
namespace {

std::uint64_t most_events(std::uint64_t bytes) noexcept {
    return std::max<std::uint64_t>(bytes / sizeof(kf_frame), 1);
}

/// Lays a frame that stands for lost events over bytes that are zero.
void put_gap(Page& page, const Stretch& lost) noexcept {
    kf_frame& frame = *page.frame(lost.begin);
    frame.sequence = lost.last_sequence;
    frame.gen_time = lost.time;
    frame.flags = kTableFlag | kGapFlag;
    page.set_commit(lost.begin, static_cast<std::uint32_t>(lost.end - lost.begin));
}

}  // namespace

PageRepair::PageRepair(PageExam exam, const PageContext& context, std::vector<Finding>& steps)
    : exam_(std::move(exam)), context_(context), steps_(steps) {}

std::int32_t PageRepair::fail(const char* what, int why) {
    error_ = exam_.file.path + ": " + what + ": " + std::generic_category().message(why);
    return status_of(why);
}

void PageRepair::step(Finding::Kind kind, std::uint64_t offset, std::uint64_t length, std::string what) {
    changed_ = true;
    steps_.push_back({kind, exam_.file.path, offset, length, 0, 0, std::move(what)});
}

std::int32_t PageRepair::run(const PageSurroundings& around) {
    const bool is_last = !around.is_there;
    std::int32_t status = mend_header(around);
    if (status == KF_OK) status = mend_size();
    if (status == KF_OK) status = page_.open(exam_.file.path, context_.location.id(), true, error_);
    if (status == KF_OK) status = mend_stretches(around.beside);
    if (status == KF_OK && exam_.has_damaged_end(is_last)) {
        status = mend_end(around);
    } else if (status == KF_OK && !exam_.walk.ended) {
        status = mend_open_end();
    }
    if (status == KF_OK && changed_) {
        status = sync();
        exam_ = examine(exam_.file, context_, is_last);
    }
    if (status == KF_OK && exam_.walk.ended) status = mend_seal(around.is_sealed);
    return status;
}

std::int32_t PageRepair::sync() {
    if (page_.damage() != Mapping::kIntact) return fail("cannot be written", EIO);
    return msync(page_.data(), page_.size(), MS_SYNC) == 0 ? KF_OK : fail("cannot be put on the disk", errno);
}

/// Writes the header that must have stood there, and zeros where nothing belongs.
std::int32_t PageRepair::mend_header(const PageSurroundings& around) {
    const bool damaged = exam_.state == PageExam::Header::DAMAGED;
    const Problem reserved = reserved_problem(exam_.header);
    PageHeader& h = exam_.header;
    // That something is missing at the end shows in what is changed next; said here it outlives a crash.
    const bool marks = !around.is_there && exam_.has_damaged_end(true) && !exam_.has_plausible_seal();
    bool at_most = false;
    if (marks) h.written_position = missing_end(around, at_most).end;
    if (!damaged && reserved.what.empty() && !marks) return KF_OK;
    const int fd = ::open(exam_.file.path.c_str(), O_RDWR | O_CLOEXEC);
    PageHeader before{};
    const ssize_t there = fd < 0 ? -1 : pread(fd, &before, sizeof before, 0);
    std::int32_t status = there < 0 ? fail("cannot be read", errno) : static_cast<std::int32_t>(KF_OK);
    if (status == KF_OK && there > 0) {
        status = keep_bytes(exam_.file.path, 0, reinterpret_cast<const char*>(&before),
                            static_cast<std::uint64_t>(there), error_);
    }
    std::memset(h.padding, 0, sizeof h.padding);
    std::memset(h.mapped_padding, 0, sizeof h.mapped_padding);
    std::memset(h.seal_padding, 0, sizeof h.seal_padding);
    if (status == KF_OK &&
        (pwrite(fd, &h, sizeof h, 0) != static_cast<ssize_t>(sizeof h) || fsync(fd) != 0)) {
        status = fail("cannot be written", errno);
    }
    if (fd >= 0) close(fd);
    if (status != KF_OK) return status;
    if (damaged) {
        step(Finding::Kind::NOTE, exam_.problem.offset, 0,
             exam_.proven ? "the header is what it was, to the last bit"
                          : "the header is rebuilt from the page's events and the other pages");
    } else if (!reserved.what.empty()) {
        step(Finding::Kind::NOTE, reserved.offset, 0, "the header's reserved bytes are zero again");
    }
    exam_.state = PageExam::Header::SOUND;
    return KF_OK;
}

/// Brings the file to its page's size.
std::int32_t PageRepair::mend_size() {
    const std::uint64_t size = exam_.header.page_size;
    const std::uint64_t there = exam_.file_size;
    if (there == size) return KF_OK;
    const int fd = ::open(exam_.file.path.c_str(), O_RDWR | O_CLOEXEC);
    std::int32_t status = fd < 0 ? fail("cannot be opened", errno) : static_cast<std::int32_t>(KF_OK);
    if (status == KF_OK && there > size) {
        Mapping rest;
        if (rest.map_file(fd, there, false)) {
            status = keep_bytes(exam_.file.path, size, rest.data() + size, there - size, error_);
        } else {
            status = fail("cannot be mapped", errno);
        }
    }
    if (status == KF_OK && (ftruncate(fd, static_cast<off_t>(size)) != 0 || fsync(fd) != 0)) {
        status = fail("cannot be brought to its page's size", errno);
    }
    if (fd >= 0) close(fd);
    if (status != KF_OK) return status;
    step(Finding::Kind::NOTE, std::min(there, size), there < size ? size - there : there - size,
         there < size ? "the file is as long as its page again" : "what was behind the page is taken off");
    return KF_OK;
}

/// Keeps the bytes of a part of the page, then makes them zero.
std::int32_t PageRepair::wipe(std::uint64_t from, std::uint64_t to) {
    const std::int32_t status = keep_bytes(exam_.file.path, from, page_.data() + from, to - from, error_);
    if (status != KF_OK) return status;
    for (char* place = page_.data() + from; place != page_.data() + to; ++place) {
        if (*place != 0) *place = 0;  // what was never written takes no room, and shall not
    }
    return KF_OK;
}

std::int32_t PageRepair::give_up(Stretch lost, const char* what, bool at_most) {
    std::int32_t status = wipe(lost.begin, lost.end);
    if (status != KF_OK) return status;
    if (const int why = page_.prepare(down_to_block(lost.begin), align8(lost.begin + sizeof(kf_frame)));
        why != 0) {
        return fail("has no room for the frame that says what is lost", why);
    }
    put_gap(page_, lost);
    status = sync();
    if (status != KF_OK) return status;
    const std::string bytes = std::to_string(lost.end - lost.begin) + " bytes";
    if (!lost.has_events()) {
        step(Finding::Kind::NOTE, lost.begin, lost.end - lost.begin,
             bytes + " are given up; no event stood there");
        return KF_OK;
    }
    const std::uint64_t count = lost.last_sequence - lost.first_sequence + 1;
    step(Finding::Kind::LOSS, lost.begin, lost.end - lost.begin,
         std::string(what) + ": " + (at_most ? "at most " : "") + std::to_string(count) +
             (count == 1 ? " event is lost, " : " events are lost, ") + bytes);
    steps_.back().first_sequence = lost.first_sequence;
    steps_.back().last_sequence = lost.last_sequence;
    return KF_OK;
}

/// Lays down again what other pages tell to have stood at the beginning of a stretch, and takes it off the
/// stretch.
std::int32_t PageRepair::mend_tables(Stretch& stretch, const PagesBeside& beside) {
    const std::vector<Tables::Entry> definitions = lost_definitions(page_, stretch, beside);
    if (definitions.empty()) return KF_OK;
    std::uint64_t end = stretch.begin;
    for (const Tables::Entry& entry : definitions) end += frame_size(entry.payload.size());
    std::int32_t status = wipe(stretch.begin, stretch.end);
    if (status != KF_OK) return status;
    if (const int why = page_.prepare(down_to_block(stretch.begin), end); why != 0) {
        return fail("has no room for its tables", why);
    }
    put_definitions(page_, stretch.begin, definitions);
    status = sync();
    step(Finding::Kind::NOTE, stretch.begin, end - stretch.begin, "the definitions are there again");
    stretch.begin = end;
    return status;
}

std::int32_t PageRepair::mend_stretches(const PagesBeside& beside) {
    for (Stretch stretch : exam_.walk.damaged) {
        std::int32_t status = mend_tables(stretch, beside);
        if (status == KF_OK && stretch.begin < stretch.end) status = give_up(stretch, "damaged", false);
        if (status != KF_OK) return status;
    }
    for (const Stretch& padding : exam_.walk.padding) {
        const std::int32_t status = wipe(padding.begin, padding.end);
        if (status != KF_OK) return status;
        step(Finding::Kind::NOTE, padding.begin, padding.end - padding.begin, "the padding is zero again");
    }
    const std::uint64_t end = exam_.walk.stop + kPageEndRoom;
    if (!exam_.walk.ended || exam_.walk.written <= end) return KF_OK;
    const std::int32_t status = wipe(end, exam_.walk.written);
    if (status != KF_OK) return status;
    step(Finding::Kind::NOTE, end, exam_.walk.written - end, "what was behind the page's end is taken off");
    return KF_OK;
}

/// Where and how much is missing at the end of the page. Without a later page and without a seal nobody knows
/// how many events that was: then the most that can have stood there, so that no sequence is ever given
/// twice.
Stretch PageRepair::missing_end(const PageSurroundings& around, bool& at_most) const {
    const PageHeader& h = exam_.header;
    const PageWalk& walk = exam_.walk;
    const bool seal = exam_.has_plausible_seal();
    const bool ends = around.is_there || seal;
    const std::uint64_t most = h.page_size - kPageEndRoom;  // what is given up ends here at the latest
    const bool fits = walk.stop + sizeof(kf_frame) <= most;
    const std::uint64_t written = h.written_position <= h.page_size ? align8(h.written_position) : 0;
    Stretch lost{walk.stop, std::max(walk.written, written), walk.last_sequence + 1, walk.last_sequence,
                 std::max(walk.last_time, h.create_time)};
    if (exam_.is_cut() && !ends) lost.end = most;
    if (seal) lost.end = h.end_offset;
    lost.end =
        std::clamp(lost.end, fits ? walk.stop + sizeof(kf_frame) : walk.stop, std::max(most, walk.stop));
    at_most = fits && !seal && around.first_sequence == 0;
    if (seal) {
        lost.last_sequence = h.last_sequence;
    } else if (at_most) {
        const std::uint64_t left = std::max(around.at_the_latest, lost.first_sequence) - lost.first_sequence;
        lost.last_sequence += std::min(most_events(lost.end - lost.begin), left);
    } else if (fits && around.first_sequence > lost.first_sequence) {
        lost.last_sequence = around.first_sequence - 1;
    }
    // Where only the end itself is missing it goes where it was.
    if (ends && !lost.has_events() && !(seal && lost.end - lost.begin >= sizeof(kf_frame)))
        lost.end = lost.begin;
    return lost;
}

/// Gives up what is missing at the end of the page, and ends the page where it must have an end.
std::int32_t PageRepair::mend_end(const PageSurroundings& around) {
    const bool ends = around.is_there || exam_.has_plausible_seal();
    bool at_most = false;
    const Stretch lost = missing_end(around, at_most);
    std::int32_t status = wipe(lost.begin, std::max({lost.begin, lost.end, exam_.walk.written}));
    if (status == KF_OK && lost.end > lost.begin) status = give_up(lost, "damaged at the end", at_most);
    if (status != KF_OK) return status;
    PageHeader& h = page_.header();
    if (!ends) {
        if (lost.end == lost.begin)
            step(Finding::Kind::NOTE, lost.begin, 0, "what was no frame is taken off the end");
        h.written_position = lost.end;
        h.durable_position = std::min(h.durable_position, lost.end);
        return KF_OK;
    }
    if (const int why = page_.prepare(down_to_block(lost.end), lost.end + kPageEndRoom); why != 0) {
        return fail("has no room for its end", why);
    }
    end_page(page_, lost.end, lost.last_sequence,
             exam_.has_plausible_seal() ? std::max(lost.time, exam_.header.last_time) : lost.time);
    if (!lost.has_events()) step(Finding::Kind::NOTE, lost.end, kPageEndRoom, "the page has its end again");
    return sync();
}

/// Corrects a header that says more of the page's end than there is.
std::int32_t PageRepair::mend_open_end() {
    const Problem problem = open_end_problem(exam_);
    if (problem.what.empty()) return KF_OK;
    const std::int32_t status = keep_bytes(exam_.file.path, 0, page_.data(), sizeof(PageHeader), error_);
    if (status != KF_OK) return status;
    PageHeader& h = page_.header();
    std::memset(&h.sealed, 0, offsetof(PageHeader, seal_padding) - offsetof(PageHeader, sealed));
    h.written_position = std::min(h.written_position, exam_.walk.stop);
    h.durable_position = std::min(h.durable_position, exam_.walk.stop);
    step(Finding::Kind::NOTE, problem.offset, 0, "the header says again how far the page is written");
    return KF_OK;
}

/// Writes seal and index anew where they are not what the page gives.
std::int32_t PageRepair::mend_seal(bool must_be_sealed) {
    const PageHeader& h = exam_.header;
    if (h.sealed == 0 && !must_be_sealed) return KF_OK;  // its writer will do it
    const bool has_index = has_its_index(exam_);
    const bool right = h.sealed == 1 && seal_problem(exam_).what.empty() && h.page_checksum == exam_.checksum;
    if (right && has_index) return KF_OK;
    const std::string index = index_path(exam_.file.path);
    if (right) {
        if (!write_index(index, h, exam_.walk.index.entries()))
            return fail("the index cannot be written", errno);
        steps_.push_back({Finding::Kind::NOTE, index, 0, 0, 0, 0, "the index is written anew"});
        return KF_OK;
    }
    const std::int32_t status = keep_bytes(exam_.file.path, 0, page_.data(), sizeof(PageHeader), error_);
    if (status != KF_OK) return status;
    seal_page(page_, exam_.walk.stop, exam_.walk.index.entries());
    const std::uint64_t end = exam_.walk.stop + kPageEndRoom;
    const bool waits = h.durability == static_cast<std::uint32_t>(Durability::COMMIT);
    if (waits || h.durable_position > h.page_size) page_.header().durable_position = end;
    step(Finding::Kind::NOTE, offsetof(PageHeader, sealed), 0,
         "the page is sealed anew, and its index written");
    return sync();
}

std::int32_t make_lost_page(const PageContext& context, const PageHeader& neighbour, std::uint64_t number,
                            const Stretch& lost, std::string& path, std::string& error) {
    path = context.location.page_path(utc_date(context.last_time), number);
    const auto failed = [&](int why) {
        error = path + ": cannot be made: " + std::generic_category().message(why);
        return status_of(why);
    };
    const std::string unnamed = context.location.unborn_path();
    Page page;
    if (!page.create(unnamed, neighbour.page_size)) return failed(errno);
    if (const int why = page.prepare(0, kFileBlock); why != 0) {
        unlink(unnamed.c_str());
        return failed(why);
    }
    PageHeader& h = page.header();
    h = neighbour;
    std::memset(&h.padding, 0, sizeof h - offsetof(PageHeader, padding));
    h.page_number = number;
    h.first_sequence = lost.first_sequence;
    h.create_time = context.last_time;
    h.checksum = header_checksum(h);
    page.key_checksums();
    constexpr std::uint64_t kEnd = sizeof(PageHeader) + sizeof(kf_frame);
    put_gap(page, {sizeof(PageHeader), kEnd, lost.first_sequence, lost.last_sequence, context.last_time});
    end_page(page, kEnd, lost.last_sequence, context.last_time);
    const bool waits = h.durability == static_cast<std::uint32_t>(Durability::COMMIT);
    if (waits) h.durable_position = kEnd + kPageEndRoom;
    std::error_code failure;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failure);
    int why = failure.value();
    if (why == 0 && msync(page.data(), kFileBlock, MS_SYNC) != 0) why = errno;
    if (why == 0) why = rename_to_new(unnamed, path);
    if (why != 0) {
        unlink(unnamed.c_str());
        return failed(why);
    }
    page.set_path(path);
    seal_page(page, kEnd, {});
    why = msync(page.data(), kFileBlock, MS_SYNC) == 0 ? sync_folder_of(path) : errno;
    return why == 0 ? KF_OK : failed(why);
}

}  // namespace kungfu::journal
