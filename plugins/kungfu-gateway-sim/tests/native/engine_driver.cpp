// Drives the matching engine by a script, one call a line; prints what it says and the book after each call.

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "matching_engine.hpp"

namespace {

using namespace kungfu::sim;
using kungfu::Side;
using kungfu::TimeInForce;

const char* const kKinds[] = {"ACCEPTED", "REJECTED", "TRADE", "CANCELED", "DONE"};
const char* const kReasons[] = {"NONE",       "BAD_SIZE",  "BAD_PRICE",    "DUPLICATE_ID", "UNKNOWN_ID",
                                "WOULD_TAKE", "REQUESTED", "NO_LIQUIDITY", "TIME_IN_FORCE"};

void print(const MatchingEngine& engine, const MatchingEngine::Events& events) {
    for (const EngineEvent& e : events) {
        std::cout << kKinds[static_cast<int>(e.kind)] << ' ' << kReasons[static_cast<int>(e.reason)] << ' '
                  << e.order << ' ' << e.maker << ' ' << e.price << ' ' << e.size << '\n';
    }
    std::cout << "BOOK";
    for (const Side side : {Side::BUY, Side::SELL}) {
        engine.levels(side, [&](std::int64_t price, std::int64_t size) {
            std::cout << ' ' << (side == Side::BUY ? 'B' : 'S') << ':' << price << ':' << size;
            return true;
        });
    }
    std::cout << '\n';
}

}  // namespace

int main() {
    MatchingEngine engine;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string call;
        std::string side;
        std::string kind;
        std::string lasts;
        std::uint64_t id = 0;
        std::int64_t price = 0;
        std::int64_t size = 0;
        MatchingEngine::Events events;
        in >> call >> id;
        if (call == "submit") {
            in >> side >> kind >> lasts >> price >> size;
            engine.submit({id, side == "BUY" ? Side::BUY : Side::SELL,
                           kind == "MARKET"  ? OrderKind::MARKET
                           : kind == "LIMIT" ? OrderKind::LIMIT
                                             : OrderKind::POST_ONLY,
                           lasts == "GTC"   ? TimeInForce::GTC
                           : lasts == "IOC" ? TimeInForce::IOC
                                            : TimeInForce::FOK,
                           price, size},
                          events);
        } else if (call == "cancel") {
            engine.cancel(id, events);
        } else {
            in >> price >> size;
            engine.amend(id, price, size, events);
        }
        engine.check();
        print(engine, events);
    }
    return 0;
}
