// Any two texts, parted by a zero byte, as layouts of one event type: a conversion stays within its frames.
#include <cstring>
#include <string>
#include <vector>

#include "journal/evolution.hpp"
#include "journal/page.hpp"
#include "journal/tables.hpp"

using namespace kungfu::journal;

namespace {

volatile unsigned g_sink = 0;

/// Converts frames from nothing to more than whole; what comes out must all be there.
void convert_frames(const Conversion& conversion) {
    constexpr std::uint32_t kMost = 4096;
    if (conversion.from_size > kMost || conversion.to_size > 1024 * kMost) return;
    std::vector<char> converted;
    for (const std::uint32_t length : {0U, conversion.from_size / 2, conversion.from_size,
                                       conversion.from_size + 1, conversion.from_size + 40}) {
        std::vector<char> bytes(sizeof(kf_frame) + length, 'x');
        auto& frame = *reinterpret_cast<kf_frame*>(bytes.data());
        frame.commit = bytes.size();
        convert(conversion, frame, converted);
        const auto made = static_cast<std::uint32_t>(reinterpret_cast<kf_frame*>(converted.data())->commit);
        if (align8(made) != converted.size()) std::abort();
        for (std::uint32_t i = 0; i < made; ++i) g_sink = g_sink + static_cast<unsigned char>(converted[i]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto* zero = static_cast<const std::uint8_t*>(std::memchr(data, 0, size));
    const std::size_t first = zero == nullptr ? size : static_cast<std::size_t>(zero - data);
    const std::string from(data, data + first);
    const std::string to = zero == nullptr ? from : std::string(zero + 1, data + size);
    Conversion there;
    Conversion back;
    const bool forth = find_conversion(from, to, there);
    if (forth != find_conversion(to, from, back)) std::abort();  // either way or neither
    if (forth) {
        convert_frames(there);
        convert_frames(back);
    }
    TypeDefinition type;
    (void)parse_type(data, static_cast<std::uint32_t>(size), type);
    return 0;
}
