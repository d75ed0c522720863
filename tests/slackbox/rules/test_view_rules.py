"""Rule 16: the stack of modals, hashes, external ids, size, what stays after an update, and the four response actions."""

import pytest

from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import (
    SILENT,
    actions,
    bot_on,
    go,
    input_block,
    manifest,
    modal,
    open_modal,
    options,
    post_blocks,
    section,
    trigger_of,
)

pytestmark = pytest.mark.slack_rule(16)
TROUBLE = "We had some trouble connecting. Try again?"


def named(name, **more):
    """A modal with a button that can be recognised in the stack."""
    return modal(actions("a", go()), callback_id=name, **more)


async def push(box, bot, view, user="ana"):
    """Press the button of the modal on top and push another."""
    top = (await box.views(user))["stack"][-1]
    await box.press_in_view(user=user, view_id=top["id"], action_id="go")
    return await bot.call("views.push", trigger_id=bot.of("block_actions")[-1]["trigger_id"], view=view)


async def stack_of(box, user="ana"):
    return [each["callback_id"] for each in (await box.views(user))["stack"]]


async def test_a_fourth_view_on_the_stack_is_refused_with_push_limit_reached(slackbox):
    async with bot_on(slackbox) as bot:
        first = await open_modal(slackbox, bot, named("one"))
        second = (await push(slackbox, bot, named("two")))["view"]
        third = (await push(slackbox, bot, named("three")))["view"]
        fourth = await push(slackbox, bot, named("four"))
    assert fourth["error"] == "push_limit_reached"
    assert await stack_of(slackbox) == ["one", "two", "three"]
    assert (second["previous_view_id"], third["previous_view_id"]) == (first["id"], second["id"])
    assert {second["root_view_id"], third["root_view_id"]} == {first["id"]}


async def test_a_push_over_the_limit_in_an_acknowledgement_is_recorded_and_fails_for_the_person(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))
        await push(slackbox, bot, named("two"))
        view = (await push(slackbox, bot, named("three")))["view"]
        bot.answers["view_submission"] = {"response_action": "push", "view": named("four")}
        answer = await slackbox.submit(user="ana", view_id=view["id"])
    assert answer["failure"] == TROUBLE
    assert [each["code"] for each in slackbox.violations("view_in_ack_refused")] == ["push_limit_reached"]
    assert await stack_of(slackbox) == ["one", "two", "three"]


async def test_only_the_view_on_top_of_the_stack_can_be_used(slackbox):
    async with bot_on(slackbox) as bot:
        below = await open_modal(slackbox, bot, named("one"))
        await push(slackbox, bot, named("two"))
        with pytest.raises(WorldError, match="covered by"):
            await slackbox.submit(user="ana", view_id=below["id"])
        with pytest.raises(WorldError, match="covered by"):
            await slackbox.press_in_view(user="ana", view_id=below["id"], action_id="go")


async def test_an_update_with_a_hash_that_is_no_longer_true_is_a_hash_conflict(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))
        updated = await bot.call("views.update", view_id=view["id"], hash=view["hash"], view=named("two"))
        stale = await bot.call("views.update", view_id=view["id"], hash=view["hash"], view=named("three"))
        unguarded = await bot.call("views.update", view_id=view["id"], view=named("four"))
    assert updated["view"]["hash"] != view["hash"]
    assert updated["view"]["id"] == view["id"]
    assert (stale["error"], unguarded["ok"]) == ("hash_conflict", True)
    assert await stack_of(slackbox) == ["four"]


