"""The face as people meet it: events, commands, buttons, shortcuts, over a real Socket Mode connection."""

import pytest

from bot.core.alert import AlertStatus, Anchor
from bot.core.posts import Post, PostKind
from bot.slack.channels import ChannelDirectory, WatchedChannels
from bot.slack.chat import SlackChat
from bot.slack.inbox import Inbox
from tests.slack import situations
from tests.slack.face import FIRING, RESOLVED, Face, running, told


async def test_an_alert_message_is_taken_in_with_its_anchor(slackbox, face, world):
    ts = await slackbox.alert(channel="C0ALERTS", **FIRING)
    await face.handled(1)

    [delivery] = world.deliveries
    assert delivery.anchor == Anchor(channel="C0ALERTS", ts=ts)
    assert delivery.alerts[0].name == "DiskSlow"
    assert world.seen["C0ALERTS"] == ts


async def test_a_resolved_message_is_taken_in_too(slackbox, face, world):
    await slackbox.alert(channel="C0ALERTS", **FIRING)
    await slackbox.alert(channel="C0ALERTS", app_id="A0AM", **RESOLVED)
    await face.handled(2)

    assert [each.alerts[0].status for each in world.deliveries] == [AlertStatus.FIRING, AlertStatus.RESOLVED]
    assert len({each.alerts[0].fingerprint for each in world.deliveries}) == 1


async def test_an_edit_counts_only_when_it_changes_the_status(face, world):
    def edit(number, title):
        message = {"ts": "1795163470.000200", "subtype": "bot_message", "attachments": [{"title": title}]}
        before = {**message, "attachments": FIRING["attachments"]}
        event = {
            "type": "message",
            "subtype": "message_changed",
            "channel": "C0ALERTS",
            "ts": f"179516350{number}.000000",
        }
        return {
            "type": "event_callback",
            "event_id": f"Ev{number}",
            "event": event | {"message": message, "previous_message": before},
        }

    for number, title in enumerate(
        ("[FIRING:2] DiskSlow storage (critical)", "[RESOLVED] DiskSlow storage (critical)")
    ):
        await world.remember_event(f"event:Ev{number}", "message.message_changed", edit(number, title))
    await face.handled(2)

    assert [each.alerts[0].status for each in world.deliveries] == [AlertStatus.RESOLVED]


async def test_an_event_that_is_delivered_twice_is_stored_once(slackbox, face, world):
    await slackbox.fault("events", "duplicate")
    await slackbox.alert(channel="C0ALERTS", **FIRING)
    await face.handled(1)
    await slackbox.wait_until(lambda: True if not slackbox.box.delivery.waiting else None)

    assert len(world.events) == len(world.deliveries) == 1


async def test_an_event_that_could_not_be_stored_comes_again(slackbox, world):
    world.store_away = 1
    async with running(Face(slackbox, world)) as face:
        await slackbox.alert(channel="C0ALERTS", **FIRING)
        await face.handled(1)

    assert world.store_away == 0
    assert len(world.deliveries) == 1


async def test_own_messages_and_other_channels_start_nothing(slackbox, face, world):
    chat = SlackChat(face.client)
    post = Post(
        operation="INC-7:alert",
        incident_id="INC-7",
        kind=PostKind.ALERT,
        channel="#alerts",
        thread_ts=None,
        ts=None,
        version=1,
        content=situations.contents()["alert_firing"],
    )
    await chat.send(post)
    await slackbox.alert(channel="C0DIGEST", **FIRING)
    await slackbox.post(user="U0ANA", channel="C0ALERTS", text="[FIRING:1] not me")
    await face.handled(2)

    assert world.deliveries == []
    assert all(
        "user" not in each.body["event"] or each.body["event"]["user"] == "U0ANA" for each in world.events.values()
    )


async def test_every_kind_of_event_is_acknowledged(slackbox, face, world):
    ts = await slackbox.post(user="U0BEN", channel="C0ALERTS", text="hello")
    await slackbox.edit(user="U0BEN", channel="C0ALERTS", ts=ts, text="hello again")
    await slackbox.delete(user="U0BEN", channel="C0ALERTS", ts=ts)
    await slackbox.invite(user="U0CHEN", channel="C0ALERTS")
    await slackbox.home(user="U0ANA")
    await face.handled(5)

    await slackbox.wait_until(lambda: True if not slackbox.box.delivery.waiting else None)
    assert slackbox.unacked() == []
    assert world.failed == []


