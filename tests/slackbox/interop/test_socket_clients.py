"""Every official client that can do Socket Mode, against slackbox: each test runs once for each client."""

import pytest

from tests.slackbox import samples
from tests.slackbox.helpers import client_of


def opened(box):
    return [each for each in box.journal("socket") if each["event"] == "open"]


async def test_an_event_is_received_acknowledged_once_and_answered_in_its_thread(slackbox, client, reports):
    ts = await slackbox.post(user="ana", channel="alerts", text="checkout is *slow* & late")
    (_, reply) = await slackbox.wait_for("alerts", thread_ts=ts, min_count=2)
    # The bot's own answer comes back as an event too.
    await slackbox.wait_until(lambda: True if len(slackbox.journal("ack")) == 2 else None)

    assert reply["bot_id"] == "B0AIOPS"
    assert reply["text"].startswith("heard: checkout is *slow*")
    sent = [each["frame"]["payload"]["event_id"] for each in slackbox.journal("envelope")]
    assert [each["event_id"] for each in await reports.until("envelope", 2)] == sent
    assert slackbox.violations() == []


async def test_the_acknowledgement_of_a_slash_command_carries_its_answer(slackbox, client):
    answer = await slackbox.command(user="ana", channel="alerts", command="/aiops", text="triage checkout")

    assert answer["acked"]
    assert [each["text"] for each in answer["ephemeral"]] == ["working on triage checkout"]
    assert slackbox.violations() == []


async def test_a_press_opens_a_modal_that_is_refused_with_errors_and_then_accepted(slackbox, client, reports):
    sent = await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
    assert await slackbox.press(user="ben", channel="alerts", ts=sent["ts"], action_id="restart") == {"acked": True}
    (view,) = await slackbox.open_views("ben")

    def answers(cause):
        return {"cause": {"text": cause}, "right": {"choice": "partly"}}

    refused = await slackbox.submit(user="ben", view_id=view["id"], values=answers("eh"))
    assert refused["errors"] == {"cause": "Say more."}
    assert [each["id"] for each in await slackbox.open_views("ben")] == [view["id"]]
    accepted = await slackbox.submit(user="ben", view_id=view["id"], values=answers("the deploy"))
    assert (accepted["acked"], accepted["errors"], accepted["view"]) == (True, {}, None)
    assert [each["cause"] for each in reports.of("submitted")] == ["eh", "the deploy"]
    assert {each["user"] for each in reports.of("submitted")} == {"U0BEN"}
    assert slackbox.violations() == []


async def test_a_press_is_acknowledged_and_its_response_url_replaces_the_message(slackbox, client):
    sent = await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
    assert await slackbox.press(user="ana", channel="alerts", ts=sent["ts"], action_id="review") == {"acked": True}
    (replaced,) = await slackbox.wait_for("alerts", contains="reviewed")

    assert replaced["ts"] == sent["ts"]


async def test_a_message_shortcut_in_a_thread_reaches_the_bot(slackbox, client):
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    used = await slackbox.shortcut(user="chen", channel="alerts", ts=parent, callback_id="triage_message")
    await slackbox.wait_for("alerts", thread_ts=parent, contains="used: triage_message")

    assert used == {"acked": True}


def settled(box, count):
    """Opened that often, one connection left, and nothing on its way."""
    calm = len(opened(box)) >= count and box.box.delivery.connections == 1 and box.box.delivery.waiting == 0
    return True if calm else None


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "abrupt"])
async def test_after_a_disconnect_the_client_returns_and_hears_what_was_said_in_the_gap(slackbox, client, reason):
    assert await slackbox.disconnect(reason) == 1
    ts = await slackbox.post(user="ana", channel="alerts", text="in the gap")
    await slackbox.wait_for("alerts", thread_ts=ts, contains="heard: in the gap", timeout_s=40)
    # The one on aiohttp may return twice: once for the frame that asks it to and once for the close that follows.
    await slackbox.wait_until(lambda: settled(slackbox, 2), timeout_s=40)

    assert slackbox.unacked() == []
