"""Connections of the shop's services to orders-db."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.AsyncConnection[TupleRow]


class Connector:
    """Opens connections that carry the release in `application_name`, so that the database can tell releases apart."""

    def __init__(self, dsn: str, application_name: str) -> None:
        self._dsn = dsn
        self._application_name = application_name

    async def open(self) -> Connection:
        """A new connection in autocommit; raises `psycopg.OperationalError` when the server refuses it."""
        return await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name=self._application_name, connect_timeout=3
        )


class Pool:
    """At most `size` connections, opened when needed, reopened after `uses` uses."""

    def __init__(self, connector: Connector, *, size: int = 4, uses: int = 100) -> None:
        self._connector = connector
        self._uses = uses
        self._places = asyncio.Semaphore(size)
        self._idle: list[tuple[Connection, int]] = []

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Borrow a connection for the block; a broken one is dropped and not given out again."""
        async with self._places:
            connection, uses = self._idle.pop() if self._idle else (await self._connector.open(), 0)
            try:
                yield connection
            finally:
                if connection.closed or uses + 1 >= self._uses:
                    await connection.close()
                else:
                    self._idle.append((connection, uses + 1))

    async def close(self) -> None:
        """Close what is not lent out."""
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()
