"""Socket Mode: tickets, connections, keepalive, disconnects, the acknowledgement, gaps, what is blamed on the bot."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import websockets

from slackbox import limits
from slackbox.box import Options
from slackbox.clock import VirtualClock
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.link import WAIT_S, acked, act, address, call, dial, linked, say, texts

SLACKS_DELAYS = limits.RETRY_DELAYS_SECONDS


@contextlib.asynccontextmanager
async def virtual(**options):
    """A workspace under a virtual clock with Slack's own delays."""
    async with running(manifest=MANIFEST, clock=VirtualClock(), **{"retry_delays": SLACKS_DELAYS} | options) as box:
        yield box


@contextlib.asynccontextmanager
async def acknowledging(link):
    """Acknowledge whatever comes on this connection."""

    async def answer():
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in link.socket:
                await link.ack(json.loads(text))

    task = asyncio.create_task(answer())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def acked_by(box, name):
    """Wait until every envelope that went out on this connection is acknowledged."""

    def all_of_them():
        sent = {each["frame"]["envelope_id"] for each in box.journal("envelope") if each["connection"] == name}
        return True if sent <= {each["envelope_id"] for each in box.journal("ack")} else None

    await box.wait_until(all_of_them)


async def first_of(*links):
    """The first frame that comes on any of these connections."""
    tasks = [asyncio.create_task(link.frame()) for link in links]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return done.pop().result()


async def refused(url):
    with pytest.raises(websockets.InvalidStatus) as failure:
        async with dial(url):
            pass
    return failure.value.response.status_code


@pytest.mark.slack_rule(6)
async def test_a_ticket_opens_one_connection_and_is_refused_the_second_time(slackbox):
    url = await address(slackbox)
    async with dial(url) as link:
        assert (await link.frame())["type"] == "hello"
        assert await refused(url) == 403
    assert await refused(url) == 403
    assert await refused(url.replace("ticket=", "ticket=0")) == 403
    reasons = [each["reason"] for each in slackbox.journal("socket") if each["event"] == "refused"]
    assert reasons == ["ticket used", "ticket used", "ticket unknown"]


@pytest.mark.slack_rule(6)
async def test_a_ticket_expires_after_thirty_seconds():
    async with virtual() as box:
        in_time, late = await address(box), await address(box)
        await box.advance(30)
        async with dial(in_time) as link:
            assert (await link.frame())["type"] == "hello"
        await box.advance(0.001)
        assert await refused(late) == 403


@pytest.mark.slack_rule(6)
async def test_hello_counts_the_connections_that_are_open_and_names_the_app(slackbox):
    async with dial(await address(slackbox)) as one:
        first = await one.frame()
        async with dial(await address(slackbox)) as two:
            second = await two.frame()
    assert (first["num_connections"], second["num_connections"]) == (1, 2)
    assert first["connection_info"] == {"app_id": slackbox.box.workspace.names.app}
    assert first["debug_info"]["approximate_connection_time"] == 18060


@pytest.mark.slack_rule(7)
async def test_ten_connections_may_be_open_and_the_eleventh_is_sent_away_with_too_many_websockets(slackbox):
    async with contextlib.AsyncExitStack() as stack:
        links = [await stack.enter_async_context(linked(slackbox)) for _ in range(10)]
        async with dial(await address(slackbox)) as eleventh:
            frame = await eleventh.frame()
            assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
            assert await eleventh.end() == 1000
        assert slackbox.box.delivery.connections == 10

        await links[0].socket.close()
        await slackbox.wait_until(lambda: True if slackbox.box.delivery.connections == 9 else None)
        async with linked(slackbox):
            assert slackbox.box.delivery.connections == 10


