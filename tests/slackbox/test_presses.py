"""What each interactive element of a message sends when it is used, and what stays on this side."""

import pytest

from slackbox.elements import InputError
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import SILENT, actions, bot_on, go, input_block, options, post_blocks, section


async def test_a_declined_confirmation_sends_nothing(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", go(confirm=samples.CONFIRM), samples.button("Plain", "plain")))
        click = {"user": "ana", "channel": "alerts", "ts": ts}
        assert await slackbox.press(**click, action_id="go", confirm=False) == {"acked": False, "declined": True}
        assert bot.of("block_actions") == []
        assert (await slackbox.press(**click, action_id="go"))["acked"]
        with pytest.raises(WorldError, match="does not ask for confirmation"):
            await slackbox.press(**click, action_id="plain", confirm=False)


async def test_a_button_with_an_address_opens_it_and_still_tells_the_app(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", go(url="https://example.com/run")))
        answer = await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
    assert answer == {"acked": True, "url": "https://example.com/run"}
    assert bot.of("block_actions")[0]["actions"][0]["type"] == "button"


async def test_every_element_of_a_message_sends_its_own_kind_of_action(slackbox):
    menu = {"type": "static_select", "action_id": "menu", "options": options("deploy", "data")}
    days = {"type": "datepicker", "action_id": "day"}
    boxes = {"type": "checkboxes", "action_id": "boxes", "options": options("a", "b")}
    more = {"type": "overflow", "action_id": "more", "options": options("again", "wrong")}
    people = {"type": "multi_users_select", "action_id": "people", "max_selected_items": 2}
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", menu, days, boxes, more), section("who", accessory=people))
        click = {"user": "ana", "channel": "alerts", "ts": ts}
        await slackbox.press(**click, action_id="menu", value="deploy")
        await slackbox.press(**click, action_id="day", value="2026-11-23")
        await slackbox.press(**click, action_id="boxes", value=["a", "b"])
        await slackbox.press(**click, action_id="more", value="wrong")
        await slackbox.press(**click, action_id="people", value=["ben", "U0CHEN"])
        with pytest.raises(InputError, match="no more than 2"):
            await slackbox.press(**click, action_id="people", value=["ana", "ben", "chen"])
        with pytest.raises(InputError, match="no option 'never'"):
            await slackbox.press(**click, action_id="menu", value="never")
    sent = [each["actions"][0] for each in bot.of("block_actions")]
    assert sent[0]["selected_option"]["value"] == "deploy"
    assert sent[1]["selected_date"] == "2026-11-23"
    assert [each["value"] for each in sent[2]["selected_options"]] == ["a", "b"]
    assert sent[3]["selected_option"]["value"] == "wrong"
    assert sent[4]["selected_users"] == ["U0BEN", "U0CHEN"]
    # What was chosen before stays on the screen and comes along.
    assert bot.of("block_actions")[4]["state"]["values"]["a"]["menu"]["selected_option"]["value"] == "deploy"


async def test_feedback_and_icon_buttons_send_their_values(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, *samples.hypothesis())
        click = {"user": "ana", "channel": "alerts", "ts": ts}
        await slackbox.press(**click, action_id="feedback", value="negative")
        await slackbox.press(**click, action_id="feedback", value="good")
        await slackbox.press(**click, action_id="remove")
        with pytest.raises(InputError, match="positive or negative"):
            await slackbox.press(**click, action_id="feedback", value="meh")
    kinds = [(each["actions"][0]["type"], each["actions"][0].get("value")) for each in bot.of("block_actions")]
    assert kinds == [("feedback_buttons", "bad"), ("feedback_buttons", "good"), ("icon_button", None)]


@pytest.mark.parametrize(
    ("sample", "action_id"),
    [(samples.similar, "open2"), (samples.digest, "label3")],
    ids=["a card in a carousel", "a cell of a data table"],
)
async def test_a_button_deep_inside_a_block_is_pressed_like_any_other(slackbox, sample, action_id):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, *sample())
        assert (await slackbox.press(user="ana", channel="alerts", ts=ts, action_id=action_id))["acked"]
    assert bot.of("block_actions")[0]["actions"][0]["action_id"] == action_id


async def test_a_button_inside_a_container_is_pressed_with_the_id_of_its_own_block(slackbox):
    container = {"type": "container", "title": samples.plain("More"), "child_blocks": [actions("inner", go())]}
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, container)
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
    assert bot.of("block_actions")[0]["actions"][0]["block_id"] == "inner"


async def test_a_button_in_an_attachment_names_the_attachment(slackbox):
    async with bot_on(slackbox) as bot:
        attachments = [{"text": "plain"}, {"color": "#cc0000", "blocks": [{"type": "actions", "elements": [go()]}]}]
        sent = await bot.call("chat.postMessage", channel="C0ALERTS", text="x", attachments=attachments)
        await slackbox.press(user="ana", channel="alerts", ts=sent["ts"], action_id="go")
    [payload] = bot.of("block_actions")
    assert payload["container"]["type"] == "message_attachment"
    assert payload["container"]["attachment_id"] == 2
    block_id = payload["message"]["attachments"][1]["blocks"][0]["block_id"]
    assert (payload["actions"][0]["block_id"], bool(block_id)) == (block_id, True)


