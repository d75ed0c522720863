"""Time that a test moves, ids that follow from a seed, the journal, and nothing beyond loopback."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from slackbox.clock import RealClock, VirtualClock
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.link import WAIT_S, acked, act, address, call, linked, say
from tests.slackbox.samples import hypothesis

ROOT = Path(__file__).parents[3]
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = 24 * 3600.0


class Digest:
    """An app's scheduler that takes its clock as an argument: it posts each Monday at 09:00."""

    def __init__(self, clock, post):
        self._clock = clock
        self._post = post
        self.woken = []

    async def run(self):
        while True:
            now = self._clock.now()
            monday = (now - timedelta(days=now.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
            due = monday if monday > now else monday + timedelta(days=7)
            await self._clock.sleep((due - now).total_seconds())
            self.woken.append(self._clock.now())
            self._post()


@contextlib.asynccontextmanager
async def background(work):
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.slack_rule(34)
async def test_a_weekly_job_of_an_app_that_shares_the_clock_runs_on_monday_at_nine():
    clock, posted = VirtualClock(MONDAY - timedelta(hours=1)), []
    async with running(manifest=MANIFEST, clock=clock) as box:
        digest = Digest(clock, lambda: posted.append(box.now()))
        async with background(digest.run()):
            assert await box.advance_to(MONDAY - timedelta(microseconds=1)) < MONDAY
            assert posted == []
            await box.advance_to(MONDAY + timedelta(days=15))
    assert digest.woken == [MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14)]
    assert posted == digest.woken


@pytest.mark.slack_rule(34)
async def test_three_seconds_thirty_minutes_and_a_day_pass_at_once_and_in_order_for_workspace_and_app():
    clock, order = VirtualClock(), []
    async with running(manifest=MANIFEST, clock=clock, retry_delays=(0, 60, 300)) as box, linked(box) as link:
        for name, seconds in (("a day", DAY), ("3 s", 3.5), ("30 min", 1800)):
            clock.call_later(seconds, lambda name=name: order.append((name, len(box.unacked()))))
        await say(box)
        frame = await link.frame()
        assert frame["retry_attempt"] == 0
        await box.advance(3)
        assert (await link.frame())["retry_attempt"] == 1
        await box.advance(DAY)
        assert order == [("3 s", 0), ("30 min", 1), ("a day", 1)]
        assert box.now() == MONDAY + timedelta(seconds=DAY + 3)
        assert [each["reason"] for each in box.forgive_unacked()] == ["timeout"]


@pytest.mark.slack_rule(34)
async def test_time_stands_still_until_it_is_moved_and_never_goes_back():
    async with running(manifest=MANIFEST, clock=VirtualClock()) as box:
        first = box.now()
        await say(box)
        assert box.now() == first
        for seconds in (-1, float("nan"), float("inf"), 1e18):
            with pytest.raises(WorldError):
                await box.advance(seconds)
        with pytest.raises(WorldError, match="forward"):
            await box.advance_to(first - timedelta(seconds=1))
        with pytest.raises(WorldError, match="zone"):
            await box.advance_to(first.replace(tzinfo=None))
        assert box.now() == first


@pytest.mark.slack_rule(34)
async def test_on_the_wall_clock_time_is_real_and_cannot_be_moved(slackbox):
    assert isinstance(slackbox.box.clock, RealClock)
    with pytest.raises(WorldError, match="--virtual-clock"):
        await slackbox.advance(3)
    status, answer = await act(slackbox, "clock", advance=3)
    assert (status, "--virtual-clock" in answer["error"]) == (400, True)
    assert (await clock_of(slackbox))["virtual"] is False


@pytest.mark.slack_rule(34)
async def test_a_sleeper_that_is_cancelled_does_not_wake():
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.run(10)
    await clock.sleep(0)
    assert clock.now() == MONDAY + timedelta(seconds=10)


class Served:
    """A workspace in a process of its own."""

    def __init__(self, facts):
        self.url = facts["page"].rstrip("/")
        self.api_url = facts["SLACK_API_URL"]
        self.bot_token = facts["SLACK_BOT_TOKEN"]
        self.app_token = facts["SLACK_APP_TOKEN"]


@contextlib.asynccontextmanager
async def served(*more):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "slackbox", "serve", "--port", "0", "--json", "--manifest", str(MANIFEST), *more),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield Served(json.loads(await asyncio.wait_for(process.stdout.readline(), 20)))
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def clock_of(box):
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{box.url}/_test/clock")).json()


@pytest.mark.slack_rule(34)
async def test_a_served_workspace_with_a_virtual_clock_is_moved_over_http():
    async with served("--virtual-clock", "2026-11-22T23:00:00+00:00") as box:
        assert await clock_of(box) == {"now": "2026-11-22T23:00:00+00:00", "virtual": True}
        async with linked(box) as link:
            assert (await act(box, "post", user="ana", channel="alerts", text="x"))[0] == 200
            first = await link.frame()
            assert (await act(box, "clock", advance=3))[1]["now"] == "2026-11-22T23:00:03+00:00"
            second = await link.frame()
            await link.ack(second)
            assert (first["retry_attempt"], second["retry_attempt"]) == (0, 1)
            assert await act(box, "settle") == (200, {"waiting": 0})
        assert await act(box, "clock", to="2026-11-23T09:00:00+00:00") == (
            200,
            {"now": "2026-11-23T09:00:00+00:00", "virtual": True},
        )
        for wrong in ({}, {"advance": 1, "to": "2026-11-30"}, {"advance": "3"}, {"advance": -1}, {"to": "monday"}):
            status, answer = await act(box, "clock", **wrong)
            assert status == 400
            assert answer["error"]


