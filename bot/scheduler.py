"""The clock that wakes flows: APScheduler in memory, all state in PostgreSQL."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # pyright: ignore[reportMissingTypeStubs]

from bot.core.errors import AiopsError

log = logging.getLogger(__name__)


class Scheduler:
    """Recurring calls; a call that is still running is not started twice."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def every(self, seconds: float, name: str, call: Callable[[], Awaitable[object]]) -> None:
        """Call every so many seconds, the first time after one interval."""

        async def guarded() -> None:
            try:
                await call()
            except AiopsError as error:
                log.warning("%s: %s", name, error)

        self._scheduler.add_job(  # pyright: ignore[reportUnknownMemberType] - the library has no stubs
            guarded, "interval", seconds=seconds, id=name, max_instances=1, coalesce=True
        )

    def start(self) -> None:
        """Begin, in the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; calls under way are left to finish."""
        self._scheduler.shutdown(wait=False)
