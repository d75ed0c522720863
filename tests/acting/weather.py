"""Bad weather for the executor: the process dies at any commit or named point, stalls, and people do what people do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random


class PowerCut(BaseException):
    """The process is gone. Not an Exception, so that nothing in it can live on."""


def is_power_cut(error: BaseException) -> bool:
    """Also inside the groups that task groups make of it."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_power_cut(one) for one in error.exceptions)
    return isinstance(error, PowerCut)


@dataclass
class Weather:
    """One seed's misfortunes; calm from the moment it is told to be."""

    random: Random
    calm: bool = False
    stalls: Callable[[], Awaitable[object]] | None = None
    """What others do while this process stands still, its lease running out."""
    met: set[str] = field(default_factory=set)

    def strikes(self, what: str, chance: float) -> bool:
        hit = not self.calm and self.random.random() < chance
        if hit:
            self.met.add(what)
        return hit

    def reach(self, point: str) -> None:
        """For Desk.reach."""
        if self.strikes(f"at {point}", 0.12):
            raise PowerCut


class StormyStore:
    """The store, whose process may die right before or right after a commit, or stall before it begins."""

    def __init__(self, store, weather: Weather) -> None:
        self._store, self._weather = store, weather

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[object]:
        weather = self._weather
        if weather.stalls is not None and weather.strikes("stalled", 0.03):
            stalls, weather.stalls = weather.stalls, None
            await stalls()
            weather.stalls = stalls
        async with self._store.transaction() as tx:
            yield tx
            if weather.strikes("before a commit", 0.015):
                raise PowerCut
        if weather.strikes("after a commit", 0.015):
            raise PowerCut
