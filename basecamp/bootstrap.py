"""The composition root: from settings to tools, with every lifetime on one exit stack."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from basecamp.backends.embeddings import Embedder
from basecamp.backends.logfolder import LogFolder
from basecamp.backends.loki import Loki
from basecamp.backends.postgres import PostgresDatabases
from basecamp.backends.postmortems import PostmortemSearch
from basecamp.backends.prometheus import Prometheus
from basecamp.backends.trino import Trino
from basecamp.catalog import Catalog
from basecamp.database import ChangeLog, Database
from basecamp.errors import BackendError
from basecamp.settings import Settings
from basecamp.tools import ToolSpec
from basecamp.tools.diagnostics import postgres_tools
from basecamp.tools.read import log_tools, metric_tools, postmortem_tools, service_tools, trino_tools

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A backend that is not configured, the tools that are missing for it, and the mend."""

    backend: str
    tools: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A look at one backend; `look` answers a sentence or raises BackendError or ConfigError."""

    backend: str
    look: Callable[[], Awaitable[str]]


@dataclass(slots=True, kw_only=True)
class Basecamp:
    """What is there to serve."""

    settings: Settings
    changes: ChangeLog | None = None
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])
    absent: list[Absent] = field(default_factory=list[Absent])
    checks: list[Check] = field(default_factory=list[Check])

    def add(self, backend: str, look: Callable[[], Awaitable[str]], tools: Iterable[ToolSpec]) -> None:
        self.checks.append(Check(backend=backend, look=look))
        self.tools.extend(tools)

    def leave_out(self, backend: str, tools: tuple[str, ...], mend: str) -> None:
        self.absent.append(Absent(backend=backend, tools=tools, mend=mend))


@asynccontextmanager
async def open_basecamp(settings: Settings) -> AsyncGenerator[Basecamp]:
    """Build all that is configured; nothing is asked of a backend yet, so one that is away does not keep us down."""
    async with AsyncExitStack() as stack:
        basecamp = Basecamp(settings=settings)
        catalog = Catalog(settings.catalog) if settings.catalog else None
        _add_services(basecamp, catalog)
        _add_logs(basecamp, catalog, stack)
        _add_prometheus(basecamp, stack)
        _add_trino(basecamp)
        _add_postgres(basecamp)
        _add_postmortems(basecamp)
        basecamp.leave_out("traces", ("read_traces",), "this server has no traces backend yet")
        yield basecamp


async def migrate(basecamp: Basecamp) -> None:
    """Bring the database up to date at start; when it is away that is logged, and done before its first use."""
    if basecamp.changes is not None:
        try:
            await basecamp.changes.database.migrate()
        except BackendError as error:
            _log.warning("changes cannot be kept yet: %s", error)


def _add_services(basecamp: Basecamp, catalog: Catalog | None) -> None:
    dsn = basecamp.settings.database_url
    if dsn is not None:
        database = Database(dsn.get_secret_value(), groups=["changes"])
        basecamp.changes = ChangeLog(database)

        async def look() -> str:
            await database.migrate()
            return database.where

        basecamp.add("database", look, [])
    else:
        basecamp.leave_out("database", (), "set `database_url:` so that changes can be recorded (POST /changes)")
    if catalog is None and basecamp.changes is None:
        basecamp.leave_out("catalog", ("list_services",), "set `catalog:` to your catalog-info.yaml")
        return
    tools = service_tools(catalog, basecamp.changes)
    if catalog is None:
        basecamp.leave_out("catalog", (), "set `catalog:`; until then services are known by their changes only")
        basecamp.tools.extend(tools)
        return

    async def count() -> str:
        return f"{len(catalog.entries())} services in {catalog.file}"

    basecamp.add("catalog", count, tools)


def _add_logs(basecamp: Basecamp, catalog: Catalog | None, stack: AsyncExitStack) -> None:
    settings = basecamp.settings
    if settings.loki is not None:
        loki = Loki(settings.loki)
        stack.push_async_callback(loki.close)
        basecamp.add("loki", loki.check, log_tools(loki))
    elif settings.logs is not None:
        folder = LogFolder(settings.logs.folder, lambda: catalog.entries() if catalog else ())
        basecamp.add("logs", folder.check, log_tools(folder))
    else:
        basecamp.leave_out("logs", ("read_logs",), "set `loki: {url: …}` or `logs: {folder: …}`")


def _add_prometheus(basecamp: Basecamp, stack: AsyncExitStack) -> None:
    if basecamp.settings.prometheus is None:
        basecamp.leave_out("prometheus", ("read_metrics", "query_prometheus"), "set `prometheus: {url: …}`")
        return
    prometheus = Prometheus(basecamp.settings.prometheus)
    stack.push_async_callback(prometheus.close)
    basecamp.add("prometheus", prometheus.check, metric_tools(prometheus))


def _add_trino(basecamp: Basecamp) -> None:
    if basecamp.settings.trino is None:
        basecamp.leave_out("trino", ("query_trino",), "set `trino: {host: …, user: …}`")
        return
    trino = Trino(basecamp.settings.trino)
    basecamp.add("trino", trino.check, trino_tools(trino))


def _add_postgres(basecamp: Basecamp) -> None:
    if not basecamp.settings.postgres:
        mend = "set `postgres: {<service>: postgresql://…}`"
        basecamp.leave_out("postgres", ("pg_activity", "pg_settings"), mend)
        return
    databases = PostgresDatabases(basecamp.settings.postgres)
    basecamp.tools.extend(postgres_tools(databases))
    for name in databases.names:
        basecamp.add(f"postgres {name}", lambda name=name: databases.check(name), [])


def _add_postmortems(basecamp: Basecamp) -> None:
    settings = basecamp.settings
    missing = [
        key
        for key, value in (("postmortems", settings.postmortems), ("database_url", settings.database_url))
        if not value
    ]
    if missing or settings.database_url is None:
        mend = f"set `{'` and `'.join(f'{key}:' for key in missing)}`"
        basecamp.leave_out("postmortems", ("vector_search_postmortems",), mend)
        return
    # A database of its own, so that a server without pgvector still keeps changes.
    database = Database(settings.database_url.get_secret_value(), groups=["postmortems"])
    search = PostmortemSearch(settings.postmortems, database, Embedder())

    async def look() -> str:
        found = await search.check()
        await database.migrate()
        return found

    basecamp.add("postmortems", look, postmortem_tools(search))