async def receivers(seed, connections, events):
    """Which connections got which events, and which connection the journal says each went to."""
    async with running(manifest=MANIFEST, seed=seed) as box, contextlib.AsyncExitStack() as stack:
        links = [await stack.enter_async_context(linked(box)) for _ in range(connections)]
        for n in range(events):
            await say(box, str(n))
        planned = [each["connection"] for each in box.journal("envelope")]
        counts = Counter(planned)
        seen = []
        for n, link in enumerate(links, 1):
            frames = [await link.frame() for _ in range(counts[f"c{n}"])]
            for frame in frames:
                await link.ack(frame)
            seen += texts(frames)
            assert await link.nothing_more()
        await acked(box, events)
        return seen, planned


@pytest.mark.slack_rule(8)
async def test_each_envelope_goes_to_exactly_one_connection_and_the_seed_chooses_which():
    seen, planned = await receivers(1, 3, 30)
    assert sorted(seen, key=int) == [str(n) for n in range(30)]
    assert set(planned) == {"c1", "c2", "c3"}
    assert (await receivers(1, 3, 30))[1] == planned
    assert (await receivers(2, 3, 30))[1] != planned


@pytest.mark.slack_rule(9)
async def test_the_server_pings_and_a_clients_ping_comes_back_with_its_own_body():
    async with running(manifest=MANIFEST, ping_seconds=0.05) as box, linked(box) as link:
        await asyncio.wait_for(link.socket.pinged.wait(), WAIT_S)
        # The waiter of a ping is released only by a pong with the same body.
        for body in ("sdk-ping-pong:1796000000.5", "", "ü" * 60):
            await link.pong(body)


@pytest.mark.slack_rule(9)
async def test_a_silent_connection_answers_no_ping_and_carries_nothing_until_it_comes_back():
    async with virtual(retry_delays=(0, 0, 0)) as box, linked(box) as dead, linked(box) as alive:
        assert await box.silence(connection="c1") == 1
        unanswered = await dead.socket.ping("anyone?")
        await dead.socket.send("not even this is heard")
        for n in range(8):
            await say(box, str(n))
        lost_at_first = sum(each["connection"] == "c1" for each in box.journal("envelope"))
        assert 0 < lost_at_first < 8

        # What the dead one swallowed is chosen a connection for again, after three seconds, up to three times.
        async with acknowledging(alive):
            for _ in range(4):
                await acked_by(box, "c2")
                await box.advance(3)
        assert len(box.journal("ack")) + len(box.unacked()) == 8
        assert len(box.unacked()) < lost_at_first
        assert (dead.socket.sent_to_us, unanswered.done(), box.violations()) == (1, False, [])
        box.forgive_unacked()

        assert box.connections()[0] == {"name": "c1", "silent": True, "leaving": False}
        assert await box.silence(connection="c1", silent=False) == 1
        await dead.pong("back?")


@pytest.mark.slack_rule(9)
async def test_all_connections_can_fall_silent_on_demand_over_http():
    async with virtual() as box, linked(box) as one, linked(box) as two:
        assert await act(box, "silence") == (200, {"connections": 2})
        await say(box)
        await box.advance(3)
        assert (one.socket.sent_to_us, two.socket.sent_to_us) == (1, 1)
        assert len(box.journal("timeout")) == 1
        assert await act(box, "silence", silent=False) == (200, {"connections": 2})
        await box.advance(3 + 60)
        frame = await asyncio.wait_for(first_of(one, two), WAIT_S)
        assert frame["retry_attempt"] == 2


@pytest.mark.slack_rule(10)
@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_a_disconnect_names_its_reason_and_the_connection_is_closed(slackbox, reason):
    async with linked(slackbox) as link:
        assert await slackbox.disconnect(reason) == 1
        frame = await link.frame()
        assert (frame["type"], frame["reason"]) == ("disconnect", reason)
        assert await link.end() == 1000


@pytest.mark.slack_rule(10)
async def test_a_warning_comes_ten_seconds_before_the_close():
    async with virtual() as box, linked(box) as link:
        await box.disconnect("warning")
        assert (await link.frame())["reason"] == "warning"
        await box.advance(9.9)
        await link.pong("still there")
        await box.advance(0.1)
        assert await link.end() == 1000


