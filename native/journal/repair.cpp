#include "journal/repair.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "journal/lock.hpp"
#include "journal/naming.hpp"
#include "journal/page_exam.hpp"
#include "journal/page_repair.hpp"
#include "journal/status.hpp"

namespace kungfu::journal {
namespace {

using Kind = Finding::Kind;

class Repairer {
  public:
    Repairer(const Location& location, std::vector<Finding>& steps, const Progress& progress)
        : location_(location), steps_(steps), progress_(progress) {}

    std::int32_t run(std::string& error) {
        list();
        put_names_right();
        // A page that is mended may turn out to be sealed, so that those before it were.
        for (std::uint64_t sealed = highest_sealed();; sealed = sealed_up_to_) {
            sealed_up_to_ = sealed;
            for (std::size_t i = 0; i < files_.size(); ++i) {
                const std::int32_t status = mend(i, error);
                if (status != KF_OK) return status;
                if (progress_) progress_(i + 1, files_.size());
            }
            list();
            sealed_up_to_ = highest_sealed();
            if (sealed_up_to_ == sealed) return KF_OK;
        }
    }

  private:
    void list() {
        files_ = list_pages(location_);
        context_ = context_of(location_, files_);
        const PageFile unborn = find_unborn(location_);
        const bool is_begun =
            !unborn.path.empty() && examine(unborn, context_, true).state != PageExam::Header::UNBORN;
        if (is_begun) files_.push_back(unborn);
    }

    bool is_last(std::size_t i) const noexcept { return i + 1 == files_.size(); }

    void tell(Kind kind, const std::string& file, std::uint64_t offset, std::string what) {
        steps_.push_back({kind, file, offset, 0, 0, 0, std::move(what)});
    }

    /// Gives pages that go by another page's name their own, and puts aside what is not of this journal.
    void put_names_right() {
        // Each round puts at least one page right or stops looking at it.
        for (std::size_t i = 0; i < files_.size();) {
            const PageExam exam = examine(files_[i], context_, is_last(i));
            const bool moved =
                exam.state == PageExam::Header::MISPLACED && !is_compressed(files_[i].path) &&
                (exam.header.journal == context_.location.id() ? give_its_name(exam) : put_aside(exam));
            if (moved) {
                list();
                i = 0;
            } else {
                ++i;
            }
        }
    }

    bool give_its_name(const PageExam& exam) {
        const std::uint64_t number = exam.header.page_number;
        const auto there = std::find_if(files_.begin(), files_.end(),
                                        [&](const PageFile& file) { return file.page == number; });
        const std::string& from = exam.file.path;
        std::string to = context_.location.page_path(utc_date(exam.header.create_time), number);
        int why = 0;
        if (there == files_.end()) {
            std::error_code failure;
            std::filesystem::create_directories(std::filesystem::path(to).parent_path(), failure);
            why = failure ? failure.value() : rename_to_new(from, to);
        } else {
            to = there->path;
            if (is_compressed(to)) return put_aside(exam);
            const PageExam other = examine(*there, context_, false);
            if (other.state == PageExam::Header::SOUND) return put_aside(exam);
            why = exchange_names(from, to);
        }
        if (why == 0) why = sync_folder_of(from);
        if (why == 0) why = sync_folder_of(to);
        if (why != 0) return not_moved(from, why);
        tell(Kind::NOTE, to, 0, "has its own name again; it went by the name of " + from);
        return true;
    }

    bool put_aside(const PageExam& exam) {
        const std::string& from = exam.file.path;
        const std::string to = from + ".foreign";
        int why = rename_to_new(from, to);
        if (why == 0) why = sync_folder_of(from);
        if (why != 0) return not_moved(from, why);
        tell(Kind::NOTE, to, 0, exam.problem.what + "; it is put aside");
        return true;
    }

    bool not_moved(const std::string& file, int why) {
        tell(Kind::DAMAGE, file, 0, "cannot be given another name: " + std::generic_category().message(why));
        return false;
    }

    std::uint64_t highest_sealed() const {
        for (std::size_t i = files_.size(); i-- > 0;) {
            const PageExam exam = examine(files_[i], context_, is_last(i));
            if (exam.is_readable() && exam.walk.ended && exam.header.sealed != 0) return files_[i].page;
        }
        return 0;
    }

    /// With which sequence the page after this one begins; 0 if no later page tells. Where only one behind it
    /// does, each page from there on is taken to have had one event.
    std::uint64_t next_sequence(std::size_t i) const {
        PageContext alone = context_;
        alone.follows = false;
        for (std::size_t later = i + 1; later < files_.size(); ++later) {
            const PageExam exam = examine(files_[later], alone, is_last(later));
            if (!exam.is_readable()) continue;
            const bool known = exam.state == PageExam::Header::SOUND || exam.proven;
            const std::uint64_t first = known ? exam.header.first_sequence : exam.walk.first_event;
            const std::uint64_t between = files_[later].page - files_[i + 1].page;
            if (first > between) return first - between;
        }
        return 0;
    }

