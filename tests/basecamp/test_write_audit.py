"""The audit file survives what processes and disks do, and never lets a grant act twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from basecamp.errors import ConfigError
from tests.basecamp.grants import ENVIRON, mint, write
from tests.basecamp.standins import serving

POST = {"channel": "#ops", "text": "We are looking."}


class Webhook:
    """An incoming webhook that can be told to keep its caller waiting."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reached = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])
        async with serving(app) as address:
            try:
                yield f'slack: {{webhooks: {{"#ops": "{address}/hook"}}}}\n'
            finally:
                self.may_answer.set()

    async def _take(self, request: Request) -> Response:
        self.texts.append((await request.json())["text"])
        self.reached.set()
        await self.may_answer.wait()
        return PlainTextResponse("ok")


@pytest.fixture
async def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    return tmp_path / "basecamp-audit.jsonl"


def entries(audit: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.read_text("utf-8").splitlines()]


def events(audit: Path) -> list[str]:
    return [entry["event"] for entry in entries(audit)]


@contextlib.asynccontextmanager
async def process(config: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A basecamp of its own, and its MCP address; killed at the end if it still lives."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "basecamp", "serve", "--config", str(config), "--port", "0",
        stderr=asyncio.subprocess.PIPE, env=ENVIRON,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            async for line in started.stderr:
                if found := re.search(rb"serving (http://\S+/mcp)", line):
                    break
        reading = asyncio.create_task(started.stderr.read())
        yield started, found[1].decode()
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()
        await reading


async def call_once(address: str, token: str):
    async with Client(address, read_timeout_seconds=20) as client:
        # Or the client would ask for the result's schema after the answer, of a server that has ended by then.
        await client.list_tools()
        return await write(client, "notify_slack", token, **POST)


async def test_a_process_killed_after_it_began_to_act_leaves_the_grant_used(webhook, config, audit):
    webhook.may_answer.clear()
    async with webhook.served() as slack:
        async with process(config(slack)) as (killed, address):
            token = mint("notify_slack", POST)
            call = asyncio.create_task(call_once(address, token))
            await asyncio.wait_for(webhook.reached.wait(), 30)
            before = events(audit)
            killed.send_signal(signal.SIGKILL)
            # Before anything else looks at the process: who looks first takes its exit code away.
            code = await asyncio.wait_for(killed.wait(), 30)
            # Whatever a client makes of a server that dies: it must not be an answer.
            (lost,) = await asyncio.wait_for(asyncio.gather(call, return_exceptions=True), 30)
        webhook.may_answer.set()
        async with process(config(slack)) as (_, address), Client(address) as client:
            again = await write(client, "notify_slack", token, **POST)
            fresh = await write(client, "notify_slack", **POST)
    assert code == -signal.SIGKILL
    assert isinstance(lost, BaseException)
    assert before == ["begun", "acting"]
    assert "is used already" in again.content[0].text
    assert not fresh.is_error
    assert events(audit) == ["begun", "acting", "refused", "acting", "outcome"]
    assert len(webhook.texts) == 2


async def test_a_process_told_to_end_ends_what_it_has_begun(webhook, config, audit):
    webhook.may_answer.clear()
    async with webhook.served() as slack, process(config(slack)) as (told, address):
        call = asyncio.create_task(call_once(address, mint("notify_slack", POST)))
        await asyncio.wait_for(webhook.reached.wait(), 30)
        told.terminate()
        webhook.may_answer.set()
        answer = await asyncio.wait_for(call, 30)
        code = await asyncio.wait_for(told.wait(), 30)
    assert (code, answer.is_error) == (0, False)
    assert events(audit) == ["begun", "acting", "outcome"]


async def test_of_two_processes_with_one_audit_file_exactly_one_acts(webhook, config, audit):
    async with (
        webhook.served() as slack,
        process(config(slack)) as (_, one),
        process(config(slack)) as (_, other),
        Client(one) as first,
        Client(other) as second,
    ):
        for _ in range(10):
            token = mint("notify_slack", POST)
            answers = await asyncio.gather(
                *(write(client, "notify_slack", token, **POST) for client in (first, second) * 3)
            )
            assert sorted(answer.is_error for answer in answers) == [False] + [True] * 5
    assert len(webhook.texts) == 10
    assert events(audit).count("acting") == events(audit).count("outcome") == 10
    assert events(audit).count("begun") == 1


async def test_a_caller_that_takes_its_call_back_does_not_stop_what_has_begun(webhook, config, audit):
    webhook.may_answer.clear()
    async with webhook.served() as slack:
        arguments = ["-m", "basecamp", "serve", "--transport", "stdio", "--config", str(config(slack))]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=ENVIRON)
        async with Client(server, read_timeout_seconds=30) as client:
            call = asyncio.create_task(write(client, "notify_slack", **POST))
            await asyncio.wait_for(webhook.reached.wait(), 30)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            # Answered after it, so the server has read that the call was taken back.
            await client.list_tools()
            webhook.may_answer.set()
            async with asyncio.timeout(30):
                while "outcome" not in events(audit):
                    await asyncio.sleep(0.02)
    assert events(audit) == ["begun", "acting", "outcome"]
    assert entries(audit)[-1]["outcome"] == "done"


