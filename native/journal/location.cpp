#include "journal/location.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <system_error>
#include <tuple>

#include "journal/page.hpp"
#include "kungfu/id.hpp"

namespace kungfu::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPageSuffix = ".journal";
constexpr std::string_view kCompressedSuffix = ".zst";

bool ends_with(std::string_view text, std::string_view end) noexcept {
    return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_date(std::string_view text) noexcept {
    if (text.size() != 10) return false;
    for (std::size_t i = 0; i < 10; ++i) {
        const bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
    }
    return true;
}

/// Splits "<NAME>.<page>.journal", with ".zst" behind it or not.
bool split_page_name(std::string_view file, std::string_view& name, std::uint64_t& page) noexcept {
    if (is_compressed(file)) file.remove_suffix(kCompressedSuffix.size());
    if (!ends_with(file, kPageSuffix)) return false;
    file.remove_suffix(kPageSuffix.size());
    const std::size_t dot = file.find('.');
    if (dot == 0 || dot == std::string_view::npos) return false;
    name = file.substr(0, dot);
    const std::string_view digits = file.substr(dot + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), page);
    return error == std::errc{} && end == digits.data() + digits.size();
}

/// The names in a folder; none if there is no such folder. `problem` tells why others could not be had.
std::vector<std::string> entries_of(const std::string& folder, std::string& problem) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        names.push_back(it->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
        problem = folder + ": cannot be listed: " + error.message();
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string path;
    for (const std::string_view part : parts) {
        if (!path.empty()) path += '/';
        path += part;
    }
    return path;
}

std::vector<std::string> dates_of(const std::string& root, std::string& problem) {
    std::vector<std::string> dates = entries_of(root, problem);
    dates.erase(std::remove_if(dates.begin(), dates.end(), [](const auto& d) { return !is_date(d); }),
                dates.end());
    return dates;
}

bool plain(std::string_view text, std::string_view also) noexcept {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               also.find(c) != std::string_view::npos;
    });
}

}  // namespace

std::uint64_t Location::id() const { return id_of(label()); }

std::string Location::label() const {
    const std::string plain_label = source + "/" + name;
    return scope.empty() ? plain_label : scope + "/" + plain_label;
}

std::string Location::problem() const {
    if (source.empty() || source.size() > 63 || source[0] == '.' || !plain(source, "-_.:@+")) {
        return "source \"" + source +
               "\": expected 1 to 63 of letters, digits and -_.:@+, not beginning with a dot";
    }
    if (name.empty() || name.size() > 63 || !plain(name, "-_")) {
        return "journal name \"" + name + "\": expected 1 to 63 of letters, digits, - and _";
    }
    if (scope.size() > 127) return "scope \"" + scope + "\": expected at most 127 bytes";
    return "";
}

std::string Location::lock_path() const { return root + "/." + source + "." + name + ".lock"; }

std::string Location::unborn_path() const { return root + "/." + source + "." + name + ".page"; }

std::string Location::page_path(std::string_view date, std::uint64_t page) const {
    return root + "/" + std::string(date) + "/" + source + "/" + name + "." + std::to_string(page) +
           std::string(kPageSuffix);
}

std::string index_path(const std::string& page_path) {
    const std::size_t suffix = kPageSuffix.size() + (is_compressed(page_path) ? kCompressedSuffix.size() : 0);
    return page_path.substr(0, page_path.size() - suffix) + ".index";
}

std::string compressed_path(const std::string& page_path) {
    return page_path + std::string(kCompressedSuffix);
}

bool is_compressed(std::string_view page_path) noexcept { return ends_with(page_path, kCompressedSuffix); }

std::string present_path(const std::string& page_path) {
    std::error_code error;
    const bool moved = !is_compressed(page_path) && !fs::exists(page_path, error) &&
                       fs::exists(compressed_path(page_path), error);
    return moved ? compressed_path(page_path) : page_path;
}

std::int64_t utc_day(std::int64_t time) noexcept {
    constexpr std::int64_t kDay = 86'400'000'000'000;
    return time / kDay - (time % kDay < 0 ? 1 : 0);
}

