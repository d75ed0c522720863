"""PostgreSQL databases under diagnosis: who holds the connections, and how the server is set.

The connection strings should name a superuser or a member of pg_use_reserved_connections: PostgreSQL keeps
superuser_reserved_connections and reserved_connections slots for them, so looking works while the rest is exhausted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr

from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.redaction import MASK, describe_dsn, dsn_password, mask, mask_sql
from basecamp.results import ApplicationCount, PgActivity, PgSetting, PgSettings, Session, StateCount
from basecamp.sql import query_named

USEFUL_SETTINGS = (
    "max_connections", "superuser_reserved_connections", "reserved_connections",
    "idle_in_transaction_session_timeout", "idle_session_timeout", "statement_timeout", "lock_timeout",
    "transaction_timeout", "shared_buffers", "work_mem", "maintenance_work_mem", "effective_cache_size",
    "log_connections", "log_disconnections", "log_min_duration_statement", "autovacuum", "max_wal_size",
    "max_worker_processes", "tcp_keepalives_idle", "server_version",
)  # fmt: skip
# Settings whose value may hold a password or a shell command.
_HIDDEN = frozenset({"primary_conninfo", "archive_command", "restore_command", "ssl_passphrase_command"})
_CONNECT_SECONDS = 3
_TOTAL_SECONDS = 8
_QUERY_LENGTH = 300
Arguments = tuple[Any, ...] | Mapping[str, Any] | None


class PostgresDatabases:
    """Looks at databases by the name of the service they are."""

    def __init__(self, databases: Mapping[str, SecretStr]) -> None:
        self._databases = dict(databases)

    @property
    def names(self) -> list[str]:
        return list(self._databases)

    async def activity(self, service: str) -> PgActivity:
        """Client sessions counted by state and by application_name, which is how a release shows itself.

        basecamp's own session is not counted. Raises BadRequest for an unknown database, BackendError otherwise.
        """
        limits, by_state, by_application, longest = await self._run(
            service,
            [(query_named(f"activity_{name}"), None) for name in ("limits", "by_state", "by_application", "longest")],
        )
        return PgActivity(
            max_connections=limits[0]["max_connections"],
            reserved=limits[0]["reserved"],
            used=limits[0]["used"],
            by_state=[StateCount.model_validate(row) for row in by_state],
            by_application=[ApplicationCount.model_validate(presentable(row)) for row in by_application],
            longest=[Session.model_validate(presentable(row)) for row in longest],
            at=limits[0]["at"].astimezone(UTC),
        )

    async def settings(self, service: str, names: Sequence[str] | None) -> PgSettings:
        """The settings asked for, or a useful list. Raises BadRequest naming the nearest known setting."""
        rows, known = await self._run(
            service,
            [(query_named("settings"), (list(names or USEFUL_SETTINGS),)), (query_named("setting_names"), None)],
        )
        found = {str(row["name"]) for row in rows}
        for name in names or ():
            if name not in found:
                hint = nearest(name, [str(row["name"]) for row in known]) if len(name) > 2 else "look in pg_settings"
                raise BadRequest(f"PostgreSQL {service!r} has no setting {name!r}; {hint[:200]}")
        return PgSettings(settings=[_setting(row) for row in rows])

    async def check(self, service: str) -> str:
        """Connect and say who we are there. Raises BackendError."""
        (rows,) = await self._run(service, [(query_named("who_am_i"), None)])
        where = describe_dsn(self._dsn(service))
        if not rows[0]["may_use_reserved"]:
            words = (
                f"{where} may not use a reserved slot, so it cannot look when connections are exhausted; grant it "
                "pg_use_reserved_connections and set reserved_connections above 0, or use a superuser"
            )
            raise BackendError(f"postgres {service}", words)
        return f"{where}, PostgreSQL {rows[0]['version']}"

    async def _run(
        self, service: str, statements: Sequence[tuple[LiteralString, tuple[Any, ...] | None]]
    ) -> list[list[dict[str, Any]]]:
        async with self.connect(service) as look:
            return [await look.rows(statement, arguments) for statement, arguments in statements]

    def runs_as(self, service: str) -> str:
        """Which role does it where. Raises BadRequest for an unknown database."""
        return f"PostgreSQL role {describe_dsn(self._dsn(service))}"

    @asynccontextmanager
    async def connect(self, service: str, *, seconds: float = _TOTAL_SECONDS) -> AsyncGenerator[Look]:
        """A read-only session that ends after so many seconds. Raises BadRequest or BackendError."""
        dsn = self._dsn(service)
        look = Look()
        try:
            async with asyncio.timeout(seconds), await _connect(dsn) as connection:
                look.connection = connection
                yield look
        except TimeoutError as error:
            words = f"no answer from {describe_dsn(dsn)} within {seconds:g} s"
            raise BackendError(f"postgres {service}", words, query=look.running) from error
        except psycopg.Error as error:
            words = mask(str(error) or type(error).__name__, dsn, dsn_password(dsn))
            at = f"{words.strip()} (at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ})"
            raise BackendError(f"postgres {service}", at, query=look.running) from None

    def _dsn(self, service: str) -> str:
        if service not in self._databases:
            raise BadRequest(f"no PostgreSQL database is configured for {service!r}; {nearest(service, self.names)}")
        return self._databases[service].get_secret_value()


@dataclass(slots=True)
class Look:
    """An open session that remembers which statement it is at, so that an error can say so."""

    running: str = "connect"
    connection: psycopg.AsyncConnection[dict[str, Any]] | None = None

    async def rows(self, statement: LiteralString, arguments: Arguments = None) -> list[dict[str, Any]]:
        """The rows of one statement. Raises psycopg.Error, which `connect` turns into a BackendError."""
        assert self.connection is not None
        self.running = " ".join(statement.split())
        return await (await self.connection.execute(statement, arguments)).fetchall()


async def _connect(dsn: str) -> psycopg.AsyncConnection[dict[str, Any]]:
    return await psycopg.AsyncConnection[dict[str, Any]].connect(
        dsn,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=_CONNECT_SECONDS,
        application_name="basecamp-mcp",
        options="-c statement_timeout=3000 -c default_transaction_read_only=on -c search_path=pg_catalog",
    )


def presentable(row: dict[str, Any]) -> dict[str, Any]:
    """Other people's statements: passwords masked, clipped, on one line."""
    return {
        key: mask_sql(" ".join(str(value).split()))[:_QUERY_LENGTH]
        if key in {"query", "sample_query"} and value
        else value
        for key, value in row.items()
    }


def _setting(row: dict[str, Any]) -> PgSetting:
    hidden = row["name"] in _HIDDEN and row["value"]
    return PgSetting.model_validate({**row, "value": MASK if hidden else row["value"]})
