"""Time as a dependency, so that three seconds, thirty minutes or a week can pass in a test at once.

An app that takes its clock as an argument can be given the same value, and then its scheduler and this workspace agree
on what time it is.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

# A Monday, so that "Monday 09:00" is a whole number of weeks away.
VIRTUAL_START: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
# How often the event loop may turn before time goes on: enough for a frame to cross a loopback socket and be answered.
_TURNS = 12


class Timer(Protocol):
    def cancel(self) -> object: ...


class Clock(Protocol):
    """What time it is and how to wait; all that anything here, or an app's scheduler, needs of time."""

    def now(self) -> datetime: ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer: ...

    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The wall clock and the running event loop's timers."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _VirtualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Stands still until it is moved; due timers then run in order of their time, each at its own time."""

    def __init__(self, start: datetime = VIRTUAL_START) -> None:
        if start.tzinfo is None:
            raise ValueError(f"A clock needs a time with a zone; {start.isoformat()} has none.")
        self._now = start
        self._order = itertools.count()
        self._timers: list[tuple[datetime, int, _VirtualTimer]] = []
        self._moving = asyncio.Lock()

    def now(self) -> datetime:
        return self._now

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self.call_at(self._now + timedelta(seconds=seconds), callback)

    def call_at(self, when: datetime, callback: Callable[[], None]) -> Timer:
        """Run a callback when the clock reaches a time; one that is past runs with the next move."""
        timer = _VirtualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time was made to pass; nothing to wait for when it is not above zero."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def advance(self, seconds: float) -> None:
        """Move time forward at one go, running what falls due on the way. Raises ValueError for a step back.

        Tasks get no turn before the end, so a bot cannot answer on the way; `run` is for that.
        """
        end = self._end(seconds)
        while self._run_next(end):
            continue
        self._now = max(self._now, end)

    async def run(self, seconds: float) -> None:
        """As advance, but after each time at which something fell due the event loop gets a few turns.

        What those turns start on other processes or on a disk may take longer than they last: wait for its effect
        before time moves on. Raises ValueError for a step back.
        """
        async with self._moving:
            end = self._end(seconds)
            await _turn()
            while self._run_next(end):
                if self._due() != self._now:
                    await _turn()
            self._now = max(self._now, end)

    async def run_until(self, when: datetime) -> None:
        """As run, to a point in time. Raises ValueError for one that is past or has no zone."""
        if when.tzinfo is None:
            raise ValueError(f"{when.isoformat()} has no zone; write for example {when.isoformat()}+00:00.")
        await self.run((when - self._now).total_seconds())

    def _end(self, seconds: float) -> datetime:
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"Time goes forward only; it cannot pass {seconds:g} seconds.")
        try:
            return self._now + timedelta(seconds=seconds)
        except OverflowError as error:
            raise ValueError(f"{seconds:g} seconds from now is after the last year there is.") from error

    def _due(self) -> datetime | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _run_next(self, end: datetime) -> bool:
        """Run the timer that is due first, unless that is after `end`."""
        due = self._due()
        if due is None or due > end:
            return False
        timer = heapq.heappop(self._timers)[2]
        self._now = max(self._now, due)
        callback, timer.callback = timer.callback, None
        if callback is not None:
            callback()
        return True


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