async def test_a_home_tab_published_with_a_hash_that_is_no_longer_true_is_a_hash_conflict(slackbox):
    def home(words):
        return {"type": "home", "blocks": [section(words)]}

    async with bot_on(slackbox) as bot:
        unknown = await bot.call("views.publish", user_id="U0ANA", view=home("0"), hash="156772938.1827394")
        first = (await bot.call("views.publish", user_id="U0ANA", view=home("1")))["view"]
        second = (await bot.call("views.publish", user_id="U0ANA", view=home("2"), hash=first["hash"]))["view"]
        stale = await bot.call("views.publish", user_id="U0ANA", view=home("3"), hash=first["hash"])
        await slackbox.home(user="ana")
        await slackbox.wait_until(lambda: bot.of("event_callback") or None)
    [opened] = [each["event"] for each in bot.of("event_callback") if each["event"]["type"] == "app_home_opened"]
    assert (unknown["error"], stale["error"]) == ("hash_conflict", "hash_conflict")
    assert (second["id"], second["hash"] != first["hash"]) == (first["id"], True)
    assert (opened["user"], opened["tab"]) == ("U0ANA", "home")
    assert (opened["view"]["hash"], opened["view"]["blocks"][0]["text"]["text"]) == (second["hash"], "2")


async def test_the_home_tab_opens_only_if_the_manifest_has_it():
    async with running(manifest=manifest(app_home={"home_tab_enabled": False})) as box, bot_on(box) as bot:
        with pytest.raises(WorldError, match="home_tab_enabled"):
            await box.home(user="ana")
        refused = await bot.call("views.publish", user_id="U0ANA", view={"type": "home", "blocks": [section("x")]})
    assert refused["error"] == "not_enabled"


async def test_a_button_of_the_home_tab_opens_a_modal_but_pushes_none(slackbox):
    async with bot_on(slackbox) as bot:
        home = {"type": "home", "blocks": [actions("a", go())]}
        view = (await bot.call("views.publish", user_id="U0ANA", view=home))["view"]
        await slackbox.press_in_view(user="ana", view_id=view["id"], action_id="go")
        await slackbox.press_in_view(user="ana", view_id=view["id"], action_id="go")
        first, second = bot.of("block_actions")
        pushed = await bot.call("views.push", trigger_id=first["trigger_id"], view=named("one"))
        opened = await bot.call("views.open", trigger_id=second["trigger_id"], view=named("one"))
    assert (pushed["error"], opened["ok"]) == ("invalid_trigger_id", True)
    assert first["container"] == {"type": "view", "view_id": view["id"]}
    assert first["view"]["type"] == "home"


async def test_an_external_id_finds_its_view_and_exists_once(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one", external_id="INC-7"))
        updated = await bot.call("views.update", external_id="INC-7", view=named("two", external_id="INC-7"))
        other = await bot.call(
            "views.open",
            trigger_id=await trigger_of(slackbox, bot, "ben"),
            view=named("three", external_id="INC-7"),
        )
        again = await bot.call(
            "views.open", trigger_id=await trigger_of(slackbox, bot), view=named("four", external_id="INC-7")
        )
        wrong = await bot.call("views.update", view_id="INC-7", view=named("five"))
        unknown = await bot.call("views.update", external_id="INC-8", view=named("six"))
        assert await stack_of(slackbox) == ["two"]
        await slackbox.close_view(user="ana", view_id=view["id"])
        later = await bot.call(
            "views.open", trigger_id=await trigger_of(slackbox, bot), view=named("seven", external_id="INC-7")
        )
    assert updated["view"]["id"] == view["id"]
    assert (other["error"], again["error"]) == ("duplicate_external_id", "duplicate_external_id")
    assert (wrong["error"], unknown["error"], later["ok"]) == ("not_found", "not_found", True)


async def test_a_view_of_more_than_250_kilobytes_is_too_large(slackbox):
    large = modal(*(section("é" * 2990) for _ in range(45)))
    assert len(large["blocks"]) <= 100
    async with bot_on(slackbox) as bot:
        opened = await bot.call("views.open", trigger_id=await trigger_of(slackbox, bot), view=large)
        view = await open_modal(slackbox, bot, modal(*large["blocks"][:40]))
        updated = await bot.call("views.update", view_id=view["id"], view=large)
        published = await bot.call("views.publish", user_id="U0ANA", view={"type": "home", "blocks": large["blocks"]})
    assert {opened["error"], updated["error"], published["error"]} == {"view_too_large"}


async def test_what_was_entered_stays_only_where_block_id_and_action_id_stay(slackbox):
    def form(block_id, action_id, **more):
        kept = input_block("kept", "plain_text_input")
        return modal(kept, input_block(block_id, "plain_text_input", action_id=action_id, **more))

    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, form("b", "it"))
        values = {"kept": {"it": "typed"}, "b": {"it": "typed too"}}
        await slackbox.fill(user="ana", view_id=view["id"], values=values)
        states = []
        # The same ids keep what was typed even against a new initial value, as in Slack's client.
        for ids, more in [(("b", "it"), {"initial_value": "new"}), (("b", "other"), {}), (("c", "other"), {})]:
            await slackbox.fill(user="ana", view_id=view["id"], values={})
            await bot.call("views.update", view_id=view["id"], view=form(*ids, **more))
            states.append((await slackbox.views("ana"))["stack"][0]["state"]["values"])
    assert states[0] == {
        "kept": {"it": {"type": "plain_text_input", "value": "typed"}},
        "b": {"it": {"type": "plain_text_input", "value": "typed too"}},
    }
    assert states[1]["b"] == {"other": {"type": "plain_text_input", "value": None}}
    assert (states[2]["kept"]["it"]["value"], states[2]["c"]["other"]["value"]) == ("typed", None)


