"""Metrics of orders-db, read through one of the connections PostgreSQL keeps back for superusers.

    python -m shop.exporter --dsn SUPERUSER_DSN --port 9102

Prints one JSON line `{service, url}` when ready.
"""

import argparse
import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import process
from .metrics import metrics_response
from .pool import Connection, Connector

SERVICE = "orders-db"

_ACTIVITY = """
select coalesce(datname, ''), coalesce(state, ''), application_name, count(*)
from pg_stat_activity where backend_type = 'client backend' group by 1, 2, 3
"""
_SETTINGS = "select name, setting::float from pg_settings where name = any(%s)"
_SETTING_NAMES = ["max_connections", "superuser_reserved_connections"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot(Collector):
    """What one scrape saw; `up` is false when the database could not be asked."""

    up: bool
    activity: Sequence[tuple[str, str, str, int]] = ()
    settings: Sequence[tuple[str, float]] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        up = GaugeMetricFamily("pg_up", "Whether the database answered.", labels=["service"])
        up.add_metric([SERVICE], float(self.up))
        yield up
        sessions = GaugeMetricFamily(
            "pg_stat_activity_count",
            "Client sessions by state.",
            labels=["service", "datname", "state", "application_name"],
        )
        for datname, state, application_name, count in self.activity:
            sessions.add_metric([SERVICE, datname, state, application_name], count)
        yield sessions
        for name, value in self.settings:
            setting = GaugeMetricFamily(f"pg_settings_{name}", f"Server setting {name}.", labels=["service"])
            setting.add_metric([SERVICE], value)
            yield setting


class Reader:
    """Keeps one connection between scrapes: a new one each second would fill the server log with itself."""

    def __init__(self, dsn: str) -> None:
        self._connector = Connector(dsn, "postgres-exporter")
        self._connection: Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(self) -> Snapshot:
        """One snapshot; never raises for a database that is away."""
        async with self._one_at_a_time:
            try:
                return await self._ask()
            except psycopg.Error:
                await self._drop()
                return Snapshot(up=False)

    async def close(self) -> None:
        async with self._one_at_a_time:
            await self._drop()

    async def _ask(self) -> Snapshot:
        if self._connection is None:
            self._connection = await self._connector.open()
        activity = await (await self._connection.execute(_ACTIVITY)).fetchall()
        settings = await (await self._connection.execute(_SETTINGS, [_SETTING_NAMES])).fetchall()
        return Snapshot(
            up=True,
            activity=[(str(row[0]), str(row[1]), str(row[2]), int(row[3])) for row in activity],
            settings=[(str(row[0]), float(row[1])) for row in settings],
        )

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def build_app(reader: Reader) -> Starlette:
    """The HTTP application: each `GET /metrics` asks the database."""

    async def metrics(_request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(await reader.read())
        return metrics_response(registry)

    return Starlette(routes=[Route("/metrics", metrics)])


async def run_exporter(dsn: str, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve metrics until `stop` is set."""
    reader = Reader(dsn)
    async with process.serving(build_app(reader), host=host, port=port) as url:
        process.announce(service=SERVICE, url=url)
        await stop.wait()
    await reader.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.exporter", description=__doc__)
    parser.add_argument("--dsn", required=True, help="orders-db as a superuser")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9102, help="0 picks a free one")
    options = parser.parse_args(arguments)
    process.run(partial(run_exporter, options.dsn, options.host, options.port))


if __name__ == "__main__":
    main()
