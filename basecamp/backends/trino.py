"""Trino, through its own client (the /v1/statement protocol); the client is synchronous, so it runs in a thread."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

import requests
import trino.auth
import trino.dbapi
import trino.exceptions

from basecamp.backends.sqlguard import check_read_only
from basecamp.errors import BackendError
from basecamp.results import Table
from basecamp.settings import TrinoSettings

_MAX_CELL = 2000


class Trino:
    """Runs one reading statement and fetches no more rows than asked for."""

    def __init__(self, settings: TrinoSettings) -> None:
        self._settings = settings

    async def query(self, sql: str, limit: int) -> Table:
        """Rows of a reading statement. Raises BadRequest before Trino is asked, BackendError in Trino's words."""
        statement = check_read_only(sql)
        # Not `with`: closing a cursor talks to the server, which would hold up the event loop.
        cursor = self._connection().cursor()
        worker = asyncio.ensure_future(asyncio.to_thread(self._fetch, cursor, statement, limit))
        worker.add_done_callback(_swallow)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds + 1):
                return await asyncio.shield(worker)
        except TimeoutError as error:
            words = f"not finished within {self._settings.timeout_seconds:g} s; cancelled"
            raise BackendError("trino", words, query=sql) from error
        finally:
            # Ends the query on the server and with it the thread that still waits for it.
            await asyncio.to_thread(_cancel, cursor)

    async def check(self) -> str:
        """Run SELECT 1. Raises BackendError."""
        await self.query("SELECT 1", 1)
        return f"{self._settings.http_scheme}://{self._settings.host}:{self._settings.port}"

    def _connection(self) -> trino.dbapi.Connection:
        settings = self._settings
        password = settings.password
        return trino.dbapi.Connection(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            catalog=settings.catalog,
            schema=settings.schema_name,
            source="basecamp-mcp",
            http_scheme=settings.http_scheme,
            auth=trino.auth.BasicAuthentication(settings.user, password.get_secret_value()) if password else None,
            session_properties={"query_max_run_time": f"{max(1, int(settings.timeout_seconds))}s"},
            request_timeout=settings.timeout_seconds,
            max_attempts=1,
        )

    @staticmethod
    def _fetch(cursor: Any, statement: str, limit: int) -> Table:
        try:
            cursor.execute(statement)
            rows = cast("list[list[Any]]", cursor.fetchmany(limit + 1))
            columns = [str(column[0]) for column in cast("list[list[Any]]", cursor.description or [])]
        except trino.exceptions.TrinoQueryError as error:
            raise BackendError("trino", f"{error.error_name}: {error.message}", query=statement) from error
        except (trino.exceptions.Error, requests.RequestException) as error:
            raise BackendError("trino", str(error), query=statement) from error
        kept = [[_cell(value) for value in row] for row in rows[:limit]]
        return Table(columns=columns, rows=kept, truncated=len(rows) > limit)


def _cancel(cursor: Any) -> None:
    try:
        cursor.cancel()
    except (trino.exceptions.Error, requests.RequestException):
        return  # the server forgets an abandoned query by itself (query.client.timeout)


def _swallow(worker: asyncio.Future[Table]) -> None:
    """Mark the late outcome of an abandoned query as seen."""
    if not worker.cancelled():
        worker.exception()


def _cell(value: Any) -> Any:
    """A value that JSON can hold."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_cell(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {str(key): _cell(each) for key, each in cast("dict[Any, Any]", value).items()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…"
