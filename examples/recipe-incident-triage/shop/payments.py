"""Charging an order, and what the two releases of checkout do when the first charge fails for a moment."""

import asyncio
import random
from enum import StrEnum
from typing import Protocol

from .pool import Connection, Connector, Pool


class Verdict(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    TRANSIENT = "transient"


class PaymentGateway:
    """The payment provider: answers after a short time, sometimes with a failure that a second try may mend."""

    def __init__(self, chance: random.Random, *, pace: float, transient: float = 0.15, declined: float = 0.6) -> None:
        self._chance = chance
        self._pace = pace
        self._transient = transient
        self._declined = declined

    async def charge(self, *, attempt: int) -> Verdict:
        """Attempt 1 is approved or transient; a later attempt is approved or declined."""
        await asyncio.sleep(self._chance.uniform(0.01, 0.04) / self._pace)
        if attempt == 1:
            return Verdict.TRANSIENT if self._chance.random() < self._transient else Verdict.APPROVED
        return Verdict.DECLINED if self._chance.random() < self._declined else Verdict.APPROVED


class RetryPath(Protocol):
    async def retry(self, order_id: int) -> Verdict: ...

    async def close(self) -> None: ...


class PooledRetry:
    """Releases before 2.31: the retry borrows from the pool like everything else."""

    def __init__(self, pool: Pool, gateway: PaymentGateway) -> None:
        self._pool = pool
        self._gateway = gateway

    async def retry(self, order_id: int) -> Verdict:
        async with self._pool.connection() as connection:
            attempt = await _next_attempt(connection, order_id)
        verdict = await self._gateway.charge(attempt=attempt)
        async with self._pool.connection() as connection:
            await record_attempt(connection, order_id, attempt, verdict)
        return verdict

    async def close(self) -> None:
        """Nothing of its own to close."""


class OwnConnectionRetry:
    """Releases from 2.31: a retry has a connection to itself, so that slow retries cannot starve the pool.

    2.31.0 gives that connection back only when the retry is approved. 2.31.1 always does.
    """

    def __init__(self, connector: Connector, gateway: PaymentGateway, *, leaks: bool) -> None:
        self._connector = connector
        self._gateway = gateway
        self._leaks = leaks
        self._open: dict[int, Connection] = {}

    async def retry(self, order_id: int) -> Verdict:
        connection = await self._connector.open()
        self._open[order_id] = connection
        attempt = await _next_attempt(connection, order_id)
        verdict = await self._gateway.charge(attempt=attempt)
        if verdict is Verdict.DECLINED and self._leaks:
            # The fault of 2.31.0: an early return past the release below. The session stays idle for ever.
            return verdict
        await record_attempt(connection, order_id, attempt, verdict)
        await self._release(order_id)
        return verdict

    async def _release(self, order_id: int) -> None:
        await self._open.pop(order_id).close()

    async def close(self) -> None:
        """End every session that is still open; what the operating system would do for a process that exits."""
        for order_id in list(self._open):
            await self._release(order_id)


def retry_path(version: str, *, pool: Pool, connector: Connector, gateway: PaymentGateway) -> RetryPath:
    """The retry path that release `version` shipped with. Raises `ValueError` for a version that is not X.Y.Z."""
    release = parse_version(version)
    if release < (2, 31, 0):
        return PooledRetry(pool, gateway)
    return OwnConnectionRetry(connector, gateway, leaks=release == (2, 31, 0))


def parse_version(version: str) -> tuple[int, int, int]:
    """`2.31.0` as numbers. Raises `ValueError` otherwise."""
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"version {version!r} is not of the form 2.31.0")
    major, minor, patch = (int(part) for part in parts)
    return major, minor, patch


async def record_attempt(connection: Connection, order_id: int, attempt: int, verdict: Verdict) -> None:
    await connection.execute(
        "insert into payment_attempts (order_id, attempt, outcome) values (%s, %s, %s)", [order_id, attempt, verdict]
    )


async def _next_attempt(connection: Connection, order_id: int) -> int:
    cursor = await connection.execute(
        "select coalesce(max(attempt), 0) + 1 from payment_attempts where order_id = %s", [order_id]
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate always gives one row"
    return int(row[0])
