#include "journal/verify.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "journal/page_exam.hpp"

namespace kungfu::journal {
namespace {

using Kind = Finding::Kind;

class Verifier {
  public:
    Verifier(const Location& location, const Progress& progress) : progress_(progress) {
        std::string problem;
        if (list_pages(location, files_, problem) != KF_OK) {
            const std::size_t colon = problem.find(": ");
            add(Kind::DAMAGE, {0, "", problem.substr(0, colon)}, 0, 0, problem.substr(colon + 2));
        }
        context_ = context_of(location, files_);
        const PageFile unborn = find_unborn(location);
        if (unborn.path.empty()) return;
        // It counts as a page only if it was begun; until then the page before it is the last.
        const PageExam exam = examine(unborn, context_, true);
        if (exam.is_readable() && (files_.empty() || unborn.page == files_.back().page + 1)) {
            files_.push_back(unborn);
        } else if (exam.walk.events != 0) {
            add(Kind::NOTE, unborn, 0, 0, "a page that is just being begun, or whose writer died over it");
        }
    }

    Verification verify() {
        std::uint64_t total = 0;
        for (const PageFile& file : files_) total += size_of(file);
        std::uint64_t done = 0;
        for (std::size_t i = 0; i < files_.size(); ++i) {
            done += size_of(files_[i]);
            if (is_still_there(files_[i])) {
                look_for_missing_pages(i);
                look_at(examine(files_[i], context_, i + 1 == files_.size()), i + 1 == files_.size());
            } else {
                context_.follows = false;
                end_is_open_ = false;
            }
            if (progress_) progress_(done, total);
        }
        look_for_unsealed();
        return std::move(found_);
    }

  private:
    static std::uint64_t size_of(const PageFile& file) {
        std::error_code failure;
        const std::uintmax_t size = std::filesystem::file_size(file.path, failure);
        return failure ? 0 : size;
    }

    /// Whether the page was not pruned meanwhile; where it was compressed it has another file.
    bool is_still_there(PageFile& file) const {
        std::error_code ignored;
        if (std::filesystem::exists(file.path, ignored)) return true;
        file.path = find_page(context_.location, file.page, file.date).path;
        return !file.path.empty();
    }

    Finding& add(Kind kind, const PageFile& file, std::uint64_t offset, std::uint64_t length,
                 std::string what) {
        found_.findings.push_back({kind, file.path, offset, length, 0, 0, std::move(what)});
        return found_.findings.back();
    }

    void add_stretch(Kind kind, const PageFile& file, const Stretch& stretch, const char* what) {
        Finding& finding = add(kind, file, stretch.begin, stretch.end - stretch.begin, what);
        if (!stretch.has_events()) return;
        finding.first_sequence = stretch.first_sequence;
        finding.last_sequence = stretch.last_sequence;
    }

    void look_for_missing_pages(std::size_t i) {
        if (i == 0 || files_[i].page == files_[i - 1].page + 1) return;
        const std::uint64_t first = files_[i - 1].page + 1;
        const std::uint64_t last = files_[i].page - 1;
        const PageFile missing{first, files_[i - 1].date,
                               context_.location.page_path(files_[i - 1].date, first)};
        Finding& finding =
            add(Kind::DAMAGE, missing, 0, 0,
                first == last ? std::string("the page is missing")
                              : "this page is missing, and all up to page " + std::to_string(last));
        PageHeader next{};
        std::string ignored;
        if (context_.follows && read_header(files_[i].path, next, ignored) == KF_OK) {
            finding.first_sequence = context_.last_sequence + 1;
            finding.last_sequence = next.first_sequence - 1;
        }
        context_.follows = false;
        end_is_open_ = false;
    }

    void look_at(const PageExam& exam, bool last) {
        if (exam.state == PageExam::Header::UNBORN) return;
        ++found_.pages;
        found_.bytes += exam.file_size;
        if (!exam.is_readable()) {
            add(Kind::DAMAGE, exam.file, exam.problem.offset, 0, exam.problem.what);
            context_.follows = false;
            end_is_open_ = false;
            return;
        }
        const std::size_t before = found_.findings.size();
        found_.events += exam.walk.events;
        look_at_file(exam);
        look_at_frames(exam);
        if (exam.walk.ended) {
            look_at_end(exam, found_.findings.size() == before);
        } else {
            look_at_open_end(exam, last);
        }
        context_.follows = exam.walk.ended;
        context_.last_sequence = exam.walk.last_sequence;
        context_.last_time = exam.walk.last_time;
    }