std::string utc_date(std::int64_t time) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const time_t seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
    tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

namespace {

/// Every page file, by number, a raw one before its compressed form.
std::vector<PageFile> page_files(const Location& location, std::string& problem) {
    std::vector<PageFile> pages;
    for (const std::string& date : dates_of(location.root, problem)) {
        const std::string folder = joined({location.root, date, location.source});
        for (const std::string& file : entries_of(folder, problem)) {
            std::string_view name;
            std::uint64_t page = 0;
            if (split_page_name(file, name, page) && name == location.name) {
                pages.push_back({page, date, joined({folder, file})});
            }
        }
    }
    std::sort(pages.begin(), pages.end(), [](const auto& a, const auto& b) {
        return std::tie(a.page, a.path) < std::tie(b.page, b.path);
    });
    return pages;
}

bool is_unborn(const PageFile& file) {
    PageHeader header{};
    std::string ignored;
    return read_header(file.path, header, ignored) == kUnborn;
}

}  // namespace

std::int32_t list_pages(const Location& location, std::vector<PageFile>& pages, std::string& error) {
    std::string unlisted;
    pages = page_files(location, unlisted);
    std::string doubled;
    const auto same = [&](const PageFile& a, const PageFile& b) {
        std::error_code gone;
        // A page that was made ahead may have been moved to its date while the folders were listed.
        if (a.page == b.page && a.date != b.date && fs::exists(a.path, gone) && fs::exists(b.path, gone)) {
            doubled = b.path + ": " + a.path + " is that page, too";
        }
        return a.page == b.page;
    };
    pages.erase(std::unique(pages.begin(), pages.end(), same), pages.end());
    if (!pages.empty() && is_unborn(pages.back())) pages.pop_back();
    if (unlisted.empty() && doubled.empty()) return KF_OK;
    error = unlisted.empty() ? doubled : unlisted;
    return unlisted.empty() ? kCorrupt : static_cast<std::int32_t>(KF_IO_ERROR);
}

std::vector<PageFile> list_pages(const Location& location) {
    std::vector<PageFile> pages;
    std::string ignored;
    (void)list_pages(location, pages, ignored);
    return pages;
}

PageFile find_unborn(const Location& location) {
    std::string ignored;
    std::vector<PageFile> pages = page_files(location, ignored);
    return !pages.empty() && is_unborn(pages.back()) ? pages.back() : PageFile{0, "", ""};
}

PageFile find_page(const Location& location, std::uint64_t page, const std::string& date) {
    std::error_code error;
    const auto in = [&](const std::string& day) {
        std::string path = location.page_path(day, page);
        if (fs::exists(path, error)) return path;
        return fs::exists(compressed_path(path), error) ? compressed_path(path) : std::string();
    };
    std::string path = in(date);
    if (!path.empty()) return {page, date, path};
    std::string ignored;
    for (const std::string& later : dates_of(location.root, ignored)) {
        if (later <= date) continue;
        path = in(later);
        if (!path.empty()) return {page, later, path};
    }
    return {page, "", ""};
}

std::vector<Location> list_journals(const std::string& root, std::string& problem) {
    std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::string>> first;
    for (const std::string& date : dates_of(root, problem)) {
        for (const std::string& source : entries_of(joined({root, date}), problem)) {
            const std::string folder = joined({root, date, source});
            for (const std::string& file : entries_of(folder, problem)) {
                std::string_view name;
                std::uint64_t page = 0;
                if (!split_page_name(file, name, page)) continue;
                const auto [it, added] =
                    first.try_emplace({source, std::string(name)}, page, joined({folder, file}));
                if (!added && page < it->second.first) it->second = {page, joined({folder, file})};
            }
        }
    }
    std::vector<Location> journals;
    for (const auto& [key, page] : first) {
        PageHeader header{};
        std::string error;
        Location location{root, key.first, key.second, ""};
        const std::int32_t status = read_header(page.second, header, error);
        if (status == kUnborn) continue;
        if (status == KF_OK) location.scope = header.scope;
        journals.push_back(std::move(location));
    }
    return journals;
}

}  // namespace kungfu::journal
