/// What the fuzzers share: a journal's folder in memory, and reading all of a journal however odd it is.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "journal/journal_reader.hpp"
#include "kungfu/abi.h"

namespace kungfu::journal {

/// A folder of this process in memory that files are mapped from; there until the process ends.
inline const std::string& fuzz_root() {
    static const std::string* root = [] {  // outlives the exit handler
        auto* path = new std::string("/dev/shm/kungfu-fuzz-" + std::to_string(getpid()));
        std::filesystem::create_directories(*path + "/1970-01-01/venue");
        std::atexit([] { std::filesystem::remove_all(fuzz_root()); });
        return path;
    }();
    return *root;
}

inline Location fuzzed_journal() { return {fuzz_root(), "venue", "MD", ""}; }

/// Makes a file these bytes, and zeros up to `size`.
inline void make_file(const std::string& path, const void* bytes, std::size_t length, std::size_t size) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, length) != static_cast<ssize_t>(length) ||
        ftruncate(fd, static_cast<off_t>(size)) != 0) {
        std::perror(path.c_str());
        std::abort();
    }
    close(fd);
}

/// Of this process, made once.
inline const std::vector<TypeDefinition>& known_types() {
    static const std::vector<TypeDefinition> types = core_types();
    return types;
}

/// Touches every byte of the next events; aborts if they do not come in order.
inline void read_on(JournalReader& reader, int most) {
    static volatile unsigned sink = 0;
    std::uint64_t last = 0;
    for (int n = 0; n < most; ++n) {
        const kf_frame* frame = reader.peek();
        if (frame == nullptr) break;
        if (frame->sequence <= last) std::abort();  // a gap may stand between them
        last = frame->sequence;
        const auto* bytes = reinterpret_cast<const unsigned char*>(frame);
        unsigned sum = reader.type();
        for (std::uint32_t i = 0; i < reader.length(); ++i) sum += bytes[i];
        sink = sink + sum;
        reader.advance();
    }
    reader.look_for_damage();
    if (reader.status() != KF_OK && reader.error().empty()) std::abort();
}

}  // namespace kungfu::journal
