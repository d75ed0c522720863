"""Faults on Web API calls and on deliveries: each as a bot would meet it, and what it leaves behind."""

import asyncio

import httpx
import pytest

from slackbox.clock import VirtualClock
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.link import WAIT_S, acked, act, call, linked, say, texts

pytestmark = pytest.mark.slack_rule(33)


async def post(box, text="hello"):
    return await call(box, "chat.postMessage", channel="C0ALERTS", text=text)


async def posted(box):
    return [each["text"] for each in await box.messages("alerts")]


async def test_apply_then_drop_changes_the_workspace_and_never_answers(slackbox):
    await slackbox.fault("chat.postMessage", "apply_then_drop")
    with pytest.raises(httpx.TransportError):
        await post(slackbox, "applied")
    assert await posted(slackbox) == ["applied"]
    assert (await post(slackbox, "used up")).json()["ok"]


async def test_drop_breaks_the_connection_before_anything_changes(slackbox):
    await slackbox.fault("chat.postMessage", "drop", times=2)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            await post(slackbox)
    assert (await post(slackbox, "used up")).json()["ok"]
    assert await posted(slackbox) == ["used up"]


async def test_a_slow_answer_comes_when_its_time_has_passed():
    async with running(manifest=MANIFEST, clock=VirtualClock()) as box:
        await box.fault("chat.postMessage", "slow", ms=2500)
        answer = asyncio.create_task(post(box))
        await box.wait_until(lambda: box.journal("fault") or None)
        await box.advance(2.499)
        assert (await call(box, "auth.test")).json()["ok"]
        assert not answer.done()
        assert await posted(box) == []
        await box.advance(0.001)
        assert (await asyncio.wait_for(answer, WAIT_S)).json()["ok"]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_has_its_status_and_changes_nothing(slackbox, status):
    await slackbox.fault("chat.postMessage", "status", status=status)
    answer = await post(slackbox)
    assert answer.status_code == status
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert await posted(slackbox) == []


async def test_malformed_json_says_that_it_is_json_and_is_not(slackbox):
    await slackbox.fault("chat.postMessage", "malformed")
    answer = await post(slackbox)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"Expecting value|delimiter|Unterminated"):
        answer.json()
    assert await posted(slackbox) == []


async def test_a_method_can_answer_with_any_of_slacks_errors_or_ask_to_wait(slackbox):
    await slackbox.fault("chat.postMessage", "error", error="fatal_error")
    await slackbox.fault("chat.postMessage", "ratelimited", retry_after=30)
    assert (await post(slackbox)).json() == {"ok": False, "error": "fatal_error"}
    told = await post(slackbox)
    assert (told.status_code, told.headers["retry-after"], told.json()["error"]) == (429, "30", "ratelimited")
    assert await posted(slackbox) == []


async def test_a_partial_outage_hits_one_family_of_methods_for_its_time_and_leaves_the_others_alone():
    async with running(manifest=MANIFEST, clock=VirtualClock()) as box:
        await box.fault("chat.*", "status", seconds=600)
        for seconds, status in ((0, 503), (599.999, 503), (0.001, 200)):
            await box.advance(seconds)
            assert (await post(box)).status_code == status
            assert (await call(box, "auth.test")).status_code == 200
        assert await posted(box) == ["hello"]


async def test_a_total_outage_hits_every_method_until_it_is_cleared_and_spares_the_test_api(slackbox):
    assert await act(slackbox, "faults", method="*", kind="status", seconds=3600) == (200, {})
    for method in ("chat.postMessage", "auth.test", "apps.connections.open"):
        assert (await call(slackbox, method)).status_code == 503
    assert await act(slackbox, "clear_faults") == (200, {"cleared": 1})
    assert (await call(slackbox, "auth.test")).json()["ok"]
    await say(slackbox, "people can write all the same")


async def test_a_lost_event_comes_again_after_the_deadline_and_a_slow_one_comes_late():
    async with running(manifest=MANIFEST, clock=VirtualClock()) as box, linked(box) as link:
        await box.fault("events", "drop")
        await box.fault("events", "slow", ms=90_000)
        await say(box, "lost at first")
        await say(box, "late")
        assert await link.nothing_more()
        await box.advance(3)
        frames = [await link.frame()]
        await link.ack(frames[0])
        await acked(box, 1)
        await box.advance(87)
        frames.append(await link.frame())
        await link.ack(frames[1])
        await acked(box, 2)
        assert texts(frames) == ["lost at first", "late"]
        assert [each["retry_attempt"] for each in frames] == [1, 0]
        assert box.unacked() == []


async def test_each_fault_is_in_the_journal_beside_the_call_it_hit(slackbox):
    await slackbox.fault("chat.postMessage", "status", times=2)
    await post(slackbox, "never said")
    (fault,) = slackbox.journal("fault")
    (failed,) = slackbox.journal("call")
    assert (fault["method"], fault["fault"]) == ("chat.postMessage", "status")
    assert (failed["args"]["text"], failed["answer"]) == ("never said", None)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"method": "chat.postMesage", "kind": "drop"}, "chat.postMessage"),
        ({"method": "chat.postMessage", "kind": "dorp"}, "drop"),
        ({"method": "chat.postMessage", "kind": "reorder"}, "cannot hit chat.postMessage"),
        ({"method": "events", "kind": "malformed"}, "cannot hit events"),
        ({"method": "events", "kind": "drop", "times": 0}, "at least one"),
        ({"method": "events", "kind": "drop", "times": "often"}, "times must be a number"),
        ({"method": "events", "kind": "drop", "seconds": -1}, "longer than nothing"),
        ({"method": "events", "kind": "slow", "msec": 5}, "Did you mean ms"),
        ({"method": "events", "kind": "slow", "ms": -5}, "ms"),
        ({"method": "auth.test", "kind": "status", "status": 9999}, "status"),
        ({"kind": "drop"}, "method"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_with_what_is_wrong(slackbox, body, complaint):
    status, answer = await act(slackbox, "faults", **body)
    assert status == 400
    assert complaint in answer["error"]


async def test_a_misspelt_method_is_refused_in_python_too(slackbox):
    with pytest.raises(WorldError, match=r"views\.open"):
        await slackbox.fault("views.opne", "drop")
