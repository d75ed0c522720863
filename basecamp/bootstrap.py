"""The composition root: from settings to tools, with every lifetime on one exit stack."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from basecamp.backends.embeddings import Embedder
from basecamp.backends.kubernetes import Kubernetes
from basecamp.backends.logfolder import LogFolder
from basecamp.backends.loki import Loki
from basecamp.backends.pgsessions import PostgresSessions
from basecamp.backends.postgres import PostgresDatabases
from basecamp.backends.postmortems import PostmortemSearch
from basecamp.backends.prometheus import Prometheus
from basecamp.backends.redis import RedisServers
from basecamp.backends.slack import Slack
from basecamp.backends.trino import Trino
from basecamp.catalog import Catalog
from basecamp.database import ChangeLog, Database
from basecamp.errors import BackendError, ConfigError
from basecamp.gate import WriteGate
from basecamp.grants import MIN_KEY_BYTES
from basecamp.settings import Settings
from basecamp.tools import Effect, ToolSpec
from basecamp.tools.kubernetes import READ_TOOLS, WRITE_TOOLS, kubernetes_read_tools, kubernetes_write_tools
from basecamp.tools.postgres import POSTGRES_TOOLS, postgres_tools
from basecamp.tools.preview import preview_tool
from basecamp.tools.read import log_tools, metric_tools, postmortem_tools, service_tools, trino_tools, utc_now
from basecamp.tools.redis import REDIS_TOOLS, redis_tools
from basecamp.tools.slack import slack_tools
from basecamp.writeaudit import AuditFile

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
    gate: WriteGate
    changes: ChangeLog | None = None
    tools: list[ToolSpec] = field(default_factory=list[ToolSpec])
    absent: list[Absent] = field(default_factory=list[Absent])
    checks: list[Check] = field(default_factory=list[Check])

    def add(self, backend: str, look: Callable[[], Awaitable[str]], tools: Iterable[ToolSpec]) -> None:
        self.checks.append(Check(backend=backend, look=look))
        self.tools.extend(tools)

    def writes(self) -> list[ToolSpec]:
        """The tools that change something."""
        return [tool for tool in self.tools if tool.effect is not Effect.READ]

    def leave_out(self, backend: str, tools: tuple[str, ...], mend: str) -> None:
        self.absent.append(Absent(backend=backend, tools=tools, mend=mend))


@asynccontextmanager
async def open_basecamp(settings: Settings, *, serving: bool = True) -> AsyncGenerator[Basecamp]:
    """Build all that is configured; nothing is asked of a backend yet, so one that is away does not keep us down.

    `serving=False` is for a look that must leave no trace: the audit file is not begun. Raises ConfigError when a
    server that may change something could not write down what it does.
    """
    async with AsyncExitStack() as stack:
        audit = AuditFile(settings.audit.file, utc_now)
        gate = WriteGate(key=settings.approval_key, audit=audit, clock=utc_now, server=settings.server_name)
        basecamp = Basecamp(settings=settings, gate=gate)
        catalog = Catalog(settings.catalog) if settings.catalog else None
        _add_services(basecamp, catalog)
        _add_logs(basecamp, catalog, stack)
        _add_prometheus(basecamp, stack)
        _add_trino(basecamp)
        _add_postgres(basecamp)
        _add_redis(basecamp)
        _add_kubernetes(basecamp, stack)
        _add_slack(basecamp, stack)
        _add_postmortems(basecamp)
        basecamp.leave_out("traces", ("read_traces",), "this server has no traces backend yet")
        _add_approvals(basecamp)
        if serving and gate.has_key and basecamp.writes():
            await gate.audit.open()
        # Last on the stack, so first to close: what is running still needs its backend.
        stack.push_async_callback(gate.close)
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
    settings = basecamp.settings
    if not settings.postgres:
        basecamp.leave_out("postgres", POSTGRES_TOOLS, "set `postgres: {<service>: postgresql://…}`")
        return
    databases = PostgresDatabases(settings.postgres)
    sessions = PostgresSessions(databases, max_targets=settings.writes.max_targets)
    basecamp.tools.extend(postgres_tools(databases, sessions))
    for name in databases.names:
        basecamp.add(f"postgres {name}", lambda name=name: databases.check(name), [])


def _add_redis(basecamp: Basecamp) -> None:
    settings = basecamp.settings
    if not settings.redis:
        basecamp.leave_out("redis", REDIS_TOOLS, "set `redis: {<service>: {url: redis://…}}`")
        return
    servers = RedisServers(settings.redis)
    basecamp.tools.extend(redis_tools(servers, max_targets=settings.writes.max_targets))
    for name in servers.names:
        basecamp.add(f"redis {name}", lambda name=name: servers.check(name), [])


def _add_kubernetes(basecamp: Basecamp, stack: AsyncExitStack) -> None:
    if not basecamp.settings.kubernetes:
        mend = "set `kubernetes: {<service>: {namespace: …, kubeconfig: …}}`"
        basecamp.leave_out("kubernetes", (*READ_TOOLS, *WRITE_TOOLS), mend)
        return
    kubernetes = Kubernetes(basecamp.settings.kubernetes)
    stack.push_async_callback(kubernetes.close)
    basecamp.tools.extend(kubernetes_read_tools(kubernetes))
    basecamp.tools.extend(kubernetes_write_tools(kubernetes))
    for name in kubernetes.names:
        basecamp.add(f"kubernetes {name}", lambda name=name: kubernetes.check(name), [])


def _add_slack(basecamp: Basecamp, stack: AsyncExitStack) -> None:
    if basecamp.settings.slack is None:
        mend = "set `slack: {token: …}` or `slack: {webhooks: {<channel>: …}}`"
        basecamp.leave_out("slack", ("notify_slack",), mend)
        return
    slack = Slack(basecamp.settings.slack)
    stack.push_async_callback(slack.close)
    basecamp.add("slack", slack.check, slack_tools(slack))


def _add_approvals(basecamp: Basecamp) -> None:
    """What stands before the tools that change something, and their preview."""
    writes, gate = basecamp.writes(), basecamp.gate
    if not writes:
        return
    basecamp.tools.append(preview_tool(writes))
    names = ", ".join(tool.name for tool in writes)
    if not gate.has_key:
        mend = f"set AIOPS_APPROVAL_KEY to at least {MIN_KEY_BYTES} bytes, the same as the bot's; until then these refuse: {names}"
        basecamp.leave_out("approvals", (), mend)
        return

    async def look() -> str:
        trouble = gate.audit.unusable()
        if trouble:
            raise ConfigError(trouble)
        return f"a key is set; every call of {names} is written to {gate.audit.file}"

    basecamp.add("approvals", look, [])


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
