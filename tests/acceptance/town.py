"""A small town for acceptance tests: real Slack protocol, real MCP server, real PostgreSQL, the bot as a process."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import yaml

from basecamp.bootstrap import open_basecamp
from basecamp.hosting import listen, serve_http
from basecamp.settings import load_settings
from slackbox.testing import RunningBox, running
from tests.support.payloads import alert, payload, resolved
from tests.support.ports import listening_socket

ROOT = Path(__file__).parents[2]
CHANNEL = "C0INCIDENTS"
RELEASE = "2.31.0"
LEAKED = 6

CATALOG = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orders-db, annotations: {aiops.dev/tier: "1"}}
spec: {type: database, owner: storage, lifecycle: production}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec: {type: service, owner: shop, lifecycle: production, dependsOn: ["component:orders-db"]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: search}
spec: {type: service, owner: discovery, lifecycle: production}
"""


def write_logs(folder: Path, onset: datetime) -> None:
    """Orders going well before the onset, refused connections after it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for second in range(-240, 0, 4):
        at = (onset + timedelta(seconds=second)).isoformat()
        lines.append(f"{at} INFO order {1000 + second} placed in {20 + second % 7} ms release={RELEASE}")
    for second in range(0, 60, 2):
        at = (onset + timedelta(seconds=second)).isoformat()
        lines.append(
            f"{at} ERROR order {2000 + second} failed release={RELEASE}: FATAL: remaining connection slots are reserved "
            "for roles with the SUPERUSER attribute"
        )
    (folder / "checkout.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    quiet = [
        f"{(onset + timedelta(seconds=s)).isoformat()} INFO query served in {9 + s % 3} ms" for s in range(-240, 60, 5)
    ]
    (folder / "search.log").write_text("\n".join(quiet) + "\n", encoding="utf-8")


def changes(onset: datetime) -> list[dict]:
    """The leaking release two minutes before the onset, and an innocent change nearer to it."""
    return [
        {
            "id": "deploy-checkout-2.31.0",
            "service": "checkout",
            "kind": "deploy",
            "at": (onset - timedelta(seconds=120)).isoformat(),
            "title": f"checkout {RELEASE}",
            "detail": "payment retries",
            "version": RELEASE,
            "author": "jonas",
        },
        {
            "id": "config-search-window",
            "service": "search",
            "kind": "config",
            "at": (onset - timedelta(seconds=20)).isoformat(),
            "title": "result window 50 to 80",
            "detail": "campaign",
            "author": "priya",
        },
    ]


@contextlib.asynccontextmanager
async def basecamp_at(
    folder: Path, database_url: str, onset: datetime, *, orders: str = "", key: str = ""
) -> AsyncIterator[str]:
    """
    A real basecamp over streamable HTTP whose orders-db has leaked sessions.

    With `orders` that is another database, which the caller leaks in; with `key` its tools act on grants.
    """
    write_logs(folder / "logs", onset)
    (folder / "catalog-info.yaml").write_text(CATALOG, encoding="utf-8")
    config = {
        "catalog": str(folder / "catalog-info.yaml"),
        "database_url": database_url,
        "logs": {"folder": str(folder / "logs")},
        "postgres": {"orders-db": orders or database_url},
    }
    (folder / "basecamp.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    stop = asyncio.Event()
    with contextlib.ExitStack() as leaks:
        for _ in range(0 if orders else LEAKED):
            leaks.enter_context(psycopg.connect(database_url, autocommit=True, application_name=f"checkout/{RELEASE}"))
        environ = {"AIOPS_APPROVAL_KEY": key} if key else {}
        async with open_basecamp(load_settings(folder / "basecamp.yaml", environ)) as basecamp:
            with listen("127.0.0.1", 0) as listener:
                task = asyncio.create_task(serve_http(basecamp, listener, host="127.0.0.1", stop=stop))
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                async with httpx.AsyncClient(trust_env=False) as client:
                    for change in changes(onset):
                        (await client.post(f"{url}/changes", json=change)).raise_for_status()
                try:
                    yield url
                finally:
                    stop.set()
                    await asyncio.wait_for(task, 20)


def free_port() -> int:
    """A port that was free a moment ago."""
    with listening_socket() as one:
        return one.getsockname()[1]


@dataclass
class Bot:
    """`aiops serve` as a process that can be killed and started again."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "bot.log"

    async def start(self, *, ready: bool = True) -> None:
        with self.log.open("ab") as sink:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "serve"),
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AIOPS_HTTP_PORT": str(self.port)}
                | self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        if ready:
            await self.until_ready()

    async def until_ready(self) -> None:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.process is not None
                assert self.process.returncode is None, self.log.read_text(encoding="utf-8")[-3000:]
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(40):
            return await self.process.wait()

    async def died(self, timeout_s: float = 60) -> int:
        """Wait until the process has ended; its return code."""
        assert self.process is not None
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    async def cli(self, *args: str) -> dict | list:
        """Run a command of the same bot and parse its standard output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *args),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()[-3000:]
        return json.loads(out)


@dataclass
class Town:
    """Everything together."""

    box: RunningBox
    bot: Bot
    onset: datetime
    database_url: str
    fired: int = 0

    async def send(self, data: dict) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            return await client.post(f"{self.bot.url}/webhooks/alertmanager", json=data)

    def alert(self, name: str = "PostgresConnectionsExhausted", *, service: str = "orders-db", **labels: str) -> dict:
        # A second apart, because the same alert with the same start is the same alert.
        self.fired += 1
        starts_at = self.onset + timedelta(seconds=self.fired)
        one = alert(name, service=service, starts_at=starts_at.isoformat(), **labels)
        one["annotations"] |= {"summary": f"{service} is running out of connection slots"}
        return one

    async def fire(self, one: dict) -> str:
        """Send an alert as Alertmanager does; the incident's id."""
        answer = await self.send(payload(one))
        assert answer.status_code == 200, answer.text
        return answer.json()["incidents"][0]

    async def resolve(self, one: dict) -> None:
        assert (await self.send(payload(resolved(one)))).status_code == 200

    async def card(self, incident: str, timeout_s: float = 30) -> dict:
        """The incident's parent message."""
        found = await self.box.wait_for(CHANNEL, event_type="aiops.alert", contains=incident, timeout_s=timeout_s)
        return next(one for one in found if one["metadata"]["event_payload"]["incident"] == incident)

    async def reply(self, kind: str, thread_ts: str, timeout_s: float = 60, **more: str) -> dict:
        """A message of a kind in a thread."""
        found = await self.box.wait_for(
            CHANNEL, thread_ts=thread_ts, event_type=f"aiops.{kind}", timeout_s=timeout_s, **more
        )
        return found[-1]

    async def parents(self) -> list[dict]:
        """Messages of the channel that are not replies."""
        return [one for one in await self.box.messages(CHANNEL) if one.get("thread_ts") in (None, one["ts"])]

    async def kinds(self, thread_ts: str) -> list[str]:
        """What stands in a thread, in order."""
        return [
            one["metadata"]["event_type"].removeprefix("aiops.")
            for one in await self.box.messages(CHANNEL, thread_ts)
            if "metadata" in one
        ]


