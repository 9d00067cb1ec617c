// The checksum is CRC32C, by instruction and by table alike.
#include <cstdint>
#include <string>

#include "check.hpp"
#include "journal/crc32c.hpp"

using namespace kungfu::journal;

int main() {
    // RFC 3720, appendix B.4, and the usual check value.
    const std::string zeros(32, '\0');
    CHECK_EQUAL(crc32c(0, zeros.data(), zeros.size()), 0x8A9136AAU);
    const std::string ones(32, '\xff');
    CHECK_EQUAL(crc32c(0, ones.data(), ones.size()), 0x62A8AB43U);
    CHECK_EQUAL(crc32c(0, "123456789", 9), 0xE3069283U);
    CHECK_EQUAL(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283U);
    std::string data;
    std::uint32_t random = 1;
    for (int size = 0; size < 300; ++size) {
        for (std::size_t start = 0; start < 8 && start <= data.size(); ++start) {
            CHECK_EQUAL(crc32c(9, data.data() + start, data.size() - start),
                        crc32c_by_table(9, data.data() + start, data.size() - start));
        }
        random = random * 1664525U + 1013904223U;
        data.push_back(static_cast<char>(random >> 24));
    }
}