async def test_an_event_that_breaks_its_handler_is_set_aside(slackbox, face, world):
    async def broken(delivery):
        raise RuntimeError("boom")

    world.receive = broken
    flows = world.flows()
    inbox = Inbox(
        flows,
        watched=WatchedChannels(ChannelDirectory(face.client), ["C0ALERTS"]),
        is_current=lambda: True,
        home_opened=face.world.run_again,
    )
    await slackbox.alert(channel="C0ALERTS", **FIRING)
    await face.stored.wait()

    assert await inbox.handle_next()
    assert [why for _, why in world.failed] == ["RuntimeError: boom"]


@pytest.mark.parametrize("text", ["help", "", "  HELP ", "frobnicate now"])
async def test_help_is_answered_privately_whatever_was_typed(slackbox, face, text):
    answer = await slackbox.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text=text)
    await told(slackbox, "/aiops triage <text or link>")

    assert answer["acked"]
    assert await slackbox.messages("C0ALERTS") == []


async def test_status_tells_what_is_open_and_what_is_away(slackbox, face):
    await slackbox.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text="status")

    await told(slackbox, "2 open incidents")
    await told(slackbox, "connection refused at 127.0.0.1:9000")


async def test_triage_starts_an_investigation_of_what_was_typed(slackbox, face, world):
    await slackbox.command(user="U0ANA", channel="C0INCIDENTS", command="/aiops", text="Triage:  checkout &gt; 5 s")
    await told(slackbox, "INC-9")

    assert world.triages == [("checkout > 5 s", "C0INCIDENTS", "U0ANA", None)]


async def test_triage_without_words_asks_for_them(slackbox, face, world):
    await slackbox.command(user="U0ANA", channel="C0INCIDENTS", command="/aiops", text="triage")
    await told(slackbox, "Tell me what")

    assert world.triages == []


async def test_triage_of_a_link_reads_the_message_and_answers_in_its_thread(slackbox, face, world):
    ts = await slackbox.post(user="U0BEN", channel="C0INCIDENTS", text="payments are failing")
    link = f"<https://example.slack.com/archives/C0INCIDENTS/p{ts.replace('.', '')}|that one>"

    await slackbox.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text=f"triage {link}")
    await told(slackbox, "INC-9")

    assert world.triages == [("payments are failing", "C0INCIDENTS", "U0ANA", Anchor(channel="C0INCIDENTS", ts=ts))]


async def test_triage_of_a_link_to_nowhere_says_so_with_an_error_id(slackbox, face, world):
    link = "https://example.slack.com/archives/C0INCIDENTS/p1700000000000100"

    await slackbox.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text=f"triage {link}")

    await told(slackbox, "not there any more")
    await told(slackbox, "Error id")


async def test_similar_shows_past_incidents_only_to_who_asked(slackbox, face):
    await slackbox.command(user="U0ANA", channel="C0ALERTS", command="/aiops", text="similar connection pool")

    await told(slackbox, "Connection pool exhausted after a deploy")
    assert await slackbox.messages("C0ALERTS") == []


async def test_the_run_again_button_queues_once_and_says_which(slackbox, face, world):
    post = Post(
        operation="INC-7:hypothesis:1",
        incident_id="INC-7",
        kind=PostKind.HYPOTHESIS,
        channel="C0ALERTS",
        thread_ts=None,
        ts=None,
        version=1,
        content=situations.contents()["hypothesis"],
    )
    anchor = await SlackChat(face.client).send(post)

    assert (await slackbox.press(user="U0BEN", channel="C0ALERTS", ts=anchor.ts, action_id="run_again"))["acked"]
    await told(slackbox, "Looking again")
    await slackbox.press(user="U0BEN", channel="C0ALERTS", ts=anchor.ts, action_id="run_again")
    await told(slackbox, "on its way already")

    assert world.runs == [("INC-7", "U0BEN"), ("INC-7", "U0BEN")]


async def test_the_shortcut_takes_an_alert_message_in_as_an_alert(slackbox, face, world):
    ts = await slackbox.alert(channel="C0DIGEST", **FIRING)

    await slackbox.shortcut(user="U0ANA", channel="C0DIGEST", ts=ts, callback_id="triage_message")
    await told(slackbox, "INC-8")

    [delivery] = world.deliveries
    assert (delivery.anchor, delivery.requested_by) == (Anchor(channel="C0DIGEST", ts=ts), "U0ANA")


async def test_the_shortcut_on_a_reply_answers_in_that_thread(slackbox, face, world):
    parent = await slackbox.post(user="U0BEN", channel="C0ALERTS", text="something is off")
    reply = await slackbox.post(user="U0CHEN", channel="C0ALERTS", text="orders too", thread_ts=parent)

    await slackbox.shortcut(user="U0ANA", channel="C0ALERTS", ts=reply, callback_id="triage_message")
    await told(slackbox, "INC-9")

    assert world.triages == [("orders too", "C0ALERTS", "U0ANA", Anchor(channel="C0ALERTS", ts=parent))]
