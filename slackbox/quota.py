"""How many events an app may be sent in an hour."""

from collections import deque
from datetime import datetime, timedelta

from slackbox.clock import Clock

_HOUR = timedelta(hours=1)


class EventQuota:
    """Counts over the last sixty minutes, by the minute, as Slack reports it."""

    def __init__(self, clock: Clock, per_hour: int | None) -> None:
        self._clock = clock
        self._per_hour = per_hour
        self._minutes: deque[tuple[datetime, int]] = deque()
        self._announced: datetime | None = None

    def admit(self) -> bool:
        """Count one event; False when the hour's quota is spent and it must not be sent."""
        if self._per_hour is None:
            return True
        minute = self._minute()
        while self._minutes and self._minutes[0][0] <= minute - _HOUR:
            self._minutes.popleft()
        if sum(count for _, count in self._minutes) >= self._per_hour:
            return False
        if self._minutes and self._minutes[-1][0] == minute:
            minute, count = self._minutes.pop()
            self._minutes.append((minute, count + 1))
        else:
            self._minutes.append((minute, 1))
        return True

    def announce(self) -> int | None:
        """The minute to tell the app that it is over its quota, seconds since the epoch; None if it was told already."""
        minute = self._minute()
        if minute == self._announced:
            return None
        self._announced = minute
        return int(minute.timestamp())

    def _minute(self) -> datetime:
        return self._clock.now().replace(second=0, microsecond=0)