@pytest.mark.slack_rule(10)
async def test_a_close_can_come_late_and_meanwhile_the_other_connection_carries():
    async with virtual() as box, linked(box) as old, linked(box) as new:
        assert await box.disconnect("refresh_requested", connection="c1", close_after_s=60) == 1
        assert (await old.frame())["reason"] == "refresh_requested"
        for n in range(6):
            await say(box, str(n))
        for _ in range(6):
            await new.ack(await new.frame())
        await box.settle()
        await box.advance(59)
        assert await old.nothing_more()
        await box.advance(1)
        assert await old.end() == 1000
        await new.pong("not me")


@pytest.mark.slack_rule(10)
async def test_a_close_can_fail_to_come_and_then_the_old_connection_still_carries():
    async with virtual() as box, linked(box) as link:
        await box.disconnect("refresh_requested", close_after_s=-1)
        assert (await link.frame())["type"] == "disconnect"
        await box.advance(24 * 3600)
        await say(box)
        await link.ack(await link.frame())
        await box.settle()


@pytest.mark.slack_rule(10)
async def test_socket_mode_switched_off_disables_the_link_and_lets_nobody_in_until_it_is_on_again(slackbox):
    early = await address(slackbox)
    async with linked(slackbox) as link:
        assert await act(slackbox, "socket_mode", enabled=False) == (200, {"connections": 1})
        assert (await link.frame())["reason"] == "link_disabled"
        assert await link.end() == 1000
    answer = (await call(slackbox, "apps.connections.open", token=slackbox.app_token)).json()
    assert (answer["ok"], answer["error"]) == (False, "forbidden_team")
    assert await refused(early) == 403
    assert await act(slackbox, "socket_mode", enabled=True) == (200, {"connections": 0})
    async with linked(slackbox):
        assert slackbox.box.delivery.connections == 1


@pytest.mark.slack_rule(10)
async def test_a_connection_can_be_cut_without_a_closing_handshake_and_the_other_stays(slackbox):
    async with linked(slackbox) as cut, linked(slackbox) as other:
        assert await slackbox.disconnect("abrupt", connection="c1") == 1
        assert await cut.end() is None
        await other.pong("not me")
        await slackbox.wait_until(lambda: True if slackbox.box.delivery.connections == 1 else None)


@pytest.mark.slack_rule(10)
@pytest.mark.parametrize(
    ("reason", "notice"), [("refresh_requested", 0), ("warning", limits.DISCONNECT_NOTICE_SECONDS)]
)
async def test_connections_are_recycled_on_schedule_when_asked_for_and_hello_says_when(reason, notice):
    async with virtual(connection_seconds=3600, connection_end=reason) as box, dial(await address(box)) as link:
        assert (await link.frame())["debug_info"]["approximate_connection_time"] == 3600
        await box.advance(3600 - notice - 1)
        assert await link.nothing_more()
        await box.advance(1)
        assert (await link.frame())["reason"] == reason
        await box.advance(notice)
        assert await link.end() == 1000
        async with linked(box) as again:
            await box.advance(3600 - notice)
            assert (await again.frame())["reason"] == reason


@pytest.mark.slack_rule(10)
async def test_without_a_schedule_a_connection_lives_on():
    async with virtual() as box, linked(box) as link:
        await box.advance(7 * 24 * 3600)
        assert await link.nothing_more()


@pytest.mark.slack_rule(10)
async def test_an_unknown_reason_or_connection_is_refused_with_the_nearest(slackbox):
    with pytest.raises(WorldError, match=r"'refresh'.*refresh_requested"):
        await slackbox.disconnect("refresh")
    async with linked(slackbox):
        with pytest.raises(WorldError, match=r"no connection 'c2'\. There is: c1"):
            await slackbox.disconnect("warning", connection="c2")
        status, body = await act(slackbox, "disconnect", reason="abrupt", conection="c1")
        assert (status, "Did you mean connection?" in body["error"]) == (400, True)
    with pytest.raises(WorldError, match="warning or refresh_requested"):
        async with running(manifest=MANIFEST, connection_end="abrupt"):
            pass


