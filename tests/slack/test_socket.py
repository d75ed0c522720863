"""Staying connected, and reading what was missed."""

import pytest

from bot.core.alert import AlertStatus
from tests.slack.face import FIRING, RESOLVED, Face, running


async def test_the_first_start_leaves_old_messages_alone(slackbox, world):
    bot = slackbox.box.workspace.names.bot_user
    # No event is sent of what is said while the bot is not in the channel.
    await slackbox.kick(user=bot, channel="C0ALERTS")
    ts = await slackbox.alert(channel="C0ALERTS", **FIRING)
    slackbox.box.workspace.get_channel("C0ALERTS").members.add(bot)

    async with running(Face(slackbox, world)):
        assert world.seen == {"C0ALERTS": ts}

    assert world.events == {}


@pytest.mark.parametrize("reason", ["abrupt", "refresh_requested", "link_disabled"])
async def test_a_lost_connection_is_opened_again(slackbox, face, world, reason):
    await slackbox.disconnect(reason)
    await slackbox.wait_until(
        lambda: True if slackbox.box.sockets.disconnect("warning") >= 0 and _opened(slackbox) >= 2 else None
    )
    await face.caught_up()

    await slackbox.alert(channel="C0ALERTS", **FIRING)
    await face.handled(1)

    assert len(world.deliveries) == 1
    assert face.runner.last_frame_at is not None


async def test_a_runner_that_is_not_connected_says_when_slack_was_last_heard(slackbox, world):
    face = Face(slackbox, world)
    assert face.runner.why_away() == "Socket Mode is not connected; Slack has not been heard yet"

    async with running(face):
        await face.caught_up()
        assert face.runner.why_away() == ""

    assert face.runner.why_away().startswith("Socket Mode is not connected; Slack was last heard at 20")


def _opened(box):
    return sum(entry["event"] == "open" for entry in box.journal("socket"))


async def test_what_was_posted_while_away_is_caught_up_once(slackbox, world):
    async with running(Face(slackbox, world)) as face:
        await slackbox.alert(channel="C0ALERTS", **FIRING)
        await face.handled(1)
    away = await slackbox.alert(channel="C0ALERTS", **RESOLVED)

    async with running(Face(slackbox, world)) as face:
        await face.handled(2)
        await slackbox.wait_until(lambda: True if not slackbox.box.delivery.waiting else None)

    assert [each.alerts[0].status for each in world.deliveries] == [AlertStatus.FIRING, AlertStatus.RESOLVED]
    assert world.seen == {"C0ALERTS": away}
    assert len(world.events) == 2


async def test_a_failed_catch_up_is_tried_again(slackbox, world):
    world.seen["C0ALERTS"] = "1700000000.000100"
    await slackbox.alert(channel="C0ALERTS", **FIRING)
    await slackbox.fault("conversations.history", "status", times=2)

    async with running(Face(slackbox, world)) as face:
        await face.handled(1)

    assert len(world.deliveries) == 1


async def test_slack_being_away_at_the_start_is_waited_for(slackbox, world):
    await slackbox.fault("apps.connections.open", "status", times=2)

    async with running(Face(slackbox, world)) as face:
        assert face.runner.connected