    std::int32_t mend(std::size_t i, std::string& error) {
        PageExam exam = examine(files_[i], context_, is_last(i));
        if (exam.state == PageExam::Header::UNBORN) return KF_OK;
        if (!exam.is_readable()) {
            tell(Kind::DAMAGE, exam.file.path, exam.problem.offset, exam.problem.what);
            context_.follows = false;
            return KF_OK;
        }
        const std::uint64_t next = next_sequence(i);
        if (is_compressed(exam.file.path)) {
            tell_compressed(exam);
        } else {
            PageRepair repair(std::move(exam), context_, steps_);
            const std::int32_t status = repair.run(after(i, next));
            if (status != KF_OK) {
                error = repair.error();
                return status;
            }
            exam = repair.exam();
        }
        context_.follows = exam.walk.ended;
        context_.last_sequence = exam.walk.last_sequence;
        context_.last_time = std::max(exam.walk.last_time, exam.header.create_time);
        return exam.walk.ended && !is_last(i) ? make_missing(i, exam.header, next, error)
                                              : static_cast<std::int32_t>(KF_OK);
    }

    PageSurroundings after(std::size_t i, std::uint64_t next) const {
        PageSurroundings known;
        known.is_there = !is_last(i);
        known.is_sealed = files_[i].page < sealed_up_to_;
        if (i > 0) known.beside.before = files_[i - 1].path;
        if (known.is_there) known.beside.after = files_[i + 1].path;
        if (known.is_there && next != 0) {
            // Each missing page had an event.
            const std::uint64_t missing = files_[i + 1].page - files_[i].page - 1;
            if (missing == 0) known.first_sequence = next;
            known.at_the_latest = next > missing ? next - missing : 0;
        }
        return known;
    }

    void tell_compressed(const PageExam& exam) {
        for (const Stretch& stretch : exam.walk.damaged) {
            tell(Kind::DAMAGE, exam.file.path, stretch.begin, "a compressed page is never written to");
            steps_.back().length = stretch.end - stretch.begin;
            steps_.back().first_sequence = stretch.first_sequence;
            steps_.back().last_sequence = stretch.last_sequence;
        }
    }

    /// Makes the pages between this one and the next that is there. They stand for the events between the
    /// two.
    std::int32_t make_missing(std::size_t i, const PageHeader& neighbour, std::uint64_t next,
                              std::string& error) {
        std::uint64_t number = files_[i].page + 1;
        const std::uint64_t count = files_[i + 1].page - number;
        if (count == 0) return KF_OK;
        if (next == 0) next = context_.last_sequence + 1 + count;  // nothing behind tells how many there were
        if (next < context_.last_sequence + 1 + count) {
            tell(Kind::DAMAGE, files_[i + 1].path, 0, "pages before this one are missing, and no events");
            return KF_OK;
        }
        for (; number < files_[i + 1].page; ++number) {
            const std::uint64_t later = files_[i + 1].page - number - 1;  // each of them has one event
            Stretch lost;
            lost.first_sequence = context_.last_sequence + 1;
            lost.last_sequence = next - 1 - later;
            if (number != files_[i].page + 1) lost.last_sequence = lost.first_sequence;
            std::string path;
            const std::int32_t status = make_lost_page(context_, neighbour, number, lost, path, error);
            if (status != KF_OK) return status;
            const std::uint64_t events = lost.last_sequence - lost.first_sequence + 1;
            tell(Kind::LOSS, path, 0,
                 "the page was missing: " + std::to_string(events) +
                     (events == 1 ? " event is lost" : " events are lost"));
            steps_.back().first_sequence = lost.first_sequence;
            steps_.back().last_sequence = lost.last_sequence;
            context_.last_sequence = lost.last_sequence;
        }
        return KF_OK;
    }

    const Location& location_;
    std::vector<Finding>& steps_;
    const Progress& progress_;
    std::vector<PageFile> files_;
    PageContext context_;
    std::uint64_t sealed_up_to_ = 0;
};

}  // namespace

std::int32_t repair_journal(const Location& location, Repair& repair, std::string& error,
                            const Progress& progress) {
    std::vector<PageFile> pages;
    std::int32_t status = list_pages(location, pages, error);
    if (status != KF_OK || (pages.empty() && find_unborn(location).path.empty())) return status;
    WriterLock lock;
    status = lock.acquire(location.lock_path(), error);
    if (status == KF_OK) status = Repairer(location, repair.steps, progress).run(error);
    if (status != kLocked) repair.after = verify(location);
    return status;
}

}  // namespace kungfu::journal
