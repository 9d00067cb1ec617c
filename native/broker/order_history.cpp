#include "broker/order_history.hpp"

#include "journal/journal_reader.hpp"
#include "kungfu/component.hpp"
#include "kungfu/id.hpp"

namespace kungfu::broker {
namespace {

void take(RecalledOrder& out, const OrderUpdate& update, std::string_view reason) {
    Order& order = out.order;
    if (is_terminal(order.state) && !is_terminal(update.get_state())) return;  // not about where it stands
    order.strategy = update.strategy;
    order.account = update.account;
    order.instrument = update.instrument;
    order.price = update.get_price();
    order.size = update.get_size();
    order.filled = update.get_filled();
    order.side = update.get_side();
    order.state = update.get_state();
    order.set_venue_order_id(update.get_venue_order_id());
    if (!reason.empty() && !update.anomaly) order.reason_hash = fnv1a64(reason);
}

}  // namespace

bool OrderHistory::recall(std::uint64_t id, std::uint64_t from, std::uint64_t up_to,
                          RecalledOrder& out) const {
    journal::JournalReader reader(own_);
    reader.seek_sequence(from);
    bool found = false;
    for (const kf_frame* frame = reader.peek(); frame != nullptr && frame->sequence <= up_to;
         reader.advance(), frame = reader.peek()) {
        Event event{};
        event.frame = frame;
        event.type = reader.type();
        event.length = reader.length() - static_cast<std::uint32_t>(sizeof *frame);
        if (const auto* update = event.as<OrderUpdate>(); update != nullptr && update->order_id == id) {
            if (!found) out.order.created_at = frame->trigger_time;
            found = true;
            take(out, *update, event.tail<OrderUpdate>());
        } else if (const auto* request = event.as<OrderRequest>();
                   request != nullptr && request->order_id == id) {
            out.order.request = *request;
        } else if (const auto* fill = event.as<Fill>(); fill != nullptr && fill->order_id == id) {
            out.fills.push_back(*fill);
        }
    }
    out.order.id = id;
    return found;
}

}  // namespace kungfu::broker
