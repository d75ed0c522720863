"""Rule 17: ephemeral messages and modals are for one person, and leave no trace."""

import pytest

from slackbox.errors import WorldError
from tests.slackbox import samples
from tests.slackbox.rules.desk import actions, bot_on, go, open_modal, post_blocks

pytestmark = pytest.mark.slack_rule(17)


async def whisper(box, bot, user="U0ANA", **more):
    """An ephemeral message with a button; what the person sees of it."""
    sent = await bot.call(
        "chat.postEphemeral", channel="C0ALERTS", user=user, text="psst", blocks=[actions("a", go())], **more
    )
    assert sent["ok"], sent
    return next((each for each in await box.ephemerals() if each["ts"] == sent["message_ts"]), None)


async def test_an_ephemeral_message_is_seen_and_pressed_by_its_person_only(slackbox):
    async with bot_on(slackbox) as bot:
        shown = await whisper(slackbox, bot)
        assert [each["ts"] for each in await slackbox.ephemerals("ana")] == [shown["ts"]]
        assert await slackbox.ephemerals("ben") == []
        with pytest.raises(WorldError, match="no message"):
            await slackbox.press(user="ben", channel="alerts", ts=shown["ts"], action_id="go")
        await slackbox.press(user="ana", channel="alerts", ts=shown["ts"], action_id="go")
    [payload] = bot.of("block_actions")
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload


async def test_an_ephemeral_message_is_in_no_history_and_cannot_be_changed_by_methods(slackbox):
    async with bot_on(slackbox) as bot:
        shown = await whisper(slackbox, bot)
        history = await bot.call("conversations.history", channel="C0ALERTS")
        updated = await bot.call("chat.update", channel="C0ALERTS", ts=shown["ts"], text="x")
        deleted = await bot.call("chat.delete", channel="C0ALERTS", ts=shown["ts"])
        with pytest.raises(WorldError, match="no message"):
            await slackbox.shortcut(user="ana", channel="alerts", ts=shown["ts"], callback_id="triage_message")
    assert history["messages"] == []
    assert await slackbox.messages("alerts") == []
    assert (updated["error"], deleted["error"]) == ("message_not_found", "message_not_found")
    assert bot.of("event_callback") == []


async def test_only_a_response_url_replaces_or_deletes_an_ephemeral_message(slackbox):
    async with bot_on(slackbox) as bot:
        shown = await whisper(slackbox, bot)
        await slackbox.press(user="ana", channel="alerts", ts=shown["ts"], action_id="go")
        url = bot.of("block_actions")[0]["response_url"]
        await bot.respond(url, text="done", replace_original=True, response_type="in_channel")
        [replaced] = await slackbox.ephemerals("ana")
        assert (replaced["ts"], replaced["text"], "blocks" in replaced) == (shown["ts"], "done", False)
        await bot.respond(url, text="one more", replace_original=False)
        await bot.respond(url, delete_original=True)
    assert [each["text"] for each in await slackbox.ephemerals("ana")] == ["one more"]
    assert await slackbox.messages("alerts") == []


async def test_ephemeral_messages_and_modals_vanish_when_the_client_is_reloaded(slackbox):
    async with bot_on(slackbox) as bot:
        shown = await whisper(slackbox, bot)
        await whisper(slackbox, bot, user="U0BEN")
        await slackbox.press(user="ana", channel="alerts", ts=shown["ts"], action_id="go")
        await open_modal(slackbox, bot, samples.modal() | {"notify_on_close": True})
        assert await slackbox.reload(user="ana") == {"ephemerals": 1, "views": 1}
        with pytest.raises(WorldError, match="no message"):
            await slackbox.press(user="ana", channel="alerts", ts=shown["ts"], action_id="go")
        late = await bot.respond(bot.of("block_actions")[0]["response_url"], text="too late", replace_original=True)
    assert late[0] == 200
    assert await slackbox.ephemerals("ana") == []
    assert len(await slackbox.ephemerals("ben")) == 1
    assert (await slackbox.views("ana"))["stack"] == []
    assert bot.of("view_closed") == []


async def test_an_ephemeral_message_for_a_thread_nobody_replied_to_is_shown_to_nobody_and_recorded(slackbox):
    async with bot_on(slackbox) as bot:
        parent = await slackbox.post(user="ben", channel="alerts", text="parent")
        assert await whisper(slackbox, bot, thread_ts=parent) is None
        assert [each["thread_ts"] for each in slackbox.violations("ephemeral_in_quiet_thread")] == [parent]
        await slackbox.post(user="chen", channel="alerts", text="reply", thread_ts=parent)
        assert (await whisper(slackbox, bot, thread_ts=parent))["thread_ts"] == parent


async def test_an_ephemeral_message_for_somebody_outside_the_channel_is_refused(slackbox):
    async with bot_on(slackbox) as bot:
        await slackbox.kick(user="chen", channel="alerts")
        refused = await bot.call("chat.postEphemeral", channel="C0ALERTS", user="U0CHEN", text="psst")
    assert refused["error"] == "user_not_in_channel"
    assert await slackbox.ephemerals("chen") == []


async def test_only_the_people_a_button_is_visible_to_can_press_it(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", go(visible_to_user_ids=["U0BEN"])))
        with pytest.raises(WorldError, match="does not see"):
            await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
        assert (await slackbox.press(user="ben", channel="alerts", ts=ts, action_id="go"))["acked"]
