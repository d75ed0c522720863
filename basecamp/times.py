"""Times in and out: RFC 3339 text, aware UTC inside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from basecamp.errors import BadRequest

MAX_WINDOW = timedelta(hours=24)
_STEP = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)?")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_EXAMPLE = "2026-01-31T12:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open time range."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{render_time(self.start)} to {render_time(self.end)}"


def render_time(at: datetime) -> str:
    """RFC 3339 in UTC, with a fraction only when there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str, *, name: str) -> datetime:
    """RFC 3339 to aware UTC. Raises BadRequest that names the argument."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadRequest(f"{name} is {text!r}, which is not an RFC 3339 time; write it like {_EXAMPLE}") from None
    if at.tzinfo is None:
        raise BadRequest(f"{name} is {text!r}, which has no time zone; add Z for UTC, like {_EXAMPLE}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise BadRequest(f"{name} is {text!r}, which is outside the range of times; like {_EXAMPLE}") from None


def parse_window(start: str, end: str) -> Window:
    """Both ends of a range of at most 24 hours. Raises BadRequest."""
    window = Window(start=parse_time(start, name="start"), end=parse_time(end, name="end"))
    if window.end <= window.start:
        raise BadRequest(f"end ({render_time(window.end)}) is not after start ({render_time(window.start)})")
    if window.end - window.start > MAX_WINDOW:
        raise BadRequest(f"the range {window} is longer than 24 hours; ask for a shorter one")
    return window


def parse_step(text: str) -> float:
    """A resolution such as "30s", "5m" or "15" to seconds. Raises BadRequest."""
    match = _STEP.fullmatch(text.strip())
    seconds = float(match["number"]) * _UNIT_SECONDS[match["unit"]] if match else 0.0
    if seconds <= 0:
        raise BadRequest(f"step is {text!r}; write a positive duration such as 15s, 1m or 1h")
    return seconds