    void look_at_file(const PageExam& exam) {
        const std::uint64_t size = exam.header.page_size;
        if (end_is_open_ && exam.header.first_sequence > context_.last_sequence + 1) {
            found_.findings[open_end_].last_sequence = exam.header.first_sequence - 1;
        }
        end_is_open_ = false;
        if (exam.state == PageExam::Header::DAMAGED) {
            add(Kind::DAMAGE, exam.file, exam.problem.offset, 0, exam.problem.what);
        }
        const Problem reserved = reserved_problem(exam.header);
        if (!reserved.what.empty()) add(Kind::DAMAGE, exam.file, reserved.offset, 0, reserved.what);
        if (exam.is_cut()) {
            add(Kind::DAMAGE, exam.file, exam.file_size, size - exam.file_size,
                "the file ends here, its page has " + std::to_string(size) + " bytes");
        } else if (!is_compressed(exam.file.path) && exam.file_size > size) {
            add(Kind::DAMAGE, exam.file, size, exam.file_size - size,
                "the page ends here, its file has " + std::to_string(exam.file_size) + " bytes");
        }
        if (exam.walk.missing != 0) {
            add(Kind::DAMAGE, exam.file, exam.walk.missing, 0, "the compressed page cannot be read here");
        }
        if (context_.follows && exam.header.first_sequence != context_.last_sequence + 1) {
            add(Kind::DAMAGE, exam.file, offsetof(PageHeader, first_sequence), 0,
                "the page begins with sequence " + std::to_string(exam.header.first_sequence) +
                    ", the page before ended with " + std::to_string(context_.last_sequence));
        }
    }

    void look_at_frames(const PageExam& exam) {
        const PageWalk& walk = exam.walk;
        for (const Stretch& gap : walk.gaps) {
            if (gap.has_events()) add_stretch(Kind::LOSS, exam.file, gap, "given up by an earlier repair");
        }
        for (const Stretch& stretch : walk.damaged) {
            add_stretch(Kind::DAMAGE, exam.file, stretch,
                        stretch.has_events() ? "damaged events" : "damaged tables");
        }
        for (const Oddity& odd : walk.oddities) {
            Finding& finding = add(Kind::DAMAGE, exam.file, odd.offset, 0, odd.what);
            finding.first_sequence = finding.last_sequence = odd.sequence;
        }
        for (const Stretch& padding : walk.padding) {
            add_stretch(Kind::DAMAGE, exam.file, padding, "the padding behind a frame is not zero");
        }
    }

    void look_at_open_end(const PageExam& exam, bool last) {
        const PageWalk& walk = exam.walk;
        const std::uint64_t length = std::max(walk.written, walk.stop) - walk.stop;
        if (exam.has_damaged_end(last)) {
            end_is_open_ = true;
            open_end_ = found_.findings.size();
            Finding& finding = add(Kind::DAMAGE, exam.file, walk.stop, length,
                                   "no frame verifies from here on, and yet more was written");
            finding.first_sequence = walk.last_sequence + 1;
            if (exam.has_plausible_seal()) finding.last_sequence = exam.header.last_sequence;
        } else if (length != 0) {
            add(Kind::NOTE, exam.file, walk.stop, length,
                "an unfinished frame: being written, or left by a writer that died");
        }
        const Problem problem = open_end_problem(exam);
        if (!problem.what.empty()) add(Kind::DAMAGE, exam.file, problem.offset, 0, problem.what);
    }

    void look_at_end(const PageExam& exam, bool is_whole) {
        const PageWalk& walk = exam.walk;
        const std::uint64_t end = walk.stop + kPageEndRoom;
        if (walk.written > end) {
            add(Kind::DAMAGE, exam.file, end, walk.written - end, "not zero, and yet behind the page's end");
        }
        if (exam.header.sealed == 0) {
            unsealed_.push_back(exam.file);
            return;
        }
        sealed_up_to_ = exam.file.page;
        const Problem problem = seal_problem(exam);
        if (!problem.what.empty()) add(Kind::DAMAGE, exam.file, problem.offset, 0, problem.what);
        if (exam.header.page_checksum != exam.checksum && is_whole) {
            add(Kind::DAMAGE, exam.file, offsetof(PageHeader, page_checksum), 4,
                "the page fails its checksum, and yet all frames verify");
        }
        if (walk.damaged.empty()) look_at_index(exam);
    }

    void look_at_index(const PageExam& exam) {
        const PageFile index{exam.file.page, exam.file.date, index_path(exam.file.path)};
        std::error_code ignored;
        if (!std::filesystem::exists(index.path, ignored)) {
            add(Kind::NOTE, index, 0, 0, "a sealed page without its index, which makes seeking slower");
        } else if (!has_its_index(exam)) {
            add(Kind::DAMAGE, index, 0, 0, "the index is not that of its page");
        }
    }

    /// Pages are sealed in their order, so one that is not has lost its seal if a later one has it.
    void look_for_unsealed() {
        for (const PageFile& file : unsealed_) {
            PageHeader header{};
            std::string ignored;
            if (file.page > sealed_up_to_ || read_header(file.path, header, ignored) != KF_OK) continue;
            if (header.sealed != 0) continue;
            add(Kind::DAMAGE, file, offsetof(PageHeader, sealed), 4, "the page lost its seal");
        }
    }

    const Progress& progress_;
    std::vector<PageFile> files_;
    PageContext context_;
    Verification found_;
    std::vector<PageFile> unsealed_;  ///< That have their end.
    std::uint64_t sealed_up_to_ = 0;
    bool end_is_open_ = false;  ///< The page before has a damaged end, and this is the finding:
    std::size_t open_end_ = 0;
};

}  // namespace

bool Verification::is_damaged() const noexcept {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.kind == Kind::DAMAGE; });
}

Verification verify(const Location& location, const Progress& progress) {
    return Verifier(location, progress).verify();
}

}  // namespace kungfu::journal
