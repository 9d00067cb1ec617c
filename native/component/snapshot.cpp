#include "component/snapshot.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "journal/crc32c.hpp"
#include "journal/whole_io.hpp"

namespace kungfu {
namespace {

struct FileHeader {
    char magic[8] = {'k', 'f', 's', 'n', 'a', 'p', '1', '\0'};
    std::uint64_t layout_hash = kLayoutHash;
    std::uint64_t journal = 0;
    std::uint64_t sequence = 0;
    std::int64_t now = 0;
    std::uint64_t positions = 0;
    std::uint64_t names = 0;
    std::uint64_t state = 0;
    std::uint64_t checksum = 0;  // CRC32C of all that follows, and of the header with this field 0
};

std::uint64_t checksum_of(FileHeader header, std::string_view rest) noexcept {
    header.checksum = 0;
    const std::uint32_t crc = journal::crc32c(0, &header, sizeof header);
    return journal::crc32c(crc, rest.data(), rest.size());
}

bool refuse(const std::string& path, std::string& error) {
    error = "cannot write " + path + ": " + std::generic_category().message(errno);
    return false;
}

}  // namespace

std::string snapshot_path(const journal::Location& own) {
    return own.root + "/" + own.source + "." + own.name + ".snapshot";
}

bool write_snapshot(const journal::Location& own, const Snapshot& snapshot, std::string& error) {
    const std::size_t runs = snapshot.positions.size() * sizeof(ConsumedRun);
    std::string rest;
    rest.reserve(runs + snapshot.names.size() + snapshot.state.size());
    rest.append(reinterpret_cast<const char*>(snapshot.positions.data()), runs);
    rest += snapshot.names;
    rest += snapshot.state;
    FileHeader header;
    header.journal = own.id();
    header.sequence = snapshot.sequence;
    header.now = snapshot.now;
    header.positions = snapshot.positions.size();
    header.names = snapshot.names.size();
    header.state = snapshot.state.size();
    header.checksum = checksum_of(header, rest);

    const std::string path = snapshot_path(own);
    const std::string begun = path + ".new";
    const int fd = open(begun.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return refuse(begun, error);
    // Not synced: that would take long, and one that a power loss damaged is known by its checksum.
    const bool written = journal::write_whole(fd, &header, sizeof header, 0) &&
                         journal::write_whole(fd, rest.data(), rest.size(), sizeof header);
    if (!written) refuse(begun, error);
    close(fd);
    if (!written) return unlink(begun.c_str()), false;
    return std::rename(begun.c_str(), path.c_str()) == 0 || refuse(path, error);
}

bool read_snapshot(const journal::Location& own, Snapshot& snapshot) {
    const int fd = open(snapshot_path(own).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const off_t size = lseek(fd, 0, SEEK_END);
    FileHeader header;
    const FileHeader usual;
    std::string rest(
        size > static_cast<off_t>(sizeof header) ? static_cast<std::size_t>(size) - sizeof header : 0, '\0');
    const bool whole = journal::read_whole(fd, &header, sizeof header, 0) &&
                       journal::read_whole(fd, rest.data(), rest.size(), sizeof header);
    close(fd);
    const std::uint64_t runs = header.positions * sizeof(ConsumedRun);
    if (!whole || std::memcmp(header.magic, usual.magic, sizeof usual.magic) != 0 ||
        header.layout_hash != kLayoutHash || header.journal != own.id() ||
        header.checksum != checksum_of(header, rest) || runs + header.names + header.state != rest.size()) {
        return false;
    }
    snapshot.sequence = header.sequence;
    snapshot.now = header.now;
    snapshot.positions.resize(header.positions);
    if (runs > 0) std::memcpy(snapshot.positions.data(), rest.data(), runs);
    snapshot.names = rest.substr(runs, header.names);
    snapshot.state = rest.substr(runs + header.names);
    return true;
}

}  // namespace kungfu
