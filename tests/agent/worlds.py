"""Scripted worlds behind a real MCP server: what the tools answer for one incident."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from tests.support.openai_endpoint import serving

ONSET = datetime(2026, 11, 20, 9, 2, 0, tzinfo=UTC)
Failure = str


def at(seconds: float) -> str:
    """A moment relative to the onset, as RFC 3339."""
    return (ONSET + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def change(service_change_id: str, kind: str, seconds: float, title: str, detail: str = "", version: str = "") -> dict:
    return {
        "id": service_change_id,
        "kind": kind,
        "at": at(seconds),
        "author": "kim",
        "title": title,
        "detail": detail,
        "version": version or None,
    }


def service(
    name: str,
    *,
    depends_on: tuple[str, ...] = (),
    version: str = "1.0.0",
    changes: tuple[dict, ...] = (),
    owner: str = "team",
) -> dict:
    return {
        "name": name,
        "owner": owner,
        "tier": "1",
        "depends_on": list(depends_on),
        "version": version,
        "changes": list(changes),
    }


def series(
    name: str, value: Callable[[float], float | None], *, kind: str = "other", unit: str = "", **labels: str
) -> dict:
    """One series every ten seconds from 30 min before to 30 s after the onset; None leaves a point out."""
    points = [[ONSET.timestamp() + t, v] for t in range(-1800, 31, 10) if (v := value(t)) is not None]
    return {"name": name, "kind": kind, "unit": unit, "labels": labels, "points": points}


def line(seconds: float, level: str, service_name: str, text: str) -> dict:
    return {"at": at(seconds), "level": level, "service": service_name, "text": text}


@dataclass
class World:
    """Answers by service; a string instead of an answer is the tool's error."""

    services: list[dict] | Failure = field(default_factory=list)
    metrics: dict[str, list[dict] | Failure] = field(default_factory=dict)
    logs: dict[str, list[dict] | Failure] = field(default_factory=dict)
    activity: dict | Failure | None = None
    settings: dict | None = None
    edges: list[dict] | Failure | None = None
    """What traces tell of calls; None for a server that has none."""
    without: frozenset[str] = frozenset()
    """Tools that the server does not offer."""
    hanging: frozenset[str] = frozenset()
    """Tools that never answer."""
    calls: list[tuple[str, dict]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a hanging tool has been called."""

    async def reply(self, tool: str, args: dict, answer: object) -> dict:
        self.calls.append((tool, args))
        if tool in self.hanging:
            self.stuck.set()
            await self.release.wait()
        if isinstance(answer, str):
            raise ToolError(answer)
        return answer


def _within(lines: list[dict], start: str, end: str) -> list[dict]:
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return [one for one in lines if first <= datetime.fromisoformat(one["at"]) < last]


def build_server(world: World) -> MCPServer:
    """The basecamp contract over one world."""
    server = MCPServer("scripted")

    async def list_services(since: str | None = None) -> dict:
        """Services, what they depend on, and what changed on them."""
        answer = world.services if isinstance(world.services, str) else {"services": world.services}
        return await world.reply("list_services", {"since": since}, answer)

    async def read_metrics(service: str, start: str, end: str, step: str = "30s") -> dict:
        """Metrics of one service."""
        found = world.metrics.get(service, [])
        answer = found if isinstance(found, str) else {"series": found}
        return await world.reply("read_metrics", {"service": service}, answer)

    async def read_logs(service: str, start: str, end: str, contains: str = "", limit: int = 500) -> dict:
        """Log lines of one service."""
        found = world.logs.get(service, [])
        if isinstance(found, str):
            answer: object = found
        else:
            kept = [one for one in _within(found, start, end) if contains in one["text"]]
            answer = {"lines": kept[-limit:], "truncated": len(kept) > limit}
        return await world.reply("read_logs", {"service": service, "start": start, "contains": contains}, answer)

    async def read_traces(service: str, start: str, end: str) -> dict:
        """Calls between services."""
        answer = world.edges if isinstance(world.edges, str) else {"edges": world.edges}
        return await world.reply("read_traces", {"service": service}, answer)

    async def pg_activity(service: str) -> dict:
        """Sessions of a database."""
        return await world.reply("pg_activity", {"service": service}, world.activity or "no database is configured")

    async def pg_settings(service: str, names: list[str] | None = None) -> dict:
        """Settings of a database."""
        return await world.reply("pg_settings", {"service": service}, world.settings or "no database is configured")

    async def pg_terminate_backends(pids: list[int]) -> dict:
        """End sessions."""
        return await world.reply("pg_terminate_backends", {"pids": pids}, {"ended": pids})

    for tool in (list_services, read_metrics, read_logs, read_traces, pg_activity, pg_settings, pg_terminate_backends):
        missing = world.without | (frozenset({"read_traces"}) if world.edges is None else frozenset[str]())
        if tool.__name__ not in missing:
            server.tool(annotations=ToolAnnotations(read_only_hint=tool is not pg_terminate_backends))(tool)
    return server


@asynccontextmanager
async def mcp_url(server: MCPServer, port: int = 0) -> AsyncIterator[str]:
    """Serve over streamable HTTP on loopback."""
    async with serving(server.streamable_http_app(), port) as taken:
        yield f"http://127.0.0.1:{taken}/mcp"


@asynccontextmanager
async def served(world: World, port: int = 0) -> AsyncIterator[str]:
    """Serve a world; hanging tools are let go at the end."""
    async with mcp_url(build_server(world), port) as url:
        try:
            yield url
        finally:
            world.release.set()


def leak_world() -> World:
    """A release of checkout leaks sessions of orders-db; decoys changed nearer to the alert and on orders-db itself."""

    def leaked(t: float) -> float | None:
        return None if t < -40 else min(15.0, 1 + (t + 40) / 2.5)

    def errors(t: float) -> float:
        return 0.0 if t < -5 else 3.5

    orders_log = [
        line(t, "LOG", "orders-db", f"connection authorized: user=shop application_name=checkout/2.30.4 pid={t + 9999}")
        for t in range(-1700, -60, 40)
    ]
    orders_log += [
        line(t, "FATAL", "orders-db", "remaining connection slots are reserved for roles with the SUPERUSER attribute")
        for t in range(-4, 30, 2)
    ]
    checkout_log = [
        line(t, "INFO", "checkout", f"order paid order={t + 5000} sku=sku-0{10 + t % 40} duration_ms={30 + t % 9}")
        for t in range(-1700, 30, 7)
    ]
    checkout_log += [line(-45, "INFO", "checkout", "checkout started version=2.31.0")]
    checkout_log += [
        line(t, "WARNING", "checkout", f"payment failed, retrying order={t + 5000}") for t in range(-38, 30, 3)
    ]
    checkout_log += [
        line(
            t,
            "ERROR",
            "checkout",
            f'order failed sku=sku-0{20 + t}\nTraceback (most recent call last):\n  File "pool.py", line 31, in connect\n'
            "psycopg.OperationalError: FATAL:  sorry, too many clients already",
        )
        for t in range(-4, 30, 3)
    ]
    return World(
        services=[
            service("orders-db", changes=(change("mig-77", "migration", -5400, "Add index on orders(created_at)", "create index concurrently"),)),
            service(
                "checkout",
                depends_on=("orders-db", "payments"),
                version="2.31.0",
                changes=(change("dep-4812", "deploy", -45, "Release 2.31.0", "New payment retry path for transient failures", "2.31.0"),),
            ),
            service("search", version="5.2.0", changes=(change("cfg-31", "config", -37, "Raise result cache size to 512 MB", "search.cache.size"),)),
            service("recommendations", changes=(change("flag-9", "flag", -165, "Turn on carousel for 10 %", "home.carousel"),)),
            service("payments", version="8.0.1", changes=(change("dep-4790", "deploy", -1500, "Release 8.0.1", "Dependency bumps", "8.0.1"),)),
        ],
        metrics={
            "orders-db": [
                series("pg_stat_activity_count", leaked, kind="saturation", state="idle", application_name="checkout/2.31.0"),
                series("pg_stat_activity_count", lambda t: 2.0 + t % 20 / 20, kind="saturation", state="active", application_name=""),
                series("pg_settings_max_connections", lambda _: 20.0),
            ],
            "checkout": [
                series("checkout_requests_total", errors, kind="errors", unit="per second", outcome="error"),
                series("checkout_requests_total", lambda t: 8.0 + (t % 70) / 70 if t < -5 else 4.0, kind="traffic", unit="per second", outcome="ok"),
            ],
            "payments": [series("payments_requests_total", lambda t: 8.0 + (t % 50) / 50, kind="traffic", unit="per second")],
        },
        logs={"orders-db": orders_log, "checkout": sorted(checkout_log, key=lambda one: one["at"]), "payments": []},
        activity={
            "max_connections": 20,
            "reserved": 3,
            "used": 17,
            "by_state": [{"state": "idle", "count": 16}, {"state": "active", "count": 1}],
            "by_application": [
                {"application_name": "checkout/2.31.0", "user": "shop", "state": "idle", "count": 15, "oldest_idle_seconds": 43.2, "sample_query": "update payments set state = 'declined'"},
                {"application_name": "checkout/2.31.0", "user": "shop", "state": "active", "count": 1, "oldest_idle_seconds": None, "sample_query": "insert into orders"},
                {"application_name": "psql", "user": "ops", "state": "idle", "count": 1, "oldest_idle_seconds": 400.0, "sample_query": "select 1"},
            ],
            "longest": [],
            "at": at(1),
        },
        settings={
            "settings": [
                {"name": "max_connections", "value": "20", "unit": None, "source": "configuration file"},
                {"name": "idle_session_timeout", "value": "0", "unit": "ms", "source": "default"},
            ]
        },
    )  # fmt: skip


def healthy_world() -> World:
    """Nothing moved; a change was made long before."""
    quiet = [line(t, "INFO", "orders-db", f"checkpoint complete: wrote {t % 7} buffers") for t in range(-1700, 30, 30)]
    return World(
        services=[
            service("orders-db", changes=(change("mig-77", "migration", -5400, "Add index", ""),)),
            service("checkout", depends_on=("orders-db",), version="2.30.4"),
        ],
        metrics={
            "orders-db": [series("pg_stat_activity_count", lambda t: 4.0 + t % 30 / 30, kind="saturation", state="idle")],
            "checkout": [series("checkout_requests_total", lambda t: 8.0 + t % 40 / 20, kind="traffic", outcome="ok")],
        },
        logs={"orders-db": quiet},
        activity={
            "max_connections": 20,
            "reserved": 3,
            "used": 5,
            "by_state": [{"state": "idle", "count": 5}],
            "by_application": [{"application_name": "checkout/2.30.4", "user": "shop", "state": "idle", "count": 4, "oldest_idle_seconds": 1.0, "sample_query": "select 1"}],
            "longest": [],
            "at": at(1),
        },
    )  # fmt: skip