@pytest.mark.slack_rule(34)
async def test_another_process_can_sleep_on_the_workspaces_clock():
    async with served("--virtual-clock") as box:
        asleep = asyncio.create_task(act(box, "sleep", seconds=1800))
        # The sleeper's request is under way; time moves in small steps until it has reached the workspace and woken.
        for _ in range(100):
            await act(box, "clock", advance=1800)
            if asleep.done():
                break
        status, answer = await asyncio.wait_for(asleep, WAIT_S)
        assert (status, answer["virtual"]) == (200, True)


def test_a_start_without_a_zone_is_refused_on_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "slackbox", "serve", "--virtual-clock", "2026-11-23T09:00:00"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "has none" in done.stderr


async def command_acked(box, link):
    asked = asyncio.create_task(box.command(user="ana", channel="alerts", command="/aiops", text="status"))
    await link.ack(await link.frame(), payload={"text": "working"})
    assert (await asked)["acked"]


async def story(seed, path=None):
    """The same calls each time; the journal, with the port that happens to be free left out."""
    async with running(manifest=MANIFEST, seed=seed, clock=VirtualClock(), journal=path) as box:
        await say(box, "in the gap")
        async with linked(box) as link:
            await link.ack(await link.frame())
            await acked(box, 1)
            await box.fault("chat.postMessage", "status")
            for text in ("refused", "accepted"):
                await call(box, "chat.postMessage", channel="C0ALERTS", text=text, blocks=hypothesis())
            await link.ack(await link.frame())
            await acked(box, 2)
            await command_acked(box, link)
            await box.advance(61)
        await box.wait_until(lambda: True if not box.connections() else None)
        return json.loads(json.dumps(box.journal()).replace(box.url.removeprefix("http://"), "HOST"))


@pytest.mark.slack_rule(35)
async def test_the_same_seed_and_the_same_calls_give_the_same_journal_and_another_seed_another():
    first = await story(7)
    assert await story(7) == first
    ids = lambda journal: {each["frame"]["envelope_id"] for each in journal if each["kind"] == "envelope"}  # noqa: E731 - twice
    assert ids(await story(8)).isdisjoint(ids(first))


@pytest.mark.slack_rule(35)
async def test_the_journal_holds_every_call_envelope_acknowledgement_and_socket_event_as_json_lines(tmp_path):
    path = tmp_path / "journal.jsonl"
    entries = await story(7, path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(each["n"], each["kind"], each["at"]) for each in lines] == [
        (each["n"], each["kind"], each["at"]) for each in entries
    ]
    assert [each["n"] for each in lines] == list(range(1, len(lines) + 1))
    assert [each["method"] for each in lines if each["kind"] == "call"] == [
        "apps.connections.open",
        "chat.postMessage",
        "chat.postMessage",
    ]
    assert [each["event"] for each in lines if each["kind"] == "socket"] == ["open", "closed"]
    sent = [each["frame"]["envelope_id"] for each in lines if each["kind"] == "envelope"]
    assert sent == [each["envelope_id"] for each in lines if each["kind"] == "ack"]
    assert {"queued", "fault", "render"} <= {each["kind"] for each in lines}


@pytest.mark.slack_rule(35)
async def test_tokens_and_tickets_are_masked_in_the_journal(tmp_path):
    path = tmp_path / "journal.jsonl"
    async with running(manifest=MANIFEST, journal=path) as box:
        url = await address(box)
        tokens = (box.bot_token, box.app_token)
        for token in tokens:
            await say(box, f"my token is {token}, keep it")
            await call(box, "chat.postMessage", channel="C0ALERTS", text=f"({token})", token=f"{token}x")
        async with linked(box) as link:
            for _ in range(2):
                await link.ack(await link.frame(), payload={"text": f"Bearer {box.app_token}"})
            await acked(box, 2)
        text = path.read_text(encoding="utf-8") + json.dumps(box.journal())
    assert not [secret for secret in (*tokens, url.partition("ticket=")[2][:32]) if secret in text]
    assert "xoxb-***" in text
    assert "xapp-***" in text


def test_a_journal_that_cannot_be_written_is_refused_with_its_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "slackbox", "serve", "--journal", str(tmp_path / "no" / "journal.jsonl")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert (done.returncode, "journal.jsonl" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.slack_rule(35)
async def test_message_ids_do_not_depend_on_the_wall_clock():
    async def stamps():
        async with running(manifest=MANIFEST, clock=VirtualClock()) as box:
            return [await say(box, str(n)) for n in range(3)]

    first = await stamps()
    assert await stamps() == first
    assert len(set(first)) == 3
    assert {each.partition(".")[0] for each in first} == {str(int(MONDAY.timestamp()))}


WATCHED = """
import asyncio
import json
import sys
from pathlib import Path

addresses = []


def watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto") and isinstance(args[1], tuple):
        addresses.append(args[1][0])
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        addresses.append(args[0])


sys.addaudithook(watch)

from slackbox.testing import running
from tests.slackbox.rules.link import acked, act, call, linked


async def main():
    async with running(manifest=Path("manifest.json")) as box, linked(box) as link:
        await act(box, "post", user="ana", channel="alerts", text="<https://example.com|look> https://example.org/a.png")
        await link.ack(await link.frame())
        image = {"type": "image", "image_url": "https://example.net/chart.png", "alt_text": "A chart"}
        await call(box, "chat.postMessage", channel="C0ALERTS", text="x", blocks=[image], unfurl_links=True)
        await link.ack(await link.frame())
        await acked(box, 2)


asyncio.run(main())
print(json.dumps(sorted({str(address) for address in addresses})))
"""


@pytest.mark.slack_rule(35)
def test_nothing_leaves_loopback_whatever_addresses_a_message_names():
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=60, cwd=ROOT, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) == {"127.0.0.1"}