async def test_a_choice_does_not_outlive_its_option_or_its_kind(slackbox):
    def form(kind, *values):
        return modal(input_block("b", kind, options=options(*values)))

    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, form("static_select", "deploy", "data"))
        await slackbox.fill(user="ana", view_id=view["id"], values={"b": {"it": "data"}})
        await bot.call("views.update", view_id=view["id"], view=form("static_select", "data", "load"))
        same = (await slackbox.views("ana"))["stack"][0]["state"]["values"]["b"]["it"]
        await bot.call("views.update", view_id=view["id"], view=form("static_select", "load"))
        gone = (await slackbox.views("ana"))["stack"][0]["state"]["values"]["b"]["it"]
    assert (same["selected_option"]["value"], gone["selected_option"]) == ("data", None)


async def test_an_empty_acknowledgement_closes_the_view_and_shows_the_one_below(slackbox):
    async with bot_on(slackbox) as bot:
        await open_modal(slackbox, bot, named("one"))
        top = (await push(slackbox, bot, named("two")))["view"]
        answer = await slackbox.submit(user="ana", view_id=top["id"])
    assert (answer["acked"], answer["errors"], answer["failure"]) == (True, {}, None)
    assert answer["view"]["callback_id"] == "one"
    assert await stack_of(slackbox) == ["one"]


async def test_clear_closes_the_whole_stack(slackbox):
    async with bot_on(slackbox) as bot:
        await open_modal(slackbox, bot, named("one"))
        top = (await push(slackbox, bot, named("two")))["view"]
        bot.answers["view_submission"] = {"response_action": "clear"}
        answer = await slackbox.submit(user="ana", view_id=top["id"])
    assert (answer["view"], await stack_of(slackbox)) == (None, [])
    assert bot.of("view_closed") == []


async def test_update_and_push_show_the_view_of_the_acknowledgement(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))
        bot.answers["view_submission"] = {"response_action": "update", "view": named("two")}
        updated = await slackbox.submit(user="ana", view_id=view["id"])
        bot.answers["view_submission"] = {"response_action": "push", "view": named("three")}
        pushed = await slackbox.submit(user="ana", view_id=view["id"])
    assert (updated["view"]["id"], updated["view"]["callback_id"]) == (view["id"], "two")
    assert pushed["view"]["previous_view_id"] == view["id"]
    assert await stack_of(slackbox) == ["two", "three"]