@pytest.mark.slack_rule(11)
async def test_an_unacknowledged_event_comes_again_after_three_seconds_one_minute_and_five_and_is_then_given_up():
    async with virtual() as box, linked(box) as link:
        await say(box)
        frames = [await link.frame()]
        for delay in SLACKS_DELAYS:
            await box.advance(2.999)
            assert await link.nothing_more()
            await box.advance(0.001 + delay)
            frames.append(await link.frame())
        assert box.unacked() == []
        await box.advance(3)
        assert [each["retry_attempt"] for each in frames] == [0, 1, 2, 3]
        assert [each["retry_reason"] for each in frames] == ["", "timeout", "timeout", "timeout"]
        assert len({each["payload"]["event_id"] for each in frames}) == 1
        assert len({each["envelope_id"] for each in frames}) == 4
        (lost,) = box.forgive_unacked()
        assert (lost["kind"], lost["reason"], lost["attempts"]) == ("events_api", "timeout", 4)
        await box.advance(24 * 3600)
        assert await link.nothing_more()


@pytest.mark.slack_rule(11)
async def test_an_acknowledgement_within_three_seconds_ends_the_delivery_and_a_later_one_does_not():
    async with virtual() as box, linked(box) as link:
        await say(box)
        first = await link.frame()
        await box.advance(3)
        second = await link.frame()
        await link.ack(first)
        await acked(box, 1)
        await box.advance(2.999)
        assert box.box.delivery.waiting == 1
        await link.ack(second)
        await box.settle()
        await box.advance(24 * 3600)
        assert await link.nothing_more()
        assert [each["rule"] for each in box.violations()] == ["late_ack"]


@pytest.mark.slack_rule(11)
async def test_a_command_is_never_sent_again_and_the_person_is_told_that_it_failed():
    async with virtual() as box, linked(box) as link:
        asked = asyncio.create_task(box.command(user="ana", channel="alerts", command="/aiops", text="status"))
        assert (await link.frame())["type"] == "slash_commands"
        await box.advance(3)
        answer = await asked
        assert not answer["acked"]
        assert "operation_timeout" in answer["ephemeral"][0]["text"]
        await box.advance(24 * 3600)
        assert await link.nothing_more()
        assert [(each["kind"], each["attempts"]) for each in box.forgive_unacked()] == [("slash_commands", 1)]


LOSING = """
import pytest
from tests.slackbox.rules.link import linked, say
from slackbox.clock import VirtualClock

pytest_plugins = ["slackbox.pytest_plugin"]


@pytest.fixture
def slackbox_options(slackbox_options):
    return slackbox_options | {"clock": VirtualClock()}


async def lose(box):
    async with linked(box) as link:
        await say(box)
        for _ in range(4):
            await link.frame()
            await box.advance(3.5)


async def test_lost(slackbox):
    await lose(slackbox)


async def test_lost_and_forgiven(slackbox):
    await lose(slackbox)
    assert len(slackbox.forgive_unacked()) == 1
"""


@pytest.mark.slack_rule(11)
def test_every_delivery_that_was_given_up_fails_the_test_unless_it_is_forgiven(tmp_path):
    (tmp_path / "manifest.json").write_bytes(MANIFEST.read_bytes())
    (tmp_path / "test_it.py").write_text(LOSING, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-W", "ignore", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "Not acknowledged: events_api (timeout)" in done.stdout


async def gap_order(seed):
    """The order in which twenty events that happened while nobody was connected arrive."""
    async with running(manifest=MANIFEST, seed=seed) as box:
        async with linked(box):
            pass
        await box.wait_until(lambda: True if box.box.delivery.connections == 0 else None)
        for n in range(20):
            await say(box, str(n))
        async with linked(box) as link:
            frames = [await link.frame() for _ in range(20)]
            for frame in frames:
                await link.ack(frame)
            await box.settle()
            assert {(each["retry_attempt"], each["retry_reason"]) for each in frames} == {(1, "connection_failed")}
            assert await link.nothing_more()
        return [int(each) for each in texts(frames)]


@pytest.mark.slack_rule(12)
async def test_events_of_a_gap_are_queued_and_redelivered_some_of_them_out_of_order_as_the_seed_has_it():
    order = await gap_order(1)
    assert sorted(order) == list(range(20))
    assert order != sorted(order)
    assert await gap_order(1) == order
    assert await gap_order(2) != order


@pytest.mark.slack_rule(12)
async def test_an_event_that_was_on_its_way_on_a_connection_that_died_goes_to_another(slackbox):
    async with linked(slackbox) as dying:
        await say(slackbox)
        first = await dying.frame()
        async with linked(slackbox) as other:
            await slackbox.disconnect("abrupt", connection="c1")
            second = await other.frame()
            await other.ack(first)
            await other.ack(second)
            await slackbox.settle()
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "connection_failed")
    assert second["payload"] == first["payload"]
    assert second["envelope_id"] != first["envelope_id"]
    # Slack closed the first connection, so an acknowledgement of it on the second is nobody's mistake.
    assert slackbox.violations() == []


