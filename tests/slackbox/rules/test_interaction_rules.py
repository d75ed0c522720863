"""Rules 14, 15 and 18 to 20: trigger ids, response addresses, stale and double clicks, commands and shortcuts."""

import asyncio
import json

import pytest

from slackbox.clock import VirtualClock
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import (
    actions,
    bot_on,
    go,
    manifest,
    modal,
    open_modal,
    post_blocks,
    section,
    trigger_of,
)

GLOBAL = {"name": "Report", "type": "global", "callback_id": "report", "description": "Report an incident"}


@pytest.mark.slack_rule(14)
async def test_a_trigger_id_opens_one_view_and_is_then_exchanged(slackbox):
    async with bot_on(slackbox) as bot:
        trigger = await trigger_of(slackbox, bot)
        first = await bot.call("views.open", trigger_id=trigger, view=samples.modal())
        second = await bot.call("views.open", trigger_id=trigger, view=samples.modal())
    assert (first["ok"], second["error"]) == (True, "exchanged_trigger_id")


@pytest.mark.slack_rule(14)
async def test_a_trigger_id_is_good_for_three_seconds_and_then_expired():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, clock=clock) as box, bot_on(box) as bot:
        first, second = await trigger_of(box, bot), await trigger_of(box, bot)
        clock.advance(3)
        assert (await bot.call("views.open", trigger_id=first, view=samples.modal()))["ok"]
        clock.advance(0.001)
        late = await bot.call("views.open", trigger_id=second, view=samples.modal())
    assert late["error"] == "expired_trigger_id"


@pytest.mark.slack_rule(14)
@pytest.mark.parametrize("trigger", ["1.2.abc", "nonsense", None])
async def test_a_trigger_id_that_slack_never_gave_is_invalid(slackbox, trigger):
    async with bot_on(slackbox) as bot:
        args = {"view": samples.modal()} | ({"trigger_id": trigger} if trigger else {})
        assert (await bot.call("views.open", **args))["error"] == "invalid_trigger_id"


@pytest.mark.slack_rule(14)
async def test_a_trigger_id_opens_the_view_for_the_person_who_acted_and_for_nobody_else(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, samples.modal(), user="chen")
        assert [each["id"] for each in (await slackbox.views("chen"))["stack"]] == [view["id"]]
        assert (await slackbox.views("ana"))["stack"] == []
        with pytest.raises(WorldError, match="no open view"):
            await slackbox.submit(user="ana", view_id=view["id"])


@pytest.mark.slack_rule(14)
async def test_a_view_that_is_refused_does_not_spend_its_trigger_id(slackbox):
    async with bot_on(slackbox) as bot:
        trigger = await trigger_of(slackbox, bot)
        wrong = await bot.call("views.open", trigger_id=trigger, view=modal(title=samples.plain("x" * 25)))
        assert wrong["error"] == "invalid_arguments"
        assert (await bot.call("views.open", trigger_id=trigger, view=samples.modal()))["ok"]


@pytest.mark.slack_rule(14)
async def test_every_interaction_brings_a_trigger_id_of_its_own():
    async with running(manifest=manifest(shortcuts=[GLOBAL])) as box, bot_on(box) as bot:
        bot.answers["view_submission"] = {"response_action": "update", "view": modal(section("done"))}
        ts = await post_blocks(bot, actions("a", go()))
        await box.press(user="ana", channel="alerts", ts=ts, action_id="go")
        await box.command(user="ana", channel="alerts", command="/aiops")
        await box.global_shortcut(user="ana", callback_id="report")
        trigger = bot.of("shortcut")[0]["trigger_id"]
        view = (await bot.call("views.open", trigger_id=trigger, view=modal(actions("b", go()))))["view"]
        await box.press_in_view(user="ana", view_id=view["id"], action_id="go")
        await box.submit(user="ana", view_id=view["id"])
    triggers = [each["trigger_id"] for each in bot.heard if "trigger_id" in each]
    assert len(triggers) == len(set(triggers)) == 5


@pytest.mark.slack_rule(14)
async def test_a_push_needs_a_trigger_id_from_inside_a_modal_that_is_still_open(slackbox):
    async with bot_on(slackbox) as bot:
        outside = await bot.call("views.push", trigger_id=await trigger_of(slackbox, bot), view=samples.modal())
        view = await open_modal(slackbox, bot, modal(actions("a", go())))
        await slackbox.press_in_view(user="ana", view_id=view["id"], action_id="go")
        await slackbox.close_view(user="ana", view_id=view["id"])
        closed = await bot.call("views.push", trigger_id=bot.of("block_actions")[0]["trigger_id"], view=samples.modal())
    assert (outside["error"], closed["error"]) == ("invalid_trigger_id", "not_found")


async def pressed(box, bot, *, user="ana", ts=None, **more):
    """A click on a message of the bot; its payload."""
    ts = ts or await post_blocks(bot, actions("a", go()), **more)
    await box.press(user=user, channel="alerts", ts=ts, action_id="go")
    return bot.of("block_actions")[-1]


