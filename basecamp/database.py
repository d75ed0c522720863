"""basecamp's own PostgreSQL: connections, migrations and the record of changes.

Each operation opens its own connection: calls are few, and a database that comes back is used at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from basecamp.errors import BackendError, DatabaseAway
from basecamp.redaction import describe_dsn, dsn_password, mask
from basecamp.results import Change
from basecamp.sql import migrations, query_named

MAX_CHANGES = 1000
_CONNECT_SECONDS = 3
_TOTAL_SECONDS = 15
_BACKEND = "basecamp database"
_log = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[dict[str, Any]]


class Database:
    """One PostgreSQL database with the schema `basecamp`; migrated before its first use."""

    def __init__(self, dsn: str, *, groups: Sequence[str]) -> None:
        self._dsn = dsn
        self._groups = groups
        self._migrated = False
        self._migrating = asyncio.Lock()

    @property
    def where(self) -> str:
        return describe_dsn(self._dsn)

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Connection]:
        """A connection in one transaction, at most 15 s. Raises DatabaseAway, or BackendError when a statement fails."""
        async with self._opened() as connection:
            await self._migrate_once(connection)
            yield connection

    async def migrate(self) -> None:
        """Bring the schema up to date. Raises DatabaseAway or BackendError."""
        async with self.connect():
            _log.info("database %s is up to date", self.where)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Connection]:
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                connection = await psycopg.AsyncConnection[dict[str, Any]].connect(
                    self._dsn,
                    row_factory=dict_row,
                    connect_timeout=_CONNECT_SECONDS,
                    application_name="basecamp-mcp",
                )
                async with connection:
                    yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseAway(_BACKEND, f"{self.where}: {self._words(error)}") from None
        except TimeoutError as error:
            raise DatabaseAway(_BACKEND, f"{self.where}: no answer within {_TOTAL_SECONDS} s") from error
        except psycopg.Error as error:
            raise BackendError(_BACKEND, f"{self.where}: {self._words(error)}") from None

    def _words(self, error: psycopg.Error) -> str:
        return mask(str(error).strip() or type(error).__name__, self._dsn, dsn_password(self._dsn))

    async def _migrate_once(self, connection: Connection) -> None:
        if self._migrated:
            return
        async with self._migrating:
            await connection.execute(query_named("lock_migrations"))
            state = await (await connection.execute(query_named("is_set_up"))).fetchone()
            if state is None or not state["ready"]:
                for statement in ("create_schema", "create_migrations"):
                    await connection.execute(query_named(statement))
            rows = await (await connection.execute(query_named("applied_migrations"))).fetchall()
            applied = {row["name"] for row in rows}
            for migration in (each for group in self._groups for each in migrations(group)):
                if migration.name not in applied:
                    await connection.execute(migration.statements)
                    await connection.execute(query_named("record_migration"), (migration.name,))
                    _log.info("applied migration %s", migration.name)
            await connection.commit()
            self._migrated = True


class ChangeLog:
    """What was done to services, by whom and when."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def record(self, service: str, change: Change) -> tuple[dict[str, Any], bool]:
        """Store a change; (the stored row, whether it is new). An id that is known keeps its first record."""
        async with self.database.connect() as connection:
            values = {**change.model_dump(), "service": service}
            inserted = await (await connection.execute(query_named("record_change"), values)).fetchone()
            row = await (await connection.execute(query_named("change"), {"id": change.id})).fetchone()
        return row or values, inserted is not None

    async def since(self, since: datetime, service: str | None = None) -> list[tuple[str, Change]]:
        """(service, change) newest first, at most 1000."""
        arguments = {"since": since, "service": service, "limit": MAX_CHANGES}
        async with self.database.connect() as connection:
            rows = await (await connection.execute(query_named("changes"), arguments)).fetchall()
        return [(row["service"], Change.model_validate(row)) for row in rows]

    async def versions(self) -> dict[str, str]:
        """The version of each service's newest deploy."""
        async with self.database.connect() as connection:
            rows = await (await connection.execute(query_named("versions"))).fetchall()
        return {row["service"]: row["version"] for row in rows}
