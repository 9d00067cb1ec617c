"""A simulated venue for kungfu: backtests on recorded markets, and a seeded market of its own."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from kungfu_core.enums import OrderType, Product, TimeInForce
from kungfu_core.errors import ConfigError
from kungfu_core.hookspecs import hookimpl
from kungfu_core.interfaces import Capabilities, GatewaySetup, GatewaySpec
from kungfu_gateway_sim import _venue
from kungfu_gateway_sim.config import SimConfig, SyntheticInstrument, decimal_text

KUNGFU_HOOK_API = ">=1.0,<2"


def make_venue(config: SimConfig, setup: GatewaySetup) -> object:
    """Make the venue's component, as a capsule that the core takes over.

    Raises:
        ConfigError: a starting balance is not an exact, non-negative amount; or the market is to be
            generated and the configuration names no instrument.
    """
    if not setup.recorded and not config.instruments:
        raise ConfigError(
            f"gateways.{setup.source}: expected `instruments`, the markets that the venue is to "
            "generate; there is no recording to take them from"
        )
    return _venue.component(
        {
            "recorded": setup.recorded,
            "seed": setup.seed % 2**64,
            "maker_fee": decimal_text(config.maker_fee),
            "taker_fee": decimal_text(config.taker_fee),
            "order_latency_ns": int(config.order_latency),
            "report_latency_ns": int(config.report_latency),
            "accounts": sorted(setup.accounts),
            "balances": _balances(setup),
            "instruments": [_instrument(i) for i in config.instruments if not setup.recorded],
        }
    )


def _balances(setup: GatewaySetup) -> list[tuple[str, str, str]]:
    rows = []
    for account, balances in sorted(setup.accounts.items()):
        for currency, amount in sorted(balances.items()):
            try:
                value = Decimal(amount)
            except InvalidOperation:
                value = Decimal("NaN")
            if not value.is_finite() or value < 0:
                raise ConfigError(
                    f"accounts.{account}.balances.{currency}: expected an amount of 0 or more, "
                    f"got {amount!r}"
                )
            if not 1 <= len(currency.encode()) <= 16:
                raise ConfigError(
                    f"accounts.{account}.balances: a currency has 1 to 16 characters, "
                    f"got {currency!r}"
                )
            if value:
                rows.append((account, currency, decimal_text(value)))
    return rows


def _instrument(instrument: SyntheticInstrument) -> dict[str, str | int | bool]:
    venue, product, base, quote = instrument.parts
    return {
        "name": instrument.name,
        "venue": venue,
        "symbol": f"{base}-{quote}",
        "base": base,
        "quote": quote,
        "perpetual": product is Product.PERPETUAL,
        "tick": decimal_text(instrument.tick),
        "lot": decimal_text(instrument.lot),
        "start_price": decimal_text(instrument.start_price),
        "typical_size": decimal_text(instrument.typical_size),
        "volatility_ppm": int(instrument.volatility * 1_000_000),
        "order_interval_ns": int(1_000_000_000 / instrument.orders_per_second),
        "trade_interval_ns": int(1_000_000_000 / instrument.trades_per_second),
        "resting_orders": instrument.resting_orders,
    }


@hookimpl
def kungfu_register_gateways() -> Iterable[GatewaySpec]:
    """Give the gateway "sim"."""
    return (
        GatewaySpec(
            name="sim",
            title="Simulated venue: recorded markets, or a seeded market of its own",
            factory=make_venue,
            config=SimConfig,
            capabilities=Capabilities(
                order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.POST_ONLY}),
                times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
                amend=True,
                position_sides=True,
                simulated=True,
            ),
            example='instruments = [{ name = "sim:perpetual:BTC-USDT" }]',
        ),
    )
