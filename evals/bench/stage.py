"""Everything as processes of their own: PostgreSQL, slackbox, basecamp over a Prometheus stand-in, and `aiops serve`."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from evals.bench.database import Postgres, postgres
from evals.bench.programs import ROOT, Program, free_port, running, spawn, until_well

CHANNEL = "C0INCIDENTS"
SETTLE_S = 5.0
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything is."""

    folder: Path
    server: Postgres
    slack: Mapping[str, Any]
    basecamp: str
    prometheus: str
    postmortems: Path
    bot_url: str
    environment: Mapping[str, str]
    dsn: str

    async def start_bot(self) -> Program:
        """Spawn `aiops serve`; does not wait for readiness."""
        logs = self.folder / "bot"
        return await spawn("bot", "serve", logs=logs, environment=self.environment, announces=False)

    @asynccontextmanager
    async def bot(self) -> AsyncGenerator[Program]:
        """A ready bot that has had the time to load what it loads after readiness."""
        program = await self.start_bot()
        try:
            await until_well(f"{self.bot_url}/readyz", program)
            await until_indexed(program)
            yield program
        finally:
            await program.stop()

    async def fault(self, client: httpx.AsyncClient, service: str, onset: datetime) -> None:
        """A release, then errors: as changes, metrics and logs of one service."""
        change = {
            "id": f"deploy-{service}",
            "service": service,
            "kind": "deploy",
            "at": (onset - timedelta(seconds=90)).isoformat(),
            "title": f"{service} 2.31.0",
            "detail": "connection pool rewritten",
            "version": "2.31.0",
            "author": "jonas",
        }
        answers = await asyncio.gather(
            client.post(f"{self.basecamp}/changes", json=change),
            client.post(f"{self.prometheus}/faults", json={"service": service, "at": onset.timestamp()}),
            asyncio.to_thread(write_log, self.folder / "service-logs" / f"{service}.log", onset),
        )
        for answer in answers[:2]:
            assert answer is not None, "writing the log answers nothing, the others do"
            answer.raise_for_status()


def service_name(place: int) -> str:
    """The services of the stage, as evals.bench.payloads names them."""
    return f"service-{place:03d}"


def write_log(path: Path, onset: datetime, *, well: bool = False) -> None:
    """Half an hour of requests going well, then a minute of refused connections unless all stays `well`."""
    lines: list[str] = []
    for second in range(-1800, 0, 3):
        at = (onset + timedelta(seconds=second)).isoformat()
        lines.append(f"{at} INFO request {70_000 + second} answered in {20 + second % 9} ms release=2.30.4")
    for second in () if well else range(0, 60, 2):
        at = (onset + timedelta(seconds=second)).isoformat()
        lines.append(f"{at} ERROR request {80_000 + second} failed release=2.31.0: connection pool is exhausted")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def catalogue(services: int) -> str:
    """Backstage descriptors: every fourth service depends on the one before it."""
    documents = [
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": service_name(place)},
            "spec": {
                "type": "service",
                "owner": f"team-{place % 7}",
                "lifecycle": "production",
                "dependsOn": [f"component:{service_name(place - 1)}"] if place % 4 == 1 else [],
            },
        }
        for place in range(services)
    ]
    return yaml.safe_dump_all(documents)


@asynccontextmanager
async def staged(folder: Path, *, services: int, rate_limits: bool = False) -> AsyncGenerator[Stage]:
    """Everything but the bot itself."""
    for name in ("service-logs", "postmortems"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path in (ROOT / "postmortems").glob("*.md"):
        shutil.copy(path, folder / "postmortems")
    (folder / "catalog.yaml").write_text(catalogue(services), encoding="utf-8")
    for place in range(services):
        write_log(folder / "service-logs" / f"{service_name(place)}.log", now(), well=True)
    names = ",".join(service_name(place) for place in range(services))
    limits = ("--rate-limits",) if rate_limits else ()
    manifest = ("--port", "0", "--manifest", str(ROOT / "manifest.json"), "--json")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        server = await enter(postgres(folder / "pg"))
        slack = await enter(running("slackbox", "serve", *manifest, *limits, logs=folder / "slackbox"))
        prometheus = await enter(running("evals.bench.standin", "--services", names, logs=folder / "prometheus"))
        basecamp = await _basecamp(stack, folder, server, prometheus.announced["url"])
        dsn = await server.create("bot")
        port = free_port()
        yield Stage(
            folder=folder,
            server=server,
            slack=slack.announced,
            basecamp=basecamp,
            prometheus=prometheus.announced["url"],
            postmortems=folder / "postmortems",
            bot_url=f"http://{_HOST}:{port}",
            environment=_environment(folder, slack.announced, dsn, basecamp, port),
            dsn=dsn,
        )


async def _basecamp(stack: AsyncExitStack, folder: Path, server: Postgres, prometheus: str) -> str:
    port = free_port()
    config = {
        "catalog": str(folder / "catalog.yaml"),
        "database_url": await server.create("basecamp"),
        "prometheus": {"url": prometheus, "service_label": "service", "scrape_interval_seconds": 5},
        "logs": {"folder": str(folder / "service-logs")},
        "postmortems": [str(ROOT / "postmortems")],
    }
    path = folder / "basecamp.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    args = ("serve", "--config", str(path), "--port", str(port))
    program = await stack.enter_async_context(running("basecamp", *args, logs=folder / "basecamp", announces=False))
    await until_well(f"http://{_HOST}:{port}/healthz", program)
    return f"http://{_HOST}:{port}"


def _environment(folder: Path, slack: Mapping[str, Any], dsn: str, basecamp: str, port: int) -> dict[str, str]:
    config = {
        "channels": {"post": CHANNEL},
        "mcpServers": {"basecamp": {"url": f"{basecamp}/mcp"}},
        "settle_seconds": SETTLE_S,
        "runbooks": [str(ROOT / "runbooks")],
        "postmortems": [str(folder / "postmortems")],
    }
    path = folder / "aiops.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {
        **{name: str(slack[name]) for name in ("SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")},
        "DATABASE_URL": dsn,
        "AIOPS_CONFIG": str(path),
        "AIOPS_HTTP_HOST": _HOST,
        "AIOPS_HTTP_PORT": str(port),
        "AIOPS_HOME": str(folder / "home"),
    }


async def until_indexed(program: Program, *, timeout_s: float = 120) -> None:
    """Until the bot says that its index of past incidents is ready. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while "index of past incidents" not in program.log.read_text(encoding="utf-8", errors="replace"):
            program.check()
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """A message of the bot: its kind without the prefix, its incident, and when Slack got it."""

    kind: str
    incident: str
    at: datetime


async def slack_messages(stage: Stage) -> list[SlackMessage]:
    """Every message of the channel and its threads that carries the bot's metadata."""
    page = str(stage.slack["page"]).rstrip("/")
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.get(f"{page}/_test/messages", params={"channel": CHANNEL})
    return [_message(one) for one in answer.raise_for_status().json()["messages"] if one.get("metadata")]


def _message(message: Mapping[str, Any]) -> SlackMessage:
    metadata: Mapping[str, Any] = message["metadata"]
    payload: Mapping[str, Any] = metadata["event_payload"]
    return SlackMessage(
        kind=str(metadata["event_type"]).removeprefix("aiops."),
        incident=str(payload.get("incident", "")),
        at=datetime.fromtimestamp(float(message["ts"]), tz=UTC),
    )


def now() -> datetime:
    """The wall clock, which slackbox's message times are in too."""
    return datetime.now(UTC)