async def test_equal_buttons_are_told_apart_by_their_values(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await post_blocks(bot, actions("a", go("INC-1")), actions("b", go("INC-2")))
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go", value="INC-2")
        with pytest.raises(InputError, match="INC-3"):
            await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go", value="INC-3")
    assert bot.of("block_actions")[0]["actions"][0]["block_id"] == "b"


async def test_a_button_of_another_app_is_not_for_this_bot(slackbox):
    async with bot_on(slackbox) as bot:
        ts = await slackbox.alert(channel="alerts", text="x", blocks=[actions("a", go())])
        with pytest.raises(WorldError, match="not from this app"):
            await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
    assert bot.of("block_actions") == []


async def test_a_menu_of_a_message_asks_the_app_for_its_options(slackbox):
    menu = {"type": "external_select", "action_id": "service", "min_query_length": 2}
    async with bot_on(slackbox) as bot:
        bot.answers["block_suggestion"] = lambda body: {"options": options(f"{body['value']}-api")}
        ts = await post_blocks(bot, actions("a", menu))
        ask = {"user": "ana", "channel": "alerts", "ts": ts, "action_id": "service"}
        assert not (await slackbox.suggest(**ask, query="c"))["sent"]
        found = await slackbox.suggest(**ask, query="cart")
        with pytest.raises(InputError, match="cart-api"):
            await slackbox.press(**ask, value="elsewhere")
        await slackbox.press(**ask, value="cart-api")
        with pytest.raises(InputError, match="it has: none"):
            await slackbox.press(**(ask | {"user": "ben"}), value="cart-api")
    assert [each["value"] for each in found["options"]] == ["cart-api"]
    assert [each["value"] for each in bot.of("block_suggestion")] == ["cart"]
    assert bot.of("block_suggestion")[0]["container"]["message_ts"] == ts
    assert bot.of("block_actions")[0]["actions"][0]["selected_option"]["value"] == "cart-api"


async def test_an_input_in_a_message_tells_the_app_only_with_dispatch_action(slackbox):
    async with bot_on(slackbox) as bot:
        quiet = input_block("quiet", "plain_text_input")
        ts = await post_blocks(bot, quiet, input_block("loud", "plain_text_input", action_id="loud", dispatch=True))
        click = {"user": "ana", "channel": "alerts", "ts": ts}
        with pytest.raises(WorldError, match="dispatch_action"):
            await slackbox.press(**click, action_id="it", value="x")
        await slackbox.press(**click, action_id="loud", value="hello")
    assert [each["actions"][0]["value"] for each in bot.of("block_actions")] == ["hello"]


async def test_a_press_that_is_not_acknowledged_is_reported():
    async with running(manifest=MANIFEST, ack_seconds=0.1) as box, bot_on(box) as bot:
        ts = await post_blocks(bot, actions("a", go()))
        bot.answers["block_actions"] = SILENT
        assert await box.press(user="ana", channel="alerts", ts=ts, action_id="go") == {"acked": False}
        assert [each["payload"]["type"] for each in box.forgive_unacked()] == ["block_actions"]


async def test_a_persons_reply_can_also_be_sent_to_the_channel(slackbox):
    async with bot_on(slackbox) as bot:
        parent = await slackbox.post(user="ana", channel="alerts", text="parent")
        reply = await slackbox.post(
            user="ben", channel="alerts", text="for all", thread_ts=parent, reply_broadcast=True
        )
        with pytest.raises(WorldError, match="thread_ts"):
            await slackbox.post(user="ben", channel="alerts", text="no thread", reply_broadcast=True)
        await slackbox.wait_until(lambda: True if len(bot.of("event_callback")) == 2 else None)
    event = bot.of("event_callback")[1]["event"]
    assert (event["subtype"], event["thread_ts"], event["ts"]) == ("thread_broadcast", parent, reply)
    assert event["root"]["text"] == "parent"


async def test_nobody_acts_in_a_private_channel_they_are_not_in():
    async with running(manifest=MANIFEST, private_channels=("secret",)) as box, bot_on(box) as bot:
        sent = await bot.call("chat.postMessage", channel="C0SECRET", text="x", blocks=[actions("a", go())])
        await box.kick(user="ana", channel="secret")
        in_secret = {"user": "ana", "channel": "secret"}
        for act in (
            lambda: box.press(**in_secret, ts=sent["ts"], action_id="go"),
            lambda: box.command(**in_secret, command="/aiops"),
            lambda: box.shortcut(**in_secret, ts=sent["ts"], callback_id="triage_message"),
            lambda: box.post(**in_secret, text="hello?"),
        ):
            with pytest.raises(WorldError, match="cannot see it"):
                await act()
    assert bot.of("block_actions") + bot.of("command") + bot.of("message_action") == []
