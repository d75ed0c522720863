"""Read tools: services and changes, logs, metrics, Trino, past incidents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from basecamp.backends.postmortems import PostmortemSearch
from basecamp.backends.prometheus import Prometheus
from basecamp.backends.trino import Trino
from basecamp.catalog import Catalog
from basecamp.database import ChangeLog
from basecamp.errors import BadRequest
from basecamp.results import Change, LogLines, Postmortems, SeriesList, Services, Table
from basecamp.results import Service as ServiceResult
from basecamp.times import Window, parse_step, parse_time, parse_window
from basecamp.tools import Effect, End, OptionalText, Service, Start, ToolSpec, check_limit

MAX_LINES = 2000
MAX_ROWS = 2000
MAX_NEIGHBOURS = 20
MAX_QUERY = 10_000
_RECENT = timedelta(hours=24)
Clock = Callable[[], datetime]


class LogSource(Protocol):
    """Where logs come from: a folder or Loki."""

    async def read(self, service: str, window: Window, contains: str, limit: int) -> LogLines: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def service_tools(catalog: Catalog | None, changes: ChangeLog | None, clock: Clock = utc_now) -> list[ToolSpec]:
    async def list_services(since: OptionalText = "") -> Services:
        """All services with owner, tier, dependencies, running version, and what was changed since a time.

        Without `since` (RFC 3339 UTC) the changes of the last 24 hours are given, newest first.
        """
        after = parse_time(since, name="since") if since else clock() - _RECENT
        entries = catalog.entries() if catalog else {}
        recent = await changes.since(after) if changes else []
        versions = await changes.versions() if changes else {}
        by_service: dict[str, list[Change]] = {name: [] for name in entries}
        for service, change in recent:
            by_service.setdefault(service, []).append(change)
        for service in versions:
            by_service.setdefault(service, [])
        return Services(
            services=[
                ServiceResult(
                    name=name,
                    owner=entry.owner if (entry := entries.get(name)) else None,
                    tier=entry.tier if entry else None,
                    depends_on=list(entry.depends_on) if entry else [],
                    version=versions.get(name),
                    changes=listed,
                )
                for name, listed in by_service.items()
            ]
        )

    return [ToolSpec(run=list_services, result=Services, title="List services and changes", effect=Effect.READ)]


def log_tools(logs: LogSource) -> list[ToolSpec]:
    async def read_logs(
        service: Service, start: Start, end: End, contains: OptionalText = "", limit: int = 500
    ) -> LogLines:
        """Log records of a service in a time range, oldest first.

        `contains` keeps records with that exact text (case counts). When there are more than `limit` (at most
        2000), the newest are given and `truncated` is true.
        """
        window = parse_window(start, end)
        return await logs.read(service, window, contains, check_limit(limit, name="limit", most=MAX_LINES))

    return [ToolSpec(run=read_logs, result=LogLines, title="Read logs", effect=Effect.READ)]


def metric_tools(prometheus: Prometheus, clock: Clock = utc_now) -> list[ToolSpec]:
    async def read_metrics(service: Service, start: Start, end: End, step: str = "30s") -> SeriesList:
        """All metrics of a service as lines: counters as rates per second, histograms as 95th percentile.

        Each series has kind (latency, errors, traffic, saturation, other) and unit; what was left out stands in `note`.
        """
        return await prometheus.read_metrics(service, parse_window(start, end), parse_step(step))

    async def query_prometheus(
        query: str, start: OptionalText = "", end: OptionalText = "", step: OptionalText = ""
    ) -> SeriesList:
        """Run PromQL: over start to end (RFC 3339 UTC), or without start at one moment (end, or now)."""
        if not query.strip() or len(query) > MAX_QUERY:
            raise BadRequest(f"query must hold PromQL of at most {MAX_QUERY} characters")
        now = clock()
        at = parse_time(end, name="end") if end else now
        window = parse_window(start, end or now.isoformat()) if start else None
        return await prometheus.query(query.strip(), window, at, parse_step(step) if step else None)

    return [
        ToolSpec(run=read_metrics, result=SeriesList, title="Read metrics", effect=Effect.READ),
        ToolSpec(run=query_prometheus, result=SeriesList, title="Query Prometheus", effect=Effect.READ),
    ]


def trino_tools(trino: Trino) -> list[ToolSpec]:
    async def query_trino(sql: str, limit: int = 200) -> Table:
        """Run one SQL statement that only reads (SELECT, WITH, VALUES, SHOW, DESCRIBE, EXPLAIN) in Trino."""
        if len(sql) > MAX_QUERY:
            raise BadRequest(f"sql has {len(sql)} characters; at most {MAX_QUERY} are allowed")
        return await trino.query(sql, check_limit(limit, name="limit", most=MAX_ROWS))

    return [ToolSpec(run=query_trino, result=Table, title="Query Trino", effect=Effect.READ)]


def postmortem_tools(search: PostmortemSearch) -> list[ToolSpec]:
    async def vector_search_postmortems(query: str, k: int = 3) -> Postmortems:
        """Past incidents whose symptoms are most like a description, best first; score is cosine similarity."""
        if not query.strip() or len(query) > MAX_QUERY:
            raise BadRequest(f"query must describe a symptom in at most {MAX_QUERY} characters")
        return await search.search(query.strip(), check_limit(k, name="k", most=MAX_NEIGHBOURS))

    title = "Search past incidents"
    return [ToolSpec(run=vector_search_postmortems, result=Postmortems, title=title, effect=Effect.READ)]