@pytest.mark.slack_rule(12)
async def test_an_event_that_was_on_its_way_waits_for_the_next_connection_when_there_is_no_other(slackbox):
    async with linked(slackbox) as dying:
        await say(slackbox)
        first = await dying.frame()
        await slackbox.disconnect("abrupt")
        await dying.end()
    async with linked(slackbox) as other:
        second = await other.frame()
        await other.ack(second)
        await slackbox.settle()
    assert (second["retry_attempt"], second["payload"]) == (1, first["payload"])


@pytest.mark.slack_rule(12)
async def test_a_command_that_was_on_its_way_on_a_connection_that_died_is_not_sent_again():
    async with virtual() as box, linked(box) as dying, linked(box) as other:
        await box.disconnect("refresh_requested", connection="c2", close_after_s=3600)
        assert (await other.frame())["type"] == "disconnect"
        asked = asyncio.create_task(box.command(user="ana", channel="alerts", command="/aiops", text="status"))
        assert (await dying.frame())["type"] == "slash_commands"
        await box.disconnect("abrupt", connection="c1")
        await box.wait_until(lambda: True if box.box.delivery.connections == 1 else None)
        await box.advance(3)
        assert not (await asked)["acked"]
        assert await other.nothing_more()
        assert [each["kind"] for each in box.forgive_unacked()] == ["slash_commands"]


@pytest.mark.slack_rule(12)
async def test_an_event_can_be_delivered_twice_as_a_fault(slackbox):
    async with linked(slackbox) as link:
        await slackbox.fault("events", "duplicate")
        await say(slackbox)
        frames = [await link.frame(), await link.frame()]
        for frame in frames:
            await link.ack(frame)
        await slackbox.settle()
        assert await link.nothing_more()
    assert len({each["payload"]["event_id"] for each in frames}) == 1
    assert len({each["envelope_id"] for each in frames}) == 2
    assert slackbox.violations() == []


@pytest.mark.slack_rule(12)
async def test_an_event_can_be_overtaken_by_the_next_as_a_fault(slackbox):
    async with linked(slackbox) as link:
        await slackbox.fault("events", "reorder", times=2)
        for n in range(5):
            await say(slackbox, str(n))
        frames = [await link.frame() for _ in range(5)]
        for frame in frames:
            await link.ack(frame)
        await slackbox.settle()
    assert texts(frames) == ["1", "0", "3", "2", "4"]


@pytest.mark.slack_rule(12)
async def test_an_event_held_back_to_be_overtaken_comes_alone_when_no_other_follows():
    async with virtual() as box, linked(box) as link:
        await box.fault("events", "reorder")
        await say(box)
        assert await link.nothing_more()
        assert box.box.delivery.waiting == 1
        await box.advance(limits.REORDER_SECONDS)
        await link.ack(await link.frame())
        await box.settle()


