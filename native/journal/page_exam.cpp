#include "journal/page_exam.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "journal/crc32c.hpp"
#include "kungfu/text.hpp"

namespace kungfu::journal {
namespace {

/// A page file as it could be opened; the bytes stay mapped as long as this lives.
struct Opened {
    Page page;
    Mapping mapping;
    PageBytes bytes;
};

bool is_page_size(std::uint64_t size) noexcept {
    return size % kFileBlock == 0 && size >= kMinPageSize && size <= kMaxPageSize;
}

/// The size that a page must have had, where its header does not say.
std::uint64_t guessed_size(const PageHeader& h, std::uint64_t file_size,
                           const PageContext& context) noexcept {
    if (is_page_size(h.page_size) && (h.page_size == file_size || h.page_size == context.page_size)) {
        return h.page_size;
    }
    if (file_size <= context.page_size) return context.page_size;
    return std::clamp(up_to_block(file_size), kMinPageSize, kMaxPageSize);
}

bool is_ours(const PageHeader& h, const PageFile& file, const PageContext& context) noexcept {
    return h.page_number == file.page && h.journal == context.location.id() &&
           h.source == context.location.source && h.name == context.location.name;
}

/// Whether events from a sequence on up to the first intact one have room before it.
bool may_begin_with(const PageExam& exam, std::uint64_t sequence) noexcept {
    if (exam.walk.events == 0 || sequence == 0 || sequence > exam.walk.first_event) return false;
    const std::uint64_t room = exam.walk.index.entries().front().offset - sizeof(PageHeader);
    return exam.walk.first_event - sequence <= room / sizeof(kf_frame);
}

/// Numbers that may have stood in the header, the likeliest last.
struct Guess {
    std::uint64_t page_size;
    std::uint64_t first_sequence;
    std::int64_t create_time;
};

std::vector<Guess> guesses(const PageHeader& h, const PageExam& exam, std::uint64_t size,
                           const PageContext& context) {
    std::vector<std::uint64_t> sequences{h.first_sequence};
    std::vector<std::int64_t> times{h.create_time};
    if (context.follows) times.push_back(context.last_time);
    if (exam.walk.events != 0) {
        times.push_back(exam.walk.first_event_time);
        sequences.push_back(exam.walk.first_event);
    }
    if (may_begin_with(exam, h.first_sequence)) sequences.push_back(h.first_sequence);
    if (context.follows || exam.walk.events == 0) sequences.push_back(context.last_sequence + 1);
    if (exam.walk.events != 0 && exam.walk.starts_whole) sequences.push_back(exam.walk.first_event);
    std::vector<Guess> all;
    for (const std::uint64_t page_size : {h.page_size, exam.file_size, size}) {
        for (const std::int64_t time : times) {
            for (const std::uint64_t sequence : sequences) all.push_back({page_size, sequence, time});
        }
    }
    return all;
}

PageHeader header_from(const PageHeader& damaged, const Guess& guess, const PageExam& exam,
                       const PageContext& context) {
    PageHeader h = damaged;
    std::memcpy(h.magic, kPageMagic, sizeof h.magic);
    h.format_version = kFormatVersion;
    h.header_length = sizeof h;
    h.page_size = guess.page_size;
    h.journal = context.location.id();
    h.page_number = exam.file.page;
    h.first_sequence = guess.first_sequence;
    h.create_time = guess.create_time;
    set_fixed_text(h.source, sizeof h.source, context.location.source);
    set_fixed_text(h.name, sizeof h.name, context.location.name);
    set_fixed_text(h.scope, sizeof h.scope, context.location.scope);
    std::memset(h.reserved, 0, sizeof h.reserved);
    h.zero = 0;
    return h;
}

/// Whether something that is no frame stands at a place; a writer stores a frame's first word last.
bool is_broken(const PageBytes& bytes, std::uint64_t offset) noexcept {
    if (offset + 8 > bytes.size) return false;
    const auto* commit = reinterpret_cast<const std::uint64_t*>(bytes.data + offset);
    return __atomic_load_n(commit, __ATOMIC_ACQUIRE) != 0 && !frame_verifies(bytes, offset);
}

void walk(PageExam& exam, const PageBytes& bytes) {
    exam.walk = walk_page(bytes);
    exam.broken_at_stop = is_broken(bytes, exam.walk.stop);
    if (!exam.walk.ended) return;
    const std::uint64_t end = exam.walk.stop + kPageEndRoom;
    exam.checksum = crc32c(0, bytes.data + sizeof(PageHeader), end - sizeof(PageHeader));
}

/// Finds out what stood in a damaged header; its checksum proves it where that is still there.
void rebuild_header(PageExam& exam, std::uint64_t size, const PageContext& context) {
    const PageHeader damaged = exam.header;
    const std::vector<Guess> all = guesses(damaged, exam, size, context);
    for (const Guess& guess : all) {
        exam.header = header_from(damaged, guess, exam, context);
        exam.proven = header_checksum(exam.header) == damaged.checksum;
        if (exam.proven) return;
    }
    // Not to be proven: then of the clock only what the other pages say is believed.
    if (exam.header.clock_source != context.clock_source || exam.header.durability != context.durability) {
        exam.header.durability = context.durability;
        exam.header.clock_source = context.clock_source;
        exam.header.clock_error = 0;
        exam.header.monotonic_time = 0;
    }
    exam.header.checksum = header_checksum(exam.header);
}

/// Takes "PATH: offset N: what" apart, of which the path and the offset may be left out.
Problem problem_in(std::string text, const std::string& path) {
    if (text.rfind(path + ": ", 0) == 0) text.erase(0, path.size() + 2);
    Problem problem{0, text};
    constexpr std::string_view kOffset = "offset ";
    const std::size_t colon = text.find(": ");
    if (text.rfind(kOffset, 0) == 0 && colon != std::string::npos) {
        problem.offset = std::strtoull(text.c_str() + kOffset.size(), nullptr, 10);
        problem.what = text.substr(colon + 2);
    }
    return problem;
}

/// Maps a page whose header is not to be believed, or whose file is too short.
bool map_anyway(PageExam& exam, Opened& opened, const PageContext& context) {
    const int fd = ::open(exam.file.path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    bool mapped = fd >= 0 && fstat(fd, &status) == 0 && pread(fd, &exam.header, sizeof exam.header, 0) >= 0;
    if (mapped) {
        exam.file_size = static_cast<std::uint64_t>(status.st_size);
        const bool sound = problem_of(exam.header, exam.header.page_size).empty();
        exam.state = sound ? PageExam::Header::SOUND : PageExam::Header::DAMAGED;
        const std::uint64_t size =
            sound ? exam.header.page_size : guessed_size(exam.header, exam.file_size, context);
        mapped = opened.mapping.map_file(fd, size, false);
    }
    if (!mapped) {
        exam.state = PageExam::Header::UNREADABLE;
        exam.problem = {0, std::generic_category().message(errno)};
    }
    if (fd >= 0) close(fd);
    opened.bytes.data = opened.mapping.data();
    opened.bytes.size = opened.mapping.size();
    return mapped;
}

bool open_page(PageExam& exam, Opened& opened, const PageContext& context) {
    std::string error;
    const std::int32_t status = opened.page.open(exam.file.path, 0, false, error);
    if (status == KF_OK || status == kUnborn) {
        exam.state = status == KF_OK ? PageExam::Header::SOUND : PageExam::Header::UNBORN;
        exam.header = opened.page.header();
        exam.file_size = opened.page.size();
        struct stat found{};
        if (fstat(opened.page.fd(), &found) == 0) exam.file_size = static_cast<std::uint64_t>(found.st_size);
        opened.bytes.data = opened.page.data();
        opened.bytes.size = opened.page.size();
        if (is_compressed(exam.file.path)) {
            opened.bytes.read_on = [&opened](std::uint64_t offset) {
                std::uint64_t end = 0;
                std::string ignored;
                return opened.page.read_on(offset, end, ignored) ? end : std::uint64_t{0};
            };
        }
        return true;
    }
    exam.problem = problem_in(error, exam.file.path);
    if (status == kCorrupt && !is_compressed(exam.file.path)) return map_anyway(exam, opened, context);
    exam.state = PageExam::Header::UNREADABLE;
    return false;
}

/// Looks for the journal's scope where no header is sound: one under which a page's frames verify.
bool find_scope(Location& location, const std::vector<PageFile>& files) {
    for (const PageFile& file : files) {
        if (is_compressed(file.path)) continue;
        PageExam exam;
        exam.file = file;
        Opened opened;
        PageContext unknown;
        unknown.page_size = kMinPageSize;  // no more than the file has, if it has that
        if (!open_page(exam, opened, unknown)) continue;
        const std::string said(fixed_text(exam.header.scope, sizeof exam.header.scope));
        for (const std::string& scope : {location.scope, said}) {
            Location candidate = location;
            candidate.scope = scope;
            opened.bytes.key = checksum_key(candidate.id(), file.page);
            const PageWalk found = walk_page(opened.bytes);
            if (found.events == 0 && found.stop == sizeof(PageHeader)) continue;
            location = std::move(candidate);
            return true;
        }
    }
    return false;
}

/// The first place in a part of the header that is not zero; 0 if there is none.
std::uint64_t first_set(const PageHeader& h, std::size_t from, std::size_t to) noexcept {
    const auto* bytes = reinterpret_cast<const char*>(&h);
    const char* found = std::find_if(bytes + from, bytes + to, [](char c) { return c != 0; });
    return found == bytes + to ? 0 : static_cast<std::uint64_t>(found - bytes);
}

}  // namespace

PageContext context_of(const Location& location, const std::vector<PageFile>& files) {
    using Said = std::tuple<std::string, std::uint64_t, std::uint32_t, std::uint32_t>;
    std::map<Said, std::size_t> said;
    for (const PageFile& file : files) {
        Page page;
        std::string ignored;
        if (page.open(file.path, 0, false, ignored) != KF_OK) continue;
        const PageHeader& h = page.header();
        if (h.source != location.source || h.name != location.name) continue;
        if (!location.scope.empty() && h.scope != location.scope) continue;
        ++said[{h.scope, h.page_size, h.durability, h.clock_source}];
    }
    PageContext context;
    context.location = location;
    const auto most = std::max_element(said.begin(), said.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != said.end()) {
        std::tie(context.location.scope, context.page_size, context.durability, context.clock_source) =
            most->first;
        context.is_identified = true;
    } else {
        context.is_identified = find_scope(context.location, files);
    }
    return context;
}

namespace {

/// Whether a page of which nothing verifies was written by another version of this program.
bool is_of_other_version(const PageHeader& h, const PageExam& exam) noexcept {
    return exam.walk.stop == sizeof h && exam.walk.events == 0 && exam.file_size >= kMinPageSize &&
           h.format_version != 0 && h.format_version != kFormatVersion &&
           std::memcmp(h.magic, kPageMagic, sizeof kPageMagic) == 0;
}

}  // namespace

PageExam examine(const PageFile& file, const PageContext& context, bool is_last) {
    PageExam exam;
    exam.file = file;
    Opened opened;
    if (!open_page(exam, opened, context)) return exam;
    if (exam.state == PageExam::Header::SOUND && !is_ours(exam.header, file, context)) {
        exam.state = PageExam::Header::MISPLACED;
        const std::string scope = exam.header.scope;
        exam.problem = {offsetof(PageHeader, journal),
                        "the page is " + (scope.empty() ? scope : scope + "/") + exam.header.source + "/" +
                            exam.header.name + " " + std::to_string(exam.header.page_number) +
                            ", not what its file name says"};
        return exam;
    }
    const bool believed = exam.state == PageExam::Header::SOUND;
    PageBytes& bytes = opened.bytes;
    bytes.key = checksum_key(context.location.id(), file.page);
    bytes.first_sequence = believed ? exam.header.first_sequence : 0;
    bytes.first_time = exam.header.create_time;
    walk(exam, bytes);
    if (believed) return exam;
    if (exam.state == PageExam::Header::UNBORN) {
        // More than the one event that its writer lays down before the page is born: it was born, and wiped.
        if (is_last && exam.walk.events < 2 && !exam.walk.ended) return exam;
        if (opened.page.is_born()) {
            exam.state = PageExam::Header::SOUND;
            return exam;
        }
        exam.state = PageExam::Header::DAMAGED;
        exam.problem = {0, "the mark of a page that was begun is wiped"};
    }
    if (!context.is_identified) {
        exam.state = PageExam::Header::UNREADABLE;
        exam.problem.what += "; no page tells which journal this is";
        return exam;
    }
    const PageHeader found = exam.header;
    rebuild_header(exam, bytes.size, context);
    if (!exam.proven && is_of_other_version(found, exam)) {
        exam.header = found;
        exam.state = PageExam::Header::FOREIGN;
        return exam;
    }
    bytes.first_sequence = exam.header.first_sequence;
    bytes.first_time = exam.header.create_time;
    walk(exam, bytes);
    return exam;
}

bool PageExam::has_plausible_seal() const noexcept {
    if (header.sealed != 1 || header.end_offset < walk.stop || header.end_offset % 8 != 0) return false;
    if (header.end_offset + kPageEndRoom > header.page_size) return false;
    if (header.last_sequence < walk.last_sequence || header.last_time < walk.last_time) return false;
    return header.last_sequence - walk.last_sequence <= (header.end_offset - walk.stop) / sizeof(kf_frame);
}

bool PageExam::has_damaged_end(bool is_last) const noexcept {
    if (walk.ended) return false;
    if (!is_last || broken_at_stop || has_plausible_seal()) return true;
    if (header.written_position > walk.stop && header.written_position <= header.page_size) return true;
    // Frames leave no zeros between them, so a zero word before the cut says that nothing followed.
    return is_cut() && file_size < walk.stop + 8;
}

Problem seal_problem(const PageExam& exam) {
    const PageHeader& h = exam.header;
    const PageWalk& walk = exam.walk;
    const PageEnd& end = walk.end;
    const auto differs = [](std::uint64_t offset, const char* what) {
        return Problem{offset, std::string("the seal's ") + what + " is not that of the page"};
    };
    if (h.sealed > 1) return differs(offsetof(PageHeader, sealed), "mark");
    if (h.frame_count != end.frame_count) return differs(offsetof(PageHeader, frame_count), "count");
    if (h.first_time != end.first_time) return differs(offsetof(PageHeader, first_time), "first time");
    if (h.last_time != end.last_time) return differs(offsetof(PageHeader, last_time), "last time");
    if (h.last_sequence != end.last_sequence) {
        return differs(offsetof(PageHeader, last_sequence), "last sequence");
    }
    if (h.end_offset != walk.stop) return differs(offsetof(PageHeader, end_offset), "end");
    const std::uint64_t written = walk.stop + kPageEndRoom;
    if (h.written_position != written) {
        return differs(offsetof(PageHeader, written_position), "written position");
    }
    const bool waits = h.durability == static_cast<std::uint32_t>(Durability::COMMIT);
    if (waits ? h.durable_position < written : h.durable_position > h.page_size) {
        return differs(offsetof(PageHeader, durable_position), "durable position");
    }
    return {};
}

Problem open_end_problem(const PageExam& exam) {
    const PageHeader& h = exam.header;
    if (h.written_position > h.page_size) {
        return {offsetof(PageHeader, written_position), "a position outside of the page"};
    }
    if (h.durable_position > h.page_size) {
        return {offsetof(PageHeader, durable_position), "a position outside of the page"};
    }
    const std::uint64_t place =
        first_set(h, offsetof(PageHeader, sealed), offsetof(PageHeader, seal_padding));
    if (place == 0 || exam.has_plausible_seal()) return {};
    return {place, "the seal of a page that has no end"};
}

Problem reserved_problem(const PageHeader& h) {
    for (const auto& [from, to] :
         {std::pair{offsetof(PageHeader, padding), offsetof(PageHeader, durable_position)},
          std::pair{offsetof(PageHeader, mapped_padding), offsetof(PageHeader, sealed)},
          std::pair{offsetof(PageHeader, seal_padding), sizeof(PageHeader)}}) {
        if (const std::uint64_t place = first_set(h, from, to); place != 0) {
            return {place, "not zero, and yet reserved"};
        }
    }
    return {};
}

bool has_its_index(const PageExam& exam) {
    const std::vector<IndexEntry> there = read_index(index_path(exam.file.path), exam.header);
    const std::vector<IndexEntry>& right = exam.walk.index.entries();
    return std::equal(there.begin(), there.end(), right.begin(), right.end(),
                      [](const auto& a, const auto& b) {
                          return a.gen_time == b.gen_time && a.sequence == b.sequence && a.offset == b.offset;
                      });
}

}  // namespace kungfu::journal
