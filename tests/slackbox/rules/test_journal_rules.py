"""The journal as a record: the same bytes from the same calls in any process, what people were shown, and no file's bytes."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from pathlib import Path

import httpx
import pytest

from slackbox.clock import VirtualClock
from slackbox.manifest import parse_manifest
from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.link import PLAIN, act, call, dial, linked, say

ROOT = Path(__file__).parents[3]


class Served:
    """A workspace in a process of its own."""

    def __init__(self, facts):
        self.url = facts["page"].rstrip("/")
        self.api_url = facts["SLACK_API_URL"]
        self.bot_token = facts["SLACK_BOT_TOKEN"]
        self.app_token = facts["SLACK_APP_TOKEN"]
        self.links = {}
        self.seen = 0

    async def get(self, name, **query):
        async with httpx.AsyncClient(trust_env=False, verify=PLAIN) as client:
            return (await client.get(f"{self.url}/_test/{name}", params=query)).json()

    async def until(self, name, holds, **query):
        """Look until something holds; each look is a call, so the bound is a number of looks."""
        for _ in range(500):
            found = await self.get(name, **query)
            if holds(found):
                return found
        pytest.fail(f"{name} never became what it should: {found}")

    async def acknowledge(self, count, **more):
        """Acknowledge the next envelopes, one after the other, each on the connection it went to."""
        envelopes = await self.until(
            "journal", lambda found: len(found["entries"]) >= self.seen + count, kind="envelope"
        )
        for entry in envelopes["entries"][self.seen : self.seen + count]:
            link = self.links[entry["connection"]]
            await link.ack(await link.frame(), **more)
            self.seen += 1
            acks = self.seen
            await self.until("journal", lambda found, acks=acks: len(found["entries"]) >= acks, kind="ack")


@contextlib.asynccontextmanager
async def served(*, port, journal, hash_seed, seed):
    options = ("--virtual-clock", "--json", "--port", str(port), "--journal", str(journal), "--seed", str(seed))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "slackbox", "serve", "--manifest", str(MANIFEST), *options),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )
    try:
        yield Served(json.loads(await asyncio.wait_for(process.stdout.readline(), 20)))
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


@contextlib.asynccontextmanager
async def connected(box, name):
    async with dial((await call(box, "apps.connections.open", token=box.app_token)).json()["url"]) as link:
        assert (await link.frame())["type"] == "hello"
        box.links[name] = link
        yield


async def all_gone(box):
    await box.until("connections", lambda found: not found["connections"])


async def tell(box):
    """A busy quarter of an hour: two connections, posts, a modal, a press, faults, a lost connection, a gap."""
    async with connected(box, "c1"), connected(box, "c2"):
        for text in ("<@U0AIOPS> why?", "again <!here>"):
            await act(box, "post", user="ana", channel="alerts", text=text)
        await box.acknowledge(3)
        sent = await call(box, "chat.postMessage", channel="C0ALERTS", text="x", blocks=samples.hypothesis())
        await box.acknowledge(1)
        press = {"user": "ben", "channel": "alerts", "ts": sent.json()["ts"], "action_id": "review"}
        pressed = asyncio.create_task(act(box, "press", **press))
        await box.acknowledge(1)
        await pressed
        asked = {"user": "ana", "channel": "alerts", "command": "/aiops", "text": "status"}
        command = asyncio.create_task(act(box, "command", **asked))
        await box.acknowledge(1, payload={"text": "working"})
        await command
        await act(box, "faults", method="chat.*", kind="status", seconds=60)
        await call(box, "chat.postMessage", channel="C0ALERTS", text="lost")
        await call(box, "conversations.members", channel="C0ALERTS")
        await call(box, "no.such", channel="C0ALERTS")
        await act(box, "faults", method="events", kind="reorder")
        for text in ("first", "second"):
            await act(box, "post", user="chen", channel="incidents", text=text)
        await act(box, "clock", advance=3)
        await act(box, "disconnect", reason="refresh_requested", connection="c1")
        await box.until("connections", lambda found: len(found["connections"]) == 1)
        await act(box, "disconnect", reason="abrupt")
        await all_gone(box)
    for n in range(8):
        await act(box, "post", user="ana", channel="alerts", text=f"in the gap {n}")
    await act(box, "clock", advance=900)
    async with connected(box, "c3"):
        waiting = (await box.get("journal", kind="envelope"))["entries"]
        box.seen = sum(each["connection"] != "c3" for each in waiting)
        for entry in waiting[box.seen :]:
            frame = await box.links["c3"].frame()
            assert frame["envelope_id"] == entry["frame"]["envelope_id"]
        await act(box, "clock", advance=3600)
    await all_gone(box)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slack_rule(35)
async def test_two_processes_with_the_same_seed_and_the_same_calls_write_the_same_journal_byte_for_byte(tmp_path):
    port, written = free_port(), []
    for hash_seed, seed in ((1, 5), (2, 5), (3, 6)):
        path = tmp_path / f"{hash_seed}.jsonl"
        async with served(port=port, journal=path, hash_seed=hash_seed, seed=seed) as box:
            await tell(box)
        written.append(path.read_text(encoding="utf-8").splitlines())
    assert len(written[0]) > 60
    assert written[0] == written[1]
    assert written[2] != written[0]
    kinds = {json.loads(line)["kind"] for line in written[0]}
    assert {
        "call",
        "envelope",
        "ack",
        "timeout",
        "unacked",
        "violation",
        "socket",
        "fault",
        "queued",
        "render",
    } <= kinds


@pytest.mark.slack_rule(35)
async def test_the_journal_holds_what_people_were_shown_as_it_was_at_that_moment(slackbox):
    ts = await say(slackbox, "one")
    await slackbox.edit(user="ana", channel="alerts", ts=ts, text="two")
    await call(slackbox, "chat.postEphemeral", channel="C0ALERTS", user="U0BEN", text="only you")
    home = {"type": "home", "blocks": [{"type": "header", "text": samples.plain("Hello")}]}
    await call(slackbox, "views.publish", user_id="U0BEN", view=home)
    home["blocks"][0]["text"]["text"] = "Later"
    await call(slackbox, "views.publish", user_id="U0BEN", view=home)
    await slackbox.delete(user="ana", channel="alerts", ts=ts)
    shown = [each["change"] for each in slackbox.journal("render")]
    assert [each["type"] for each in shown] == ["message", "changed", "ephemeral", "views", "views", "deleted"]
    assert [each["message"]["text"] for each in shown[:3]] == ["one", "two", "only you"]
    assert shown[2]["user"] == "U0BEN"
    assert [each["home"]["blocks"][0]["text"]["text"] for each in shown[3:5]] == ["Hello", "Later"]
    assert shown[5]["ts"] == ts


@pytest.mark.slack_rule(35)
async def test_the_bytes_of_a_file_never_reach_the_journal(tmp_path):
    path, secret = tmp_path / "journal.jsonl", b"\x89PNG very secret pixels"
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    manifest["oauth_config"]["scopes"]["bot"].append("files:write")
    async with running(manifest=parse_manifest(manifest), clock=VirtualClock(), journal=path) as box:
        async with httpx.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {box.bot_token}"}) as client:
            await client.post(
                f"{box.api_url}files.upload", files={"file": ("a.png", secret)}, data={"channels": "C0ALERTS"}
            )
            await client.post(f"{box.api_url}chat.postMessage", content=secret)
            given = {"filename": "a.png", "length": len(secret)}
            announced = (await client.post(f"{box.api_url}files.getUploadURLExternal", data=given)).json()
            assert (await client.post(announced["upload_url"], content=secret)).status_code == 200
            files = [{"id": announced["file_id"]}]
            done = {"files": files, "channel_id": "C0ALERTS"}
            assert (await client.post(f"{box.api_url}files.completeUploadExternal", json=done)).json()["ok"]
        async with linked(box) as link:
            await link.socket.send(secret)
            await box.wait_until(lambda: True if box.violations("frame_not_text") else None)
        text = path.read_text(encoding="utf-8") + json.dumps(box.journal())
    assert "secret pixels" not in text
    assert box.violations("frame_not_text")[0]["size"] == len(secret)
