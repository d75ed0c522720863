"""The anomaly sweep, bound to its adapters."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.bootstrap.hands import Hands
from bot.core.alert import Severity
from bot.core.intake import IntakePolicy
from bot.core.sweep import GoldenSignal
from bot.flows.sweep_anomalies import Found, SweepDesk, SweepState, sweep_anomalies, sweep_state
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What may be asked of it."""

    run: Callable[[], Awaitable[Sequence[Found]]]
    """What became of the signals whose period was still to be had."""
    state: Callable[[], Awaitable[SweepState]]


def intake_policy(settings: Settings) -> IntakePolicy:
    """How alerts become incidents, the same for every door."""
    return IntakePolicy(
        settle=timedelta(seconds=settings.config.settle_seconds), hold_card=bool(settings.config.channels.watch)
    )


def bind_sweep(settings: Settings, hands: Hands) -> Sweep | None:
    """None while it is off, as it is by default."""
    config = settings.config.anomaly
    if not config.enabled:
        return None
    desk = SweepDesk(
        store=hands.store,
        tools=hands.tools,
        clock=hands.clock,
        policy=intake_policy(settings),
        signals=[
            GoldenSignal(
                name=name,
                service=one.service,
                query=one.query,
                direction=one.direction,
                kind=one.kind,
                severity=Severity(one.severity),
            )
            for name, one in config.signals.items()
        ],
        every_s=config.every,
        per_hour=config.per_hour,
    )
    return Sweep(run=partial(sweep_anomalies, desk), state=partial(sweep_state, desk))
