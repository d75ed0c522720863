"""What a client under test saw, in order, with bounded waits for it."""

import asyncio
from collections.abc import Callable
from typing import Any


class Reports:
    def __init__(self) -> None:
        self._all: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    def add(self, kind: str, **what: Any) -> None:
        self._all.append({"kind": kind, **what})
        self._changed.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self._all if each["kind"] == kind]

    async def until(self, kind: str, count: int = 1, *, timeout_s: float = 30) -> list[dict[str, Any]]:
        """Wait for `count` reports of a kind. Raises AssertionError that shows everything seen instead."""
        await self._until(lambda: len(self.of(kind)) >= count, f"{count} of {kind}", timeout_s)
        return self.of(kind)

    async def _until(self, ready: Callable[[], bool], wanted: str, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while not ready():
            ended = self.of("exit")
            assert not ended, f"The client ended before {wanted}: {self._all}"
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), end - loop.time())
            except TimeoutError:
                raise AssertionError(f"No {wanted} within {timeout_s:g} s. Seen: {self._all}") from None
