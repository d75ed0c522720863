"""Metrics of session-cache from Redis' INFO, under the names of github.com/oliver006/redis_exporter.

    python -m shop.redis_exporter --redis redis://127.0.0.1:6379/0 --port 9121

Prints one JSON line `{service, url}` when ready.
"""

import argparse
import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import process
from .metrics import metrics_response

SERVICE = "session-cache"

# INFO's field, and the exporter's name for it.
_GAUGES = {
    "used_memory": "memory_used_bytes",
    "used_memory_rss": "memory_used_rss_bytes",
    "maxmemory": "memory_max_bytes",
    "mem_fragmentation_ratio": "mem_fragmentation_ratio",
    "connected_clients": "connected_clients",
    "blocked_clients": "blocked_clients",
    "uptime_in_seconds": "uptime_in_seconds",
}
_COUNTERS = {
    "total_commands_processed": "commands_processed",
    "total_connections_received": "connections_received",
    "rejected_connections": "rejected_connections",
    "expired_keys": "expired_keys",
    "evicted_keys": "evicted_keys",
    "keyspace_hits": "keyspace_hits",
    "keyspace_misses": "keyspace_misses",
}
_DATABASE = re.compile(r"db\d+")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot(Collector):
    """What one scrape saw; without INFO the server could not be asked."""

    info: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def collect(self) -> Iterable[Metric]:
        yield _one(GaugeMetricFamily("redis_up", "Whether Redis answered.", labels=["service"]), bool(self.info))
        if not self.info:
            return
        for name, given in _GAUGES.items():
            gauge = GaugeMetricFamily(f"redis_{given}", f"INFO {name}.", labels=["service"])
            yield _one(gauge, self.info.get(name, 0))
        for name, given in _COUNTERS.items():
            counter = CounterMetricFamily(f"redis_{given}", f"INFO {name}.", labels=["service"])
            yield _one(counter, self.info.get(name, 0))
        yield from self._databases()
        yield self._errors()

    def _databases(self) -> Iterable[Metric]:
        keys = GaugeMetricFamily("redis_db_keys", "Keys.", labels=["service", "db"])
        expiring = GaugeMetricFamily("redis_db_keys_expiring", "Keys that expire.", labels=["service", "db"])
        for name, held in self.info.items():
            if _DATABASE.fullmatch(name):
                keys.add_metric([SERVICE, name], held["keys"])
                expiring.add_metric([SERVICE, name], held["expires"])
        yield from (keys, expiring)

    def _errors(self) -> Metric:
        """Refused commands by their error's first word; OOM from the start, because rate() sees nothing of a first value."""
        refused = {"OOM": 0} | {
            name.removeprefix("errorstat_"): held["count"]
            for name, held in self.info.items()
            if name.startswith("errorstat_")
        }
        errors = CounterMetricFamily("redis_errors", "Errors by type.", labels=["service", "err"])
        for name, count in refused.items():
            errors.add_metric([SERVICE, name], count)
        return errors


def _one(family: GaugeMetricFamily | CounterMetricFamily, value: float) -> Metric:
    family.add_metric([SERVICE], float(value))
    return family


def build_app(client: Redis) -> Starlette:
    """The HTTP application: each `GET /metrics` asks Redis."""

    async def metrics(_request: Request) -> Response:
        registry = CollectorRegistry()
        try:
            registry.register(Snapshot(info=await client.info("everything")))
        except RedisError:
            registry.register(Snapshot())
        return metrics_response(registry)

    return Starlette(routes=[Route("/metrics", metrics)])


async def run_exporter(redis: str, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve metrics until `stop` is set."""
    async with (
        Redis.from_url(redis, socket_timeout=1, client_name="redis-exporter") as client,
        process.serving(build_app(client), host=host, port=port) as url,
    ):
        process.announce(service=SERVICE, url=url)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.redis_exporter", description=__doc__)
    parser.add_argument("--redis", required=True, help="address, as redis://127.0.0.1:6379/0")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9121, help="0 picks a free one")
    options = parser.parse_args(arguments)
    process.run(partial(run_exporter, options.redis, options.host, options.port))


if __name__ == "__main__":
    main()
