"""Time as the cluster sees it: always UTC, in whole objects, and given from outside."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime: ...


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """Time that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def move_to(self, at: datetime) -> None:
        """Go on to a time; never back."""
        self._now = max(self._now, at)

    def advance(self, seconds: float) -> None:
        self.move_to(self._now + timedelta(seconds=seconds))


def stamp(at: datetime) -> str:
    """metav1.Time: RFC 3339 in UTC with whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(at: datetime) -> str:
    """metav1.MicroTime, which log lines use as well."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """RFC 3339 to aware UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at.astimezone(UTC)


def age(since: datetime, now: datetime) -> str:
    """A duration in kubectl's short form (apimachinery's HumanDuration): 42s, 5m30s, 17m, 3h5m, 2d4h, 15d."""
    seconds = max(0, int((now - since).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    forms = (
        (seconds < 120, seconds, "s", 0, ""),
        (minutes < 10, minutes, "m", seconds % 60, "s"),
        (minutes < 180, minutes, "m", 0, ""),
        (hours < 8, hours, "h", minutes % 60, "m"),
        (hours < 48, hours, "h", 0, ""),
        (days < 8, days, "d", hours % 24, "h"),
    )
    fitting = (form[1:] for form in forms if form[0])
    big, unit, small, small_unit = next(fitting, (days, "d", 0, ""))
    return f"{big}{unit}{small}{small_unit}" if small else f"{big}{unit}"