@contextlib.asynccontextmanager
async def open_town(
    folder: Path,
    database_url: str,
    *,
    start: bool = True,
    config=None,
    orders: str = "",
    key: str = "",
    **environment: str,
) -> AsyncIterator[Town]:
    """Open everything; the bot is stopped when the block ends. `orders` and `key` are of `basecamp_at`."""
    onset = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60)
    folder.mkdir(parents=True, exist_ok=True)
    async with (
        running(manifest=ROOT / "manifest.json") as box,
        basecamp_at(folder, database_url, onset, orders=orders, key=key) as basecamp,
    ):
        (folder / "aiops.yaml").write_text(
            yaml.safe_dump(
                {
                    "channels": {"post": CHANNEL},
                    "mcpServers": {"basecamp": {"url": f"{basecamp}/mcp"}},
                    "settle_seconds": 0.2,
                }
                | (config or {})
            ),
            encoding="utf-8",
        )
        bot = Bot(
            folder,
            {
                "DATABASE_URL": database_url,
                "SLACK_API_URL": box.api_url,
                "SLACK_BOT_TOKEN": box.bot_token,
                "SLACK_APP_TOKEN": box.app_token,
                "AIOPS_LEASE_SECONDS": "2",
            }
            | environment,
        )
        if start:
            await bot.start()
        try:
            yield Town(box, bot, onset, database_url)
        finally:
            if bot.process is not None:
                await bot.stop()
