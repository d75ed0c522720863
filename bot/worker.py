"""
The loops that do what the tables say is due.

Tables are the truth. A wake-up (an event in this process) only saves waiting for the next look; a lost one costs at
most one polling interval.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from bot.core.errors import AiopsError

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 10.0


class Bell:
    """Rings every loop that waits on it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """There may be something to do."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Until it rings, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


def ring_all(bells: list[Bell]) -> None:
    """Wake every loop."""
    for bell in bells:
        bell.ring()


class Pump:
    """Calls `step` until it says that nothing is due, then waits for the bell or the next look."""

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], *, bell: Bell, every_s: float) -> None:
        self._name = name
        self._step = step
        self._bell = bell
        self._every_s = every_s

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set; what is under way then is finished first."""
        failures = 0
        while not stopping.is_set():
            try:
                busy = await self._step()
            except AiopsError as error:
                failures += 1
                log.warning("%s: %s", self._name, error, exc_info=error.__cause__)
                busy = False
            except Exception:
                # The outermost loop: one bad row must not end the process, and the log has to say which.
                failures += 1
                log.exception("%s failed (error id %s)", self._name, uuid.uuid4().hex[:8])
                busy = False
            else:
                failures = 0
            if not busy and not stopping.is_set():
                await self._bell.wait(min(self._every_s * 2 ** min(failures, 6), _LONGEST_PAUSE_S))


async def run_pumps(pumps: list[Pump], stopping: asyncio.Event, bells: list[Bell]) -> None:
    """Run all until `stopping` is set."""

    async def wake_to_stop() -> None:
        await stopping.wait()
        ring_all(bells)

    async with asyncio.TaskGroup() as group:
        group.create_task(wake_to_stop())
        for pump in pumps:
            group.create_task(pump.run(stopping))