async def test_a_backend_that_fails_is_told_apart_from_a_refusal(webhook, connected, audit):
    async with webhook.served() as slack, connected(slack.replace("/hook", "/gone"), ENVIRON) as client:
        answer = await write(client, "notify_slack", **POST)
    assert answer.meta["aiops/outcome"] == "failed"
    assert answer.content[0].text.startswith("failed: slack: webhook of #ops: HTTP 404")
    assert entries(audit)[-1]["outcome"] == "failed"
    assert "/gone" not in audit.read_text("utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda audit: audit.unlink(), id="removed"),
        pytest.param(lambda audit: audit.rename(audit.with_suffix(".1")), id="moved away"),
        pytest.param(lambda audit: audit.write_text(""), id="emptied"),
        pytest.param(lambda audit: audit.write_text('{"event":"refused"}\n'), id="without its beginning"),
        pytest.param(lambda audit: audit.write_text(audit.read_text()[:200]), id="cut off in a line"),
        pytest.param(lambda audit: audit.write_bytes(b"\xff\xfe" + audit.read_bytes()), id="not text"),
        pytest.param(
            lambda audit: audit.write_text(
                "\n".join(x for x in audit.read_text().split("\n") if "acting" not in x) + "?"
            ),
            id="edited",
        ),
    ],
)
@pytest.mark.parametrize("restarted", [True, False])
async def test_a_file_that_was_tampered_with_never_lets_a_used_grant_act_again(
    webhook, connected, audit, damage, restarted
):
    # From a moment ago, so that the file's new beginning is a later second.
    token = mint("notify_slack", POST, iat=int(time.time()) - 4, exp=int(time.time()) + 60)
    audit.write_text(json.dumps({"at": "2026-01-01T00:00:00Z", "event": "begun"}) + "\n")
    async with webhook.served() as slack, contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(connected(slack, ENVIRON))
        first = await write(client, "notify_slack", token, **POST)
        if restarted:
            await stack.aclose()
            damage(audit)
            client = await stack.enter_async_context(connected(slack, ENVIRON))
        else:
            damage(audit)
        second = await write(client, "notify_slack", token, **POST)
        third = await write(client, "notify_slack", **POST)
    assert not first.is_error, first.content[0].text
    assert second.meta["aiops/outcome"] == "refused"
    assert not third.is_error, third.content[0].text
    assert len(webhook.texts) == 2
    assert audit.read_bytes().endswith(b"\n")


async def test_when_the_audit_file_cannot_be_written_nothing_is_done(webhook, connected, audit):
    async with webhook.served() as slack, connected(slack, ENVIRON) as client:
        audit.unlink()
        # The device that is always full.
        audit.symlink_to("/dev/full")
        answer = await write(client, "notify_slack", **POST)
        forged = await write(client, "notify_slack", "forged", **POST)
    assert "the audit file cannot be written (No space left on device)" in answer.content[0].text
    assert answer.meta["aiops/outcome"] == forged.meta["aiops/outcome"] == "refused"
    assert webhook.texts == []


@pytest.mark.parametrize(("file", "words"), [("/dev/full", "No space left"), ("nowhere/audit.jsonl", "No such file")])
async def test_a_server_that_could_not_write_down_what_it_does_does_not_start(webhook, running, file, words):
    async with webhook.served() as slack:
        with pytest.raises(ConfigError, match=f"{words}.*set `audit:"):
            async with running(f"{slack}audit: {{file: {file}}}\n", ENVIRON):
                pass


async def test_the_file_stands_where_the_settings_say(webhook, connected, tmp_path):
    (tmp_path / "kept").mkdir()
    async with webhook.served() as slack, connected(f"{slack}audit: {{file: kept/calls.jsonl}}\n", ENVIRON) as client:
        await write(client, "notify_slack", **POST)
    assert events(tmp_path / "kept" / "calls.jsonl") == ["begun", "acting", "outcome"]
    assert not (tmp_path / "basecamp-audit.jsonl").exists()


async def test_a_server_with_read_tools_alone_makes_no_audit_file(connected, audit):
    async with connected("logs: {folder: logs}\n", ENVIRON) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
    assert tools == ["read_logs"]
    assert not audit.exists()
