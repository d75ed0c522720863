"""Calls that arrive while a commit is on its way share the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bot.core.errors import StoreError, StoreUnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """
    Turns single calls into batches without adding a wait: a call that finds nobody committing starts at once.

    One disk flush then serves every call of the batch, as PostgreSQL's own group commit does for transactions.
    A batch that PostgreSQL refuses is tried again item by item, so that one bad item cannot take others with it.
    """

    def __init__(
        self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, batch: int = 100, waiting: int = 2_000
    ) -> None:
        self._write = write
        self._batch = batch
        self._limit = waiting
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """The result for this item once its batch is committed. Raises StoreUnavailableError when too many wait."""
        if len(self._waiting) >= self._limit:
            raise StoreUnavailableError("Too many deliveries are waiting for the database; try again.")
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            try:
                await self._commit(batch)
            except BaseException as error:
                # Callers wait on futures, so whatever ends the writer has to reach them too.
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error if isinstance(error, Exception) else StoreUnavailableError(str(error)))
                if not isinstance(error, Exception):
                    raise

    async def _commit(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in batch])
        except StoreUnavailableError:
            raise
        except StoreError:
            if len(batch) == 1:
                raise
            for one in batch:
                await self._alone(one)
            return
        for (_, done), result in zip(batch, results, strict=True):
            if not done.done():
                done.set_result(result)

    async def _alone(self, one: tuple[Item, asyncio.Future[Result]]) -> None:
        item, done = one
        try:
            (result,) = await self._write([item])
        except StoreError as error:
            done.set_exception(error)
        else:
            done.set_result(result)
