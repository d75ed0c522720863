"""What the anomaly sweep keeps."""

from collections.abc import Sequence
from datetime import datetime

from bot.adapters.postgres.rows import alert_of
from bot.adapters.postgres.session import Session
from bot.core.alert import Alert
from bot.ports import HeldOnset, SignalClaim, SweptSignal


class SweepQueries(Session):
    """The part of a transaction that the anomaly sweep needs."""

    async def claim_signal(self, name: str, *, period: datetime, now: datetime) -> SignalClaim | None:
        """None when this period was taken already."""
        row = await self.row("claim_signal", signal=name, period=period, now=now)
        return SignalClaim(seen_to=row["seen_to"]) if row else None

    async def settle_signal(self, name: str, *, period: datetime, seen_to: datetime | None, problem: str = "") -> bool:
        """False when a later period has been taken meanwhile."""
        return await self.execute("settle_signal", signal=name, period=period, seen_to=seen_to, problem=problem) > 0

    async def signals_swept(self) -> Sequence[SweptSignal]:
        """Every signal that was ever swept."""
        return [SweptSignal(**row) for row in await self.rows("signals_swept")]

    async def hold_onset(self, held: HeldOnset) -> bool:
        """False when it is noted already."""
        touched = await self.execute(
            "hold_onset", signal=held.signal, onset_at=held.onset_at, now=held.held_at, words=held.words
        )
        return touched > 0

    async def onsets_held(self, *, since: datetime) -> Sequence[HeldOnset]:
        """Newest first."""
        return [HeldOnset(**row) for row in await self.rows("onsets_held", since=since)]

    async def sweep_incidents(self, *, since: datetime) -> int:
        """How many incidents the sweep has opened."""
        row = await self.row("sweep_incidents", since=since)
        assert row is not None, "a count always gives a row"
        return row["count"]

    async def firing_alert(self, fingerprint: str) -> Alert | None:
        """The alert of a fingerprint that fires now."""
        row = await self.row("firing_alert", fingerprint=fingerprint)
        return alert_of(row) if row else None
