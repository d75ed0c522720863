"""What the anomaly sweep keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalClaim:
    """A period of a signal that is ours."""

    seen_to: datetime | None
    """The newest point that an earlier sweep judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptSignal:
    """How the last sweep of a signal went."""

    name: str
    swept_at: datetime
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOnset:
    """An onset that opened no incident because the hour's were used up."""

    signal: str
    onset_at: datetime
    held_at: datetime
    words: str


class SweepTransaction(Protocol):
    """The part of a transaction that the anomaly sweep needs."""

    async def claim_signal(self, name: str, *, period: datetime, now: datetime) -> SignalClaim | None:
        """None when this period was taken already, by this process or another."""
        ...

    async def settle_signal(self, name: str, *, period: datetime, seen_to: datetime | None, problem: str = "") -> bool:
        """Note how far a signal was judged (None: as before); False when a later period has been taken meanwhile."""
        ...

    async def signals_swept(self) -> Sequence[SweptSignal]: ...
    async def hold_onset(self, held: HeldOnset) -> bool:
        """False when it is noted already."""
        ...

    async def onsets_held(self, *, since: datetime) -> Sequence[HeldOnset]: ...
    async def sweep_incidents(self, *, since: datetime) -> int:
        """How many incidents the sweep has opened; exact for as long as the intake lock is held."""
        ...

    async def firing_alert(self, fingerprint: str) -> Alert | None: ...
