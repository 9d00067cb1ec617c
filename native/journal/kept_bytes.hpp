/// Keeps the bytes that a repair is about to overwrite, in `<page file>.damaged`.
#pragma once

#include <cstdint>
#include <string>

namespace kungfu::journal {

/// The file that the damaged bytes of a page go to. It is a row of records: "KFDAMAGE", u64 offset in the
/// page file, u64 length, u32 CRC32C of these two and the bytes, u32 zero, then the bytes.
std::string kept_path(const std::string& page_path);

/// Appends a record and waits until it is on the disk; nothing happens if bytes of this place and length are
/// kept already, or if all of them are zero. KF_OK, or KF_IO_ERROR or KF_DISK_FULL with `error`.
std::int32_t keep_bytes(const std::string& page_path, std::uint64_t offset, const char* bytes,
                        std::uint64_t length, std::string& error);

}  // namespace kungfu::journal
