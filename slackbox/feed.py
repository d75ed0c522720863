"""Who wants to know that something changed: pages that show it, the journal, and tests that wait for it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from slackbox.jsons import Json

Found = TypeVar("Found")


class Feed:
    """Publishes changes to queues and wakes those who wait for a condition."""

    def __init__(self) -> None:
        self._observers: list[Callable[[Json], None]] = []
        self._queues: set[asyncio.Queue[Json]] = set()
        self._sleepers: set[asyncio.Future[None]] = set()

    def publish(self, change: Json) -> None:
        """Tell every observer and subscriber and re-check every waiting condition."""
        for observer in self._observers:
            observer(change)
        for queue in self._queues:
            queue.put_nowait(change)
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self._sleepers.clear()

    def observe(self, observer: Callable[[Json], None]) -> None:
        """Call this with every change from now on, before anybody else hears of it."""
        self._observers.append(observer)

    def subscribe(self) -> asyncio.Queue[Json]:
        """A queue that receives every change from now on."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        self._queues.discard(queue)

    async def until(self, ready: Callable[[], Found | None], timeout_s: float) -> Found | None:
        """Wait until `ready` gives something, looking again after each change. None after `timeout_s` seconds.

        These are real seconds under any clock: they bound how long a test waits for another task or process, and a
        virtual clock that stands still would never let it give up.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while (found := ready()) is None:
            sleeper: asyncio.Future[None] = loop.create_future()
            self._sleepers.add(sleeper)
            try:
                await asyncio.wait_for(sleeper, end - loop.time())
            except TimeoutError:
                return ready()
            finally:
                self._sleepers.discard(sleeper)
        return found
