"""A moment in every week, as people write it: `mon 09:00 UTC`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_THURSDAY = 3
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(r"(?P<day>[a-z]+)\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\s+(?P<zone>\S+))?", re.IGNORECASE)
_EXAMPLES = "write a weekday, a time and a time zone, as in `mon 09:00 UTC` or `fri 16:30 Europe/Berlin`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Once in every ISO week."""

    weekday: int
    """0 is Monday."""
    at: time
    zone: str = "UTC"

    def this_week(self, now: datetime) -> datetime:
        """The moment in the ISO week of `now`, as this zone counts weeks; aware."""
        local = now.astimezone(ZoneInfo(self.zone))
        day = local.date() + timedelta(days=self.weekday - local.weekday())
        return datetime.combine(day, self.at, tzinfo=ZoneInfo(self.zone))

    def reported(self, now: datetime) -> datetime:
        """
        Up to when a report at this week's moment looks back; aware, and maybe a few hours ahead of the moment.

        From Monday to Wednesday the last microsecond of the week before, later in the week the moment itself. Weeks are
        named as this zone names them and cut in UTC, as the scores cut them: on a Monday morning in Tokyo the week
        before is the one that ended there, though in UTC it is still Sunday.
        """
        moment = self.this_week(now)
        monday = datetime.combine(moment.date() - timedelta(days=moment.weekday()), time(), tzinfo=UTC)
        instant = timedelta(microseconds=1)
        if self.weekday < _THURSDAY:
            return monday - instant
        # West of UTC a Sunday evening may already be the next week there.
        return min(moment.astimezone(UTC), monday + timedelta(weeks=1) - instant)

    def week(self, now: datetime) -> str:
        """The ISO week of `now` in this zone, as 2026-W48."""
        year, number, _ = now.astimezone(ZoneInfo(self.zone)).isocalendar()
        return f"{year}-W{number:02}"


def parse_weekly(text: str) -> Weekly:
    """Raises ValueError that says what is wrong and how it is written."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no weekly moment; {_EXAMPLES}")
    day = found["day"].lower()[:3]
    if day not in _DAYS:
        raise ValueError(f"{found['day']!r} is no weekday (one of {', '.join(_DAYS)}); {_EXAMPLES}")
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 23 or minute > 59:
        raise ValueError(f"{hour:02}:{minute:02} is no time of day; {_EXAMPLES}")
    zone = found["zone"] or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no time zone that is known here; {_EXAMPLES}") from error
    return Weekly(weekday=_DAYS.index(day), at=time(hour, minute), zone=zone)