async def test_errors_keep_the_view_and_stand_under_the_inputs_they_name(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("cause", "plain_text_input")))
        bot.answers["view_submission"] = {"response_action": "errors", "errors": {"cause": "Say more."}}
        answer = await slackbox.submit(user="ana", view_id=view["id"], values={"cause": {"it": "x"}})
        assert (answer["errors"], answer["failure"]) == ({"cause": "Say more."}, None)
        bot.answers.clear()
        again = await slackbox.submit(user="ana", view_id=view["id"])
    assert again["view"] is None
    assert bot.of("view_submission")[1]["view"]["state"]["values"]["cause"]["it"]["value"] == "x"


@pytest.mark.parametrize(
    "errors",
    [{"nowhere": "No."}, {"note": "This is no input."}, {"cause": "Right.", "nowhere": "No."}, {"it": "An action."}],
)
async def test_errors_for_blocks_that_are_no_inputs_are_recorded_and_fail_for_the_person(slackbox, errors):
    async with bot_on(slackbox) as bot:
        form = modal(input_block("cause", "plain_text_input"), section("x", block_id="note"))
        view = await open_modal(slackbox, bot, form)
        bot.answers["view_submission"] = {"response_action": "errors", "errors": errors}
        answer = await slackbox.submit(user="ana", view_id=view["id"], values={"cause": {"it": "x"}})
    assert (answer["acked"], answer["errors"], answer["failure"]) == (True, {}, TROUBLE)
    assert len(slackbox.violations("error_for_unknown_block")) == 1
    assert len((await slackbox.views("ana"))["stack"]) == 1


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({"response_action": "shut"}, "unknown_response_action"),
        ({"text": "thanks"}, "unknown_response_action"),
        ({"response_action": "errors", "errors": {}}, "no_errors_in_ack"),
        ({"response_action": "update"}, "invalid_view_in_ack"),
        ({"response_action": "update", "view": {"type": "modal", "blocks": []}}, "invalid_view_in_ack"),
    ],
    ids=["an unknown word", "a text", "no errors", "no view", "a view that is wrong"],
)
async def test_an_acknowledgement_slack_cannot_use_is_recorded_and_fails_for_the_person(slackbox, answer, rule):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))
        bot.answers["view_submission"] = answer
        shown = await slackbox.submit(user="ana", view_id=view["id"])
    assert (shown["failure"], shown["view"]["id"]) == (TROUBLE, view["id"])
    assert [each["rule"] for each in slackbox.violations()] == [rule]


async def test_a_submission_that_is_not_acknowledged_shows_a_failure_in_the_modal_and_is_reported():
    async with running(manifest=MANIFEST, ack_seconds=0.1) as box, bot_on(box) as bot:
        view = await open_modal(box, bot, named("one"))
        bot.answers["view_submission"] = SILENT
        answer = await box.submit(user="ana", view_id=view["id"])
        assert (answer["acked"], answer["failure"], answer["view"]["id"]) == (False, TROUBLE, view["id"])
        assert await stack_of(box) == ["one"]
        assert [each["payload"]["type"] for each in box.forgive_unacked()] == ["view_submission"]


async def test_what_the_app_opens_before_it_acknowledges_a_submission_stays_open(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))

        async def open_another(payload):
            await bot.call("views.open", trigger_id=payload["trigger_id"], view=named("two"))

        bot.answers["view_submission"] = open_another
        answer = await slackbox.submit(user="ana", view_id=view["id"])
    assert answer["view"]["callback_id"] == "two"
    assert await stack_of(slackbox) == ["two"]


async def test_a_view_without_a_submit_button_cannot_be_submitted(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, {"type": "modal", "title": samples.plain("x"), "blocks": [section("x")]})
        with pytest.raises(WorldError, match="no Submit button"):
            await slackbox.submit(user="ana", view_id=view["id"])