@pytest.mark.slack_rule(15)
async def test_a_response_url_takes_five_posts_and_says_used_url_to_the_sixth(slackbox):
    async with bot_on(slackbox) as bot:
        url = (await pressed(slackbox, bot))["response_url"]
        refused = await bot.respond(url, blocks=[{"type": "nonsense"}], replace_original=False)
        answers = [await bot.respond(url, text=str(n), replace_original=False) for n in range(6)]
    assert "invalid_blocks" in refused[1]
    assert [status for status, _ in answers] == [200] * 5 + [404]
    assert json.loads(answers[5][1]) == {"ok": False, "error": "used_url"}


@pytest.mark.slack_rule(15)
async def test_a_response_url_is_good_for_thirty_minutes_and_then_says_expired_url():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, clock=clock) as box, bot_on(box) as bot:
        url = (await pressed(box, bot))["response_url"]
        clock.advance(30 * 60)
        in_time = await bot.respond(url, text="x", replace_original=False)
        clock.advance(1)
        status, body = await bot.respond(url, text="x", replace_original=False)
    assert in_time[0] == 200
    assert (status, json.loads(body)["error"]) == (404, "expired_url")


@pytest.mark.slack_rule(15)
async def test_a_response_is_ephemeral_unless_it_says_in_channel(slackbox):
    async with bot_on(slackbox) as bot:
        await slackbox.command(user="ana", channel="digest", command="/aiops")
        url = bot.of("command")[0]["response_url"]
        await bot.respond(url, text="for you")
        await bot.respond(url, text="for all", response_type="in_channel")
    assert [each["text"] for each in await slackbox.ephemerals("ana", "digest")] == ["for you"]
    assert await slackbox.ephemerals("ben") == []
    assert [each["text"] for each in await slackbox.messages("digest")] == ["for all"]


@pytest.mark.slack_rule(15)
async def test_the_acknowledgement_of_a_command_is_shown_under_the_same_rules(slackbox):
    async with bot_on(slackbox) as bot:
        bot.answers["command"] = {"text": "to all", "response_type": "in_channel"}
        await slackbox.command(user="ana", channel="digest", command="/aiops")
        bot.answers["command"] = {"text": "x", "blocks": [{"type": "nonsense"}]}
        wrong = await slackbox.command(user="ana", channel="digest", command="/aiops")
    assert [each["text"] for each in await slackbox.messages("digest")] == ["to all"]
    assert (wrong["acked"], wrong["ephemeral"]) == (True, [])
    assert [each["code"] for each in slackbox.violations("invalid_command_response")] == ["invalid_blocks"]


@pytest.mark.slack_rule(15)
async def test_a_response_to_a_click_replaces_the_message_unless_told_otherwise(slackbox):
    async with bot_on(slackbox) as bot:
        body = await pressed(slackbox, bot)
        kept = await bot.respond(body["response_url"], text="beside it", replace_original=False)
        await bot.respond(body["response_url"], text="instead", replace_original="true")
        [message] = await slackbox.messages("alerts")
        assert (kept[0], message["text"], message["revisions"]) == (200, "instead", 1)
        assert "blocks" not in message
        await bot.respond(body["response_url"], text="without a flag")
        await bot.respond(body["response_url"], text="without a flag", response_type="ephemeral")
    [message] = await slackbox.messages("alerts")
    assert message["text"] == "without a flag"
    assert [each["text"] for each in await slackbox.ephemerals("ana")] == ["beside it", "without a flag"]


@pytest.mark.slack_rule(15)
async def test_a_response_url_deletes_the_original_and_posts_what_comes_along(slackbox):
    async with bot_on(slackbox) as bot:
        first = await pressed(slackbox, bot)
        await bot.respond(first["response_url"], delete_original=True)
        assert await slackbox.messages("alerts") == []
        again = await bot.respond(first["response_url"], text="late", replace_original=True)
        second = await pressed(slackbox, bot)
        await bot.respond(second["response_url"], delete_original=True, text="new", response_type="in_channel")
    assert "message_not_found" in again[1]
    assert [each["text"] for each in await slackbox.messages("alerts")] == ["new"]


@pytest.mark.slack_rule(15)
async def test_a_response_is_in_the_thread_only_when_it_says_thread_ts(slackbox):
    async with bot_on(slackbox) as bot:
        parent = await slackbox.post(user="ben", channel="alerts", text="parent")
        body = await pressed(slackbox, bot, thread_ts=parent)
        assert body["container"]["thread_ts"] == parent
        beside = {"response_type": "in_channel", "replace_original": False}
        await bot.respond(body["response_url"], text="outside", **beside)
        await bot.respond(body["response_url"], text="inside", thread_ts=body["message"]["ts"], **beside)
        nowhere = await bot.respond(body["response_url"], text="x", thread_ts="1.1", **beside)
    placed = {each["text"]: each.get("thread_ts") for each in await slackbox.messages("alerts")}
    assert (placed["outside"], placed["inside"]) == (None, parent)
    assert "thread_not_found" in nowhere[1]


