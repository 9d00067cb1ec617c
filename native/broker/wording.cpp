#include "broker/wording.hpp"

#include <cstdio>

#include "broker/limit_config.hpp"

namespace kungfu::broker {

std::string hex(std::uint64_t id) {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
    return text;
}

void Part::append_to(std::string& text) const {
    switch (kind_) {
        case Kind::TEXT: text += text_; break;
        case Kind::CURRENCY: text += currency_.code(); break;
        case Kind::DECIMAL: text += to_text(money_); break;
        case Kind::HEX: text += hex(id_); break;
        case Kind::DURATION: text += duration_text(integer_); break;
    }
}

std::string worded(std::initializer_list<Part> parts) {
    std::string text;
    for (const Part& part : parts) part.append_to(text);
    return text;
}

bool refuse(std::initializer_list<Part> parts, std::string& reason) {
    reason = worded(parts);
    return false;
}

}  // namespace kungfu::broker