async def test_cancel_closes_one_view_and_tells_only_the_app_that_asked(slackbox):
    async with bot_on(slackbox) as bot:
        await open_modal(slackbox, bot, named("one"))
        top = (await push(slackbox, bot, named("two", notify_on_close=True, private_metadata="m")))["view"]
        await slackbox.close_view(user="ana", view_id=top["id"])
        [closed] = bot.of("view_closed")
        assert (closed["is_cleared"], closed["view"]["private_metadata"]) == (False, "m")
        [below] = (await slackbox.views("ana"))["stack"]
        await slackbox.close_view(user="ana", view_id=below["id"])
    assert len(bot.of("view_closed")) == 1
    assert await stack_of(slackbox) == []


@pytest.mark.parametrize("how", ["the X", "clear_on_close"])
async def test_closing_the_whole_stack_says_is_cleared_for_each_view_that_asked(slackbox, how):
    async with bot_on(slackbox) as bot:
        await open_modal(slackbox, bot, named("one", notify_on_close=True))
        await push(slackbox, bot, named("two"))
        last = named("three", notify_on_close=True, clear_on_close=how == "clear_on_close")
        top = (await push(slackbox, bot, last))["view"]
        await slackbox.close_view(user="ana", view_id=top["id"], everything=how == "the X")
    closed = [(each["view"]["callback_id"], each["is_cleared"]) for each in bot.of("view_closed")]
    assert closed == [("three", True), ("one", True)]
    assert await stack_of(slackbox) == []


async def test_a_closed_view_can_be_neither_updated_nor_used(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, named("one"))
        await slackbox.close_view(user="ana", view_id=view["id"])
        late = await bot.call("views.update", view_id=view["id"], view=named("two"))
        with pytest.raises(WorldError, match="no open view"):
            await slackbox.press_in_view(user="ana", view_id=view["id"], action_id="go")
    assert late["error"] == "not_found"


async def test_a_submission_brings_a_response_url_for_a_conversation_whose_menu_asks_for_one(slackbox):
    form = modal(
        input_block("where", "conversations_select", response_url_enabled=True, default_to_current_conversation=True)
    )
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, form)
        await slackbox.submit(user="ana", view_id=view["id"])
        [place] = bot.of("view_submission")[0]["response_urls"]
        await bot.respond(place["response_url"], text="recorded", response_type="in_channel")
    assert (place["block_id"], place["action_id"], place["channel_id"]) == ("where", "it", "C0ALERTS")
    assert [each["text"] for each in await slackbox.messages("alerts")][-1] == "recorded"


async def test_a_press_in_a_modal_carries_the_view_as_it_was_with_what_was_entered(slackbox):
    async with bot_on(slackbox) as bot:
        form = modal(input_block("cause", "plain_text_input"), actions("a", go()))
        view = await open_modal(slackbox, bot, form)
        await slackbox.fill(user="ana", view_id=view["id"], values={"cause": {"it": "half"}})
        await slackbox.press_in_view(user="ana", view_id=view["id"], action_id="go")
        await bot.call("views.update", view_id=view["id"], view=named("two"))
    [payload] = bot.of("block_actions")
    assert payload["view"]["state"]["values"]["cause"]["it"]["value"] == "half"
    assert (payload["view"]["hash"], payload["view"]["id"]) == (view["hash"], view["id"])
    assert "response_url" not in payload


async def test_opening_a_modal_from_a_message_replaces_the_one_that_was_open(slackbox):
    async with bot_on(slackbox) as bot:
        await open_modal(slackbox, bot, named("one"))
        ts = await post_blocks(bot, actions("a", go()))
        await slackbox.press(user="ana", channel="alerts", ts=ts, action_id="go")
        await bot.call("views.open", trigger_id=bot.of("block_actions")[0]["trigger_id"], view=named("two"))
    assert await stack_of(slackbox) == ["two"]