@pytest.mark.slack_rule(15)
async def test_a_response_url_reaches_a_channel_the_bot_is_not_in(slackbox):
    async with bot_on(slackbox) as bot:
        await slackbox.kick(user="aiops", channel="digest")
        await slackbox.command(user="ana", channel="digest", command="/aiops")
        posted = await bot.respond(bot.of("command")[0]["response_url"], text="x", response_type="in_channel")
    assert posted[0] == 200
    assert [each["text"] for each in await slackbox.messages("digest")] == ["x"]


@pytest.mark.slack_rule(18)
async def test_a_click_on_a_stale_copy_carries_the_message_as_it_was_shown(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("v1", go("old")))
        blocks = [section("news"), actions("v2", go("new"))]
        await bot.call("chat.update", channel="C0ALERTS", ts=ts, text="y", blocks=blocks)
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go", block_id="v1")
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
        stale, fresh = bot.of("block_actions")
        with pytest.raises(WorldError, match=r"v3.*There is: v2"):
            await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go", block_id="v3")
    assert (stale["actions"][0]["block_id"], stale["actions"][0]["value"]) == ("v1", "old")
    assert (stale["message"]["text"], [each["block_id"] for each in stale["message"]["blocks"]]) == ("x", ["v1"])
    assert (fresh["actions"][0]["value"], fresh["message"]["text"]) == ("new", "y")
    assert stale["message"]["ts"] == fresh["message"]["ts"] == ts


@pytest.mark.slack_rule(18)
async def test_a_payload_keeps_the_message_of_the_click_while_the_message_changes(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("v1", go()))

        async def change(_payload):
            await bot.call("chat.update", channel="C0ALERTS", ts=ts, text="changed", blocks=[])

        bot.answers["block_actions"] = change
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
        bot.answers.clear()
        await slackbox.press(user="ben", channel="alerts", ts=ts, action_id="go", block_id="v1")
    assert [each["message"]["text"] for each in bot.of("block_actions")] == ["x", "x"]


@pytest.mark.slack_rule(19)
async def test_a_double_click_makes_two_envelopes(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", go()))
        click = {"user": "ana", "channel": "alerts", "ts": ts, "action_id": "go"}
        answers = await asyncio.gather(slackbox.press(**click), slackbox.press(**click))
    first, second = bot.of("block_actions")
    assert answers == [{"acked": True}, {"acked": True}]
    assert first["actions"][0]["action_ts"] < second["actions"][0]["action_ts"]
    assert first["trigger_id"] != second["trigger_id"]
    assert first["response_url"] != second["response_url"]


@pytest.mark.slack_rule(19)
async def test_two_people_who_click_at_once_make_two_envelopes_on_any_of_the_connections(slackbox):
    async with bot_on(slackbox) as one, bot_on(slackbox, count=2) as other:
        ts = await post_blocks(one, actions("a", go()))
        clicks = [
            slackbox.press(user=user, channel="alerts", ts=ts, action_id="go")
            for _ in range(6)
            for user in ("ana", "ben")
        ]
        answers = await asyncio.gather(*clicks)
    by_one, by_other = one.of("block_actions"), other.of("block_actions")
    clicked = sorted(each["user"]["id"] for each in [*by_one, *by_other])
    assert answers == [{"acked": True}] * 12
    assert clicked == ["U0ANA"] * 6 + ["U0BEN"] * 6
    assert by_one
    assert by_other


@pytest.mark.slack_rule(20)
async def test_a_slash_command_is_refused_inside_a_thread(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await slackbox.post(user="ana", channel="alerts", text="parent")
        with pytest.raises(WorldError, match="not supported in threads"):
            await slackbox.command(user="ana", channel="alerts", command="/aiops", thread_ts=ts)
    assert bot.of("command") == []


@pytest.mark.slack_rule(20)
async def test_a_message_shortcut_works_inside_a_thread(slackbox):
    async with bot_on(slackbox) as bot:
        parent = await slackbox.post(user="ana", channel="alerts", text="parent")
        reply = await slackbox.post(user="ben", channel="alerts", text="reply", thread_ts=parent)
        await slackbox.shortcut(user="ana", channel="alerts", ts=reply, callback_id="triage_message")
    [payload] = bot.of("message_action")
    assert (payload["message"]["text"], payload["message"]["thread_ts"]) == ("reply", parent)
    assert payload["message_ts"] == reply


@pytest.mark.slack_rule(20)
async def test_a_global_shortcut_of_the_manifest_belongs_to_no_channel():
    async with running(manifest=manifest(shortcuts=[GLOBAL])) as box, bot_on(box) as bot:
        assert await box.global_shortcut(user="ana", callback_id="report") == {"acked": True}
        ts = await box.post(user="ana", channel="alerts", text="x")
        with pytest.raises(WorldError, match="no message shortcut"):
            await box.shortcut(user="ana", channel="alerts", ts=ts, callback_id="report")
        with pytest.raises(WorldError, match="Did you mean report"):
            await box.global_shortcut(user="ana", callback_id="reprot")
    [payload] = bot.of("shortcut")
    assert (payload["callback_id"], payload["user"]["id"]) == ("report", "U0ANA")
    assert not {"channel", "response_url", "message"} & set(payload)
