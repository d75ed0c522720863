"""The anomaly sweep: ask Prometheus about golden signals, and hand what began into the intake like any other alert."""

import enum
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.agent import shapes
from bot.core import sweep
from bot.core.alert import Alert, Delivery, Source
from bot.core.anomaly import is_off
from bot.core.errors import ToolError
from bot.core.intake import IntakePolicy
from bot.core.sweep import GoldenSignal
from bot.core.text import clip, one_line
from bot.flows.receive_alerts import plan_deliveries
from bot.ports import AuditEntry, Clock, HeldOnset, SignalClaim, Store, SweptSignal, Tools, Transaction

log = logging.getLogger(__name__)

_TOOL = "query_prometheus"
_TOOL_S = 20.0
_HOUR = timedelta(hours=1)
_ACTOR = "anomaly sweep"


class Found(enum.StrEnum):
    """What became of one signal's sweep; nothing found has no word."""

    OPENED = "opened"
    JOINED = "joined"
    HELD = "held"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDesk:
    """What a sweep works with."""

    store: Store
    tools: Tools
    clock: Clock
    policy: IntakePolicy
    signals: Sequence[GoldenSignal]
    every_s: float
    per_hour: int
    """Incidents that the sweep may open within an hour, over all processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepState:
    """What `aiops doctor` tells."""

    swept: Sequence[SweptSignal]
    held: Sequence[HeldOnset]
    """Of the last 24 hours, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One signal's points, and until when they reach."""

    points: Sequence[tuple[float, float]]
    end: datetime


async def sweep_anomalies(desk: SweepDesk) -> Sequence[Found]:
    """
    Every signal whose period nobody has taken yet; what became of them.

    A signal that cannot be asked about is noted for `aiops doctor` and asked about again in the next period. Raises
    StoreUnavailableError when the database is away.
    """
    found = [await _sweep(desk, signal) for signal in desk.signals]
    return [word for words in found for word in words]


async def sweep_state(desk: SweepDesk) -> SweepState:
    """How the last sweeps went, of signals that are still configured."""
    names = {signal.name for signal in desk.signals}
    async with desk.store.transaction() as tx:
        swept = [one for one in await tx.signals_swept() if one.name in names]
        held = await tx.onsets_held(since=desk.clock.now() - timedelta(days=1))
    return SweepState(swept=swept, held=held)


async def _sweep(desk: SweepDesk, signal: GoldenSignal) -> Sequence[Found]:
    now = desk.clock.now()
    period = sweep.period_of(now, desk.every_s)
    async with desk.store.transaction() as tx:
        claim = await tx.claim_signal(signal.name, period=period, now=now)
    if claim is None:
        return ()
    try:
        look = await _ask(desk, signal, sweep.newest_point(now))
    except ToolError as error:
        log.warning("anomaly sweep: %s could not be looked at: %s", signal.name, error)
        async with desk.store.transaction() as tx:
            problem = clip(one_line(str(error)), 500)
            await tx.settle_signal(signal.name, period=period, seen_to=None, problem=problem)
        return (Found.FAILED,)
    async with desk.store.transaction() as tx:
        # Somebody else has gone on while this was slow: what they see, they write.
        if not await tx.settle_signal(signal.name, period=period, seen_to=look.end):
            return ()
        return await _judge(tx, desk, signal, look, claim)


async def _ask(desk: SweepDesk, signal: GoldenSignal, end: datetime) -> _Look:
    """The signal's points, oldest first. Raises ToolError when it cannot be asked, or is not one series."""
    points: list[tuple[float, float]] = []
    # One after another: the first that fails ends it, and nothing is left under way.
    for start, until in sweep.spans(end):
        window = {"start": start.isoformat(), "end": until.isoformat(), "step": f"{sweep.STEP_S}s"}
        result = await desk.tools.call(_TOOL, {"query": signal.query, **window}, timeout_s=_TOOL_S)
        series = shapes.series(result.structured, signal.service, tool=_TOOL)
        if len(series) > 1:
            raise ToolError(f"the query gave {len(series)} series; make one of them, with sum() or max()")
        points += series[0].points if series else ()
    if not points:
        raise ToolError("the query gave no series for the last three days")
    return _Look(points=points, end=end)


async def _judge(
    tx: Transaction, desk: SweepDesk, signal: GoldenSignal, look: _Look, claim: SignalClaim
) -> Sequence[Found]:
    """What the points mean: an alert that is over, one that began, both, or nothing."""
    now = desk.clock.now()
    firing = await tx.firing_alert(sweep.fingerprint_of(signal.name))
    words: list[Found] = []
    if firing is not None:
        if is_off(look.points) is not False:
            return ()
        await _receive(tx, desk, sweep.over(firing, at=look.end), now=now)
        await _note(tx, "anomaly.over", signal.name, {"onset": firing.starts_at.isoformat()}, now=now)
        words.append(Found.ENDED)
    onset = sweep.new_onset(look.points, signal, end=look.end, seen_to=claim.seen_to)
    if onset is None:
        return words
    # What came and went between two sweeps is told too; its newest value would say that nothing was.
    value = look.points[-1][1] if is_off(look.points) else onset.after
    alert = sweep.alert_of(signal, onset, value=value)
    detail = {
        "service": signal.service,
        "query": alert.annotations["description"],
        "onset": onset.at.isoformat(),
        "before": onset.before,
        "now": value,
        "spreads": onset.size,
    }
    found, incident_id = await _receive_within_limit(tx, desk, alert, now=now)
    if found is Found.HELD:
        held = HeldOnset(signal=signal.name, onset_at=onset.at, held_at=now, words=alert.summary)
        if not await tx.hold_onset(held):
            return words
        log.warning("anomaly sweep: %s %s, held back by anomaly.per_hour", signal.name, alert.summary)
    await _note(tx, f"anomaly.{found}", incident_id or signal.name, {"signal": signal.name, **detail}, now=now)
    return [*words, found]


async def _receive_within_limit(tx: Transaction, desk: SweepDesk, alert: Alert, *, now: datetime) -> tuple[Found, str]:
    """What became of an alert that fires, and its incident; only what would open another one is limited."""
    plan = await plan_deliveries(tx, [_delivery(alert)], policy=desk.policy, now=now)
    # Counted under the intake lock, so that no other process can open one in between.
    if plan.opened and await tx.sweep_incidents(since=now - _HOUR) >= desk.per_hour:
        return Found.HELD, ""
    await tx.apply_intake(plan, policy=desk.policy, now=now)
    ((_, incident_ids),) = plan.deliveries
    return (Found.OPENED if plan.opened else Found.JOINED), "".join(incident_ids)


async def _receive(tx: Transaction, desk: SweepDesk, alert: Alert, *, now: datetime) -> None:
    plan = await plan_deliveries(tx, [_delivery(alert)], policy=desk.policy, now=now)
    await tx.apply_intake(plan, policy=desk.policy, now=now)


def _delivery(alert: Alert) -> Delivery:
    return Delivery(source=Source.ANOMALY, alerts=(alert,))


async def _note(tx: Transaction, action: str, target: str, detail: dict[str, object], *, now: datetime) -> None:
    await tx.audit([AuditEntry(actor=_ACTOR, action=action, target=target, detail=detail)], now=now)