@pytest.mark.slack_rule(12)
async def test_an_event_can_be_late_or_lost_on_the_way_as_a_fault():
    async with virtual() as box, linked(box) as link:
        await box.fault("events", "slow", ms=20_000)
        await say(box, "late")
        await box.fault("events", "drop")
        await say(box, "lost")
        assert await link.nothing_more()
        await box.advance(3)
        lost = await link.frame()
        await link.ack(lost)
        await acked(box, 1)
        await box.advance(17)
        late = await link.frame()
        await link.ack(late)
        await box.settle()
    assert texts([lost, late]) == ["lost", "late"]
    assert (lost["retry_attempt"], late["retry_attempt"]) == (1, 0)


async def test_over_thirty_thousand_events_an_hour_the_app_is_told_once_a_minute_and_not_sent_the_rest():
    async with virtual(events_per_hour=3) as box, linked(box) as link:
        for n in range(5):
            await say(box, str(n))
        frames = [await link.frame() for _ in range(4)]
        for frame in frames:
            await link.ack(frame)
        await box.settle()
        assert await link.nothing_more()
        assert texts(frames[:3]) == ["0", "1", "2"]
        notice = frames[3]["payload"]
        assert (notice["type"], notice["minute_rate_limited"]) == ("app_rate_limited", int(box.now().timestamp()))
        assert notice["api_app_id"] == box.box.workspace.names.app

        await box.advance(60)
        await say(box, "again too many")
        again = await link.frame()
        assert again["payload"]["minute_rate_limited"] == notice["minute_rate_limited"] + 60
        # Nobody is blamed for not listening to this one.
        await box.advance(3)
        assert box.unacked() == []

        await box.advance(3600)
        await say(box, "the next hour")
        frame = await link.frame()
        assert texts([frame]) == ["the next hour"]
        await link.ack(frame)
        await box.settle()
        assert len(box.journal("quota")) == 3


def test_the_quota_is_thirty_thousand_an_hour_unless_told_otherwise():
    assert Options().events_per_hour == limits.EVENTS_PER_HOUR == 30_000


@pytest.mark.slack_rule(13)
async def test_a_second_acknowledgement_an_unknown_envelope_and_a_payload_for_an_event_are_violations(slackbox):
    async with linked(slackbox) as link:
        await say(slackbox)
        frame = await link.frame()
        await link.ack(frame, payload={"text": "no"})
        await link.ack(frame)
        await link.ack({"envelope_id": "strange"})
        await link.socket.send("{}")
        await acked(slackbox, 4)
    found = [(each["rule"], each["envelope_id"]) for each in slackbox.violations()]
    assert found == [
        ("ack_payload_not_accepted", frame["envelope_id"]),
        ("second_ack", frame["envelope_id"]),
        ("unknown_envelope_id", "strange"),
        ("unknown_envelope_id", ""),
    ]


@pytest.mark.slack_rule(13)
async def test_a_payload_is_taken_where_the_envelope_accepts_one_and_an_empty_one_anywhere(slackbox):
    async with linked(slackbox) as link:
        asked = asyncio.create_task(slackbox.command(user="ana", channel="alerts", command="/aiops", text="status"))
        command = await link.frame()
        assert command["accepts_response_payload"] is True
        await link.ack(command, payload={"text": "working"})
        assert (await asked)["response"] == {"text": "working"}
        await say(slackbox)
        await link.ack(await link.frame(), payload={})
        await slackbox.settle()
    assert slackbox.violations() == []


@pytest.mark.slack_rule(13)
@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        ("not json", "frame_not_json"),
        ("[1]", "frame_not_json"),
        ("[" * 200_000, "frame_not_json"),
        (b"\x00secret bytes", "frame_not_text"),
    ],
    ids=["text", "array", "deep", "bytes"],
)
async def test_a_frame_that_is_no_acknowledgement_is_a_violation_and_the_connection_lives(slackbox, sent, rule):
    async with linked(slackbox) as link:
        await link.socket.send(sent)
        await slackbox.wait_until(lambda: True if slackbox.violations(rule) else None)
        await say(slackbox)
        await link.ack(await link.frame())
        await slackbox.settle()
    assert len(slackbox.violations()) == 1
    assert "secret" not in json.dumps(slackbox.journal())
