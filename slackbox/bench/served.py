"""slackbox as a process of its own, and a small client that keeps its connection."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from slackbox.bench.figures import BenchError
from slackbox.jsons import Json

MANIFEST: Json = {
    "display_information": {"name": "bench"},
    "features": {"bot_user": {"display_name": "bench"}},
    "oauth_config": {"scopes": {"bot": ["chat:write", "channels:history"]}},
    "settings": {"event_subscriptions": {"bot_events": ["message.channels"]}, "socket_mode_enabled": True},
}
READY_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running slackbox: where it is, its tokens, its process id and how long it took to answer (seconds)."""

    url: str
    api_url: str
    bot_token: str
    app_token: str
    pid: int
    ready_seconds: float

    def resident_megabytes(self) -> float:
        """Resident memory now. Raises BenchError where /proc does not tell."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError as error:
            raise BenchError("resident memory is read from /proc, which this system has not") from error
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return int(kilobytes) / 1024


@contextlib.asynccontextmanager
async def served(*options: str) -> AsyncGenerator[Served]:
    """`slackbox serve` for the length of the block. It is ready once it has answered a call."""
    with tempfile.TemporaryDirectory(prefix="slackbox-bench-") as name:
        manifest = Path(name) / "manifest.json"
        manifest.write_text(json.dumps(MANIFEST), encoding="utf-8")
        command = [sys.executable, "-m", "slackbox", "serve", "--port", "0", "--json", "--manifest", str(manifest)]
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*command, *options, stdout=asyncio.subprocess.PIPE)
        try:
            yield await asyncio.wait_for(_ready(process, began), READY_SECONDS)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, began: float) -> Served:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise BenchError("slackbox ended before it was ready; its own words are above")
    facts = json.loads(line)
    page = str(facts["page"]).rstrip("/")
    async with connection(page, "") as line_to:
        await line_to.call("api.test", {})
    return Served(
        url=page,
        api_url=facts["SLACK_API_URL"],
        bot_token=facts["SLACK_BOT_TOKEN"],
        app_token=facts["SLACK_APP_TOKEN"],
        pid=process.pid,
        ready_seconds=time.perf_counter() - began,
    )


class Caller:
    """Web API calls over one kept HTTP/1.1 connection, with as little work of its own as possible."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, netloc: str, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._head = f"host: {netloc}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"

    async def call(self, method: str, arguments: Json) -> Json:
        """One call. Raises BenchError when it is not answered with ok."""
        body = json.dumps(arguments).encode()
        head = f"POST /api/{method} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = json.loads(await self._answer())
        if not answer.get("ok"):
            raise BenchError(f"{method} was answered with {answer}")
        return answer

    async def _answer(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return await self._reader.readexactly(int(value))
        raise BenchError(f"an answer without a length: {head!r}")


@contextlib.asynccontextmanager
async def connection(url: str, token: str) -> AsyncGenerator[Caller]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Caller(reader, writer, parts.netloc, token)
    finally:
        writer.close()


def machine() -> str:
    """What the figures were measured on; the load shows whether it was quiet."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, {sys.platform}, Python {sys.version.split()[0]}, load average {load}"


def card() -> Sequence[Json]:
    """A message of the size that a bot posts: nine blocks' worth of text, fields and buttons."""
    fields = [{"type": "mrkdwn", "text": f"*Field {n}*\nvalue {n}"} for n in range(4)]
    evidence = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*E{n}* rose from 0.3 % to 4.1 %"}} for n in range(4)
    ]
    buttons = [
        {"type": "button", "action_id": f"act{n}", "text": {"type": "plain_text", "text": f"Act {n}"}, "value": str(n)}
        for n in range(3)
    ]
    return [
        {"type": "header", "text": {"type": "plain_text", "text": "Likely cause: checkout deploy v42"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Error rate on `checkout` rose."}, "fields": fields},
        {"type": "divider"},
        *evidence,
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "evidence until 09:04 UTC"}]},
        {"type": "actions", "elements": buttons},
    ]
