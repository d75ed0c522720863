"""One transaction's door to PostgreSQL, and how its errors become ours."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.adapters.postgres.queries import query
from bot.core.errors import StoreError, StoreUnavailableError

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
Row = Mapping[str, Any]

# Not our statement's fault: the server is away, restarting, full, or lost.
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    PoolTimeout,
    PoolClosed,
)


_RECONNECT_S = 2.0


def make_pool(
    dsn: str, *, max_size: int, name: str, timeout_s: float = 5.0, search_path: str = "", autocommit: bool = False
) -> Pool:
    """A closed pool; the caller opens it. `timeout_s` bounds the wait for a connection."""
    options = "-c timezone=UTC" + (f" -c search_path={search_path}" if search_path else "")
    return AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=max_size,
        open=False,
        name=name,
        timeout=timeout_s,
        # The pool doubles its pauses while the server is away. Giving up early makes the next caller start afresh, so
        # that a database that is back is used within a second or two and not after the longest pause.
        reconnect_timeout=_RECONNECT_S,
        configure=_as_bot,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "row_factory": dict_row,
            "autocommit": autocommit,
            "application_name": f"aiops/{name}",
            "options": options,
        },
    )


async def _as_bot(connection: AsyncConnection[DictRow]) -> None:
    """Give up the owner's rights where the bot's own role is there: to change the audit log is none of them."""
    await Session(connection).execute("act_as_bot_if_member")
    if not connection.autocommit:
        await connection.commit()


@asynccontextmanager
async def wrapped_errors() -> AsyncGenerator[None]:
    """Turn psycopg's errors into ours; the cause stays chained for the log."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailableError("The database is away; nothing was written. Try again.") from error
    except psycopg.Error as error:
        raise StoreError(f"The database refused a statement: {error.diag.message_primary or error}") from error


class Session:
    """Named queries on one connection."""

    def __init__(self, connection: AsyncConnection[DictRow]) -> None:
        self._connection = connection
        self.wakes = False
        """Set by writes that give a loop something to do."""

    async def _run(self, name: str, params: Mapping[str, object]) -> AsyncCursor[DictRow]:
        return await self._connection.execute(query(name), params)

    async def rows(self, name: str, **params: object) -> Sequence[Row]:
        """Every row."""
        return await (await self._run(name, params)).fetchall()

    async def row(self, name: str, **params: object) -> Row | None:
        """The first row, if there is one."""
        return await (await self._run(name, params)).fetchone()

    async def execute(self, name: str, **params: object) -> int:
        """Run it; the number of rows it touched."""
        return (await self._run(name, params)).rowcount

    async def many(self, name: str, params: Sequence[Mapping[str, object]]) -> None:
        """Run it once per set of parameters, in one round trip."""
        if params:
            async with self._connection.cursor() as cursor:
                await cursor.executemany(query(name), params)


def jsonb(value: object) -> Jsonb:
    """A value for a jsonb column."""
    return Jsonb(value)
