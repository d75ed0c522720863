"""Holding on to a claimed row while work is done on it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from bot.core.errors import StoreUnavailableError

log = logging.getLogger(__name__)


@contextmanager
def noted(held: set[str], name: str) -> Generator[None]:
    """
    Keep `name` in `held` while the body runs.

    On a starved machine a lease may run out although its process is alive; it must not take its own work for a dead one's.
    """
    held.add(name)
    try:
        yield
    finally:
        held.discard(name)


@asynccontextmanager
async def kept(extend: Callable[[], Awaitable[None]], *, lease: timedelta, what: str) -> AsyncGenerator[None]:
    """
    Call `extend` three times per lease while the body runs, so that a lease can be short and a crash is noticed soon.

    When `extend` raises LeaseLostError the body is cancelled and the error comes out in an exception group.
    """

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            try:
                await extend()
            except StoreUnavailableError:
                log.warning("cannot extend the lease of %s: the database is away", what)

    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()
