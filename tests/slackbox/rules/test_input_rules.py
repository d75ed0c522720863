"""Rule 16, inputs: what Slack's client refuses before the app hears of it, and the form in which values arrive."""

import pytest

from slackbox.elements import InputError
from slackbox.errors import SlackboxError, WorldError
from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import (
    SILENT,
    actions,
    bot_on,
    go,
    input_block,
    modal,
    open_modal,
    options,
    section,
)
from tests.slackbox.samples import rich

pytestmark = pytest.mark.slack_rule(16)
REQUIRED = "Please complete this required field."
CHOICES = {"options": options("a", "b", "c")}
GROUPS = {"option_groups": [{"label": {"type": "plain_text", "text": "One"}, **CHOICES}]}

# Element, what a person enters, and what arrives under which field.
KINDS = [
    ("plain_text_input", {"multiline": True}, "two\nlines", "value", "two\nlines"),
    ("number_input", {"is_decimal_allowed": True}, "2.5", "value", "2.5"),
    ("email_text_input", {}, "ana@example.com", "value", "ana@example.com"),
    ("url_text_input", {}, "https://example.com/a?b", "value", "https://example.com/a?b"),
    ("datepicker", {}, "2026-11-23", "selected_date", "2026-11-23"),
    ("timepicker", {}, "23:59", "selected_time", "23:59"),
    ("datetimepicker", {}, 1795424400, "selected_date_time", 1795424400),
    ("static_select", CHOICES, "b", "selected_option", CHOICES["options"][1]),
    ("static_select", GROUPS, "c", "selected_option", CHOICES["options"][2]),
    ("radio_buttons", CHOICES, "a", "selected_option", CHOICES["options"][0]),
    ("users_select", {}, "ana", "selected_user", "U0ANA"),
    ("conversations_select", {}, "alerts", "selected_conversation", "C0ALERTS"),
    ("channels_select", {}, "#digest", "selected_channel", "C0DIGEST"),
    ("multi_static_select", CHOICES, ["a", "c"], "selected_options", [CHOICES["options"][0], CHOICES["options"][2]]),
    ("multi_users_select", {}, ["ana", "U0BEN"], "selected_users", ["U0ANA", "U0BEN"]),
    ("multi_conversations_select", {}, ["alerts"], "selected_conversations", ["C0ALERTS"]),
    ("multi_channels_select", {}, ["alerts", "digest"], "selected_channels", ["C0ALERTS", "C0DIGEST"]),
    ("checkboxes", CHOICES, ["b"], "selected_options", [CHOICES["options"][1]]),
    ("rich_text_input", {}, "plain words", "rich_text_value", rich("plain words")),
    ("rich_text_input", {}, rich("rich"), "rich_text_value", rich("rich")),
]


@pytest.mark.parametrize(
    ("kind", "element", "entered", "name", "arrives"), KINDS, ids=[f"{each[0]}-{n}" for n, each in enumerate(KINDS)]
)
async def test_every_kind_of_input_is_filled_and_arrives_in_its_form(slackbox, kind, element, entered, name, arrives):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("b", kind, **element)))
        empty = await slackbox.submit(user="ana", view_id=view["id"])
        assert (empty["acked"], empty["errors"]) == (False, {"b": REQUIRED})
        assert bot.of("view_submission") == []
        answer = await slackbox.submit(user="ana", view_id=view["id"], values={"b": {"it": entered}})
    assert (answer["acked"], answer["errors"]) == (True, {})
    assert bot.of("view_submission")[0]["view"]["state"]["values"] == {"b": {"it": {"type": kind, name: arrives}}}


async def test_an_optional_input_may_stay_empty(slackbox):
    async with bot_on(slackbox) as bot:
        form = modal(
            input_block("text", "plain_text_input", optional=True, min_length=5),
            input_block("boxes", "checkboxes", optional=True, **CHOICES),
        )
        view = await open_modal(slackbox, bot, form)
        assert (await slackbox.submit(user="ana", view_id=view["id"]))["acked"]
    values = bot.of("view_submission")[0]["view"]["state"]["values"]
    assert values["text"]["it"] == {"type": "plain_text_input", "value": None}
    assert values["boxes"]["it"] == {"type": "checkboxes", "selected_options": []}


REFUSED = [
    ("plain_text_input", {"min_length": 3}, "ab", "3 or more characters"),
    ("plain_text_input", {"max_length": 3}, "abcd", "3 or fewer characters"),
    ("plain_text_input", {}, "x" * 3001, "3000 or fewer characters"),
    ("number_input", {"is_decimal_allowed": False}, "1.5", "without decimals"),
    ("number_input", {"is_decimal_allowed": False}, "1e-2", "without decimals"),
    ("number_input", {"is_decimal_allowed": True}, "many", "enter a number"),
    ("number_input", {"is_decimal_allowed": True}, "NaN", "enter a number"),
    ("number_input", {"is_decimal_allowed": False, "min_value": "1"}, "0", "1 or more"),
    ("number_input", {"is_decimal_allowed": True, "max_value": "9.5"}, "9.6", "9.5 or less"),
    ("email_text_input", {}, "ana", "valid email"),
    ("email_text_input", {}, "ana@example", "valid email"),
    ("url_text_input", {}, "example.com", "valid URL"),
    ("url_text_input", {}, "https://", "valid URL"),
    ("rich_text_input", {}, rich("  "), "required"),
]


@pytest.mark.parametrize(("kind", "element", "entered", "words"), REFUSED)
async def test_what_the_client_refuses_stands_under_the_input_and_is_not_sent(slackbox, kind, element, entered, words):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("b", kind, **element)))
        answer = await slackbox.submit(user="ana", view_id=view["id"], values={"b": {"it": entered}})
    assert not answer["acked"]
    assert words in answer["errors"]["b"]
    assert bot.of("view_submission") == []


@pytest.mark.parametrize(
    ("kind", "element", "entered"),
    [
        ("plain_text_input", {"min_length": 3, "max_length": 3}, "abc"),
        ("number_input", {"is_decimal_allowed": False, "min_value": "-2", "max_value": "2"}, "-2"),
        ("number_input", {"is_decimal_allowed": True, "max_value": "9.5"}, "9.5"),
    ],
)
async def test_the_bounds_themselves_are_allowed(slackbox, kind, element, entered):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("b", kind, **element)))
        assert (await slackbox.submit(user="ana", view_id=view["id"], values={"b": {"it": entered}}))["acked"]


IMPOSSIBLE = [
    ("static_select", CHOICES, "d", "no option 'd'"),
    ("checkboxes", CHOICES, ["a", "d"], "no option 'd'"),
    ("multi_static_select", CHOICES | {"max_selected_items": 1}, ["a", "b"], "no more than 1"),
    ("multi_channels_select", {"max_selected_items": 1}, ["alerts", "digest"], "no more than 1"),
    ("datepicker", {}, "2026-02-30", "YYYY-MM-DD"),
    ("timepicker", {}, "24:00", "HH:MM"),
    ("datetimepicker", {}, "tomorrow", "ten digits"),
    ("users_select", {}, "anna", "Did you mean ana"),
    ("channels_select", {}, "secret", "public channels only"),
    ("conversations_select", {"filter": {"include": ["private"]}}, "alerts", "does not offer public"),
    ("rich_text_input", {}, {"type": "rich_text", "elements": [{"type": "nonsense"}]}, "rich_text"),
    ("external_select", {}, "x", "it has: none"),
]


@pytest.mark.parametrize(("kind", "element", "entered", "words"), IMPOSSIBLE)
async def test_a_choice_nobody_could_make_is_an_error_that_says_why(kind, element, entered, words):
    async with running(manifest=MANIFEST, private_channels=("secret",)) as box, bot_on(box) as bot:
        view = await open_modal(box, bot, modal(input_block("b", kind, **element)))
        with pytest.raises(SlackboxError, match=words):
            await box.submit(user="ana", view_id=view["id"], values={"b": {"it": entered}})


async def test_a_private_conversation_is_offered_to_its_members_only():
    async with running(manifest=MANIFEST, private_channels=("secret",)) as box, bot_on(box) as bot:
        view = await open_modal(box, bot, modal(input_block("b", "conversations_select")))
        await box.kick(user="ana", channel="secret")
        with pytest.raises(WorldError, match="cannot see it"):
            await box.fill(user="ana", view_id=view["id"], values={"b": {"it": "secret"}})
        await box.invite(user="ana", channel="secret")
        await box.fill(user="ana", view_id=view["id"], values={"b": {"it": "secret"}})


async def test_a_value_for_an_input_that_is_not_there_names_the_nearest(slackbox):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("cause", "plain_text_input", action_id="text")))
        with pytest.raises(InputError, match="Did you mean cause"):
            await slackbox.submit(user="ana", view_id=view["id"], values={"cuase": {"text": "x"}})
        with pytest.raises(InputError, match="Did you mean text"):
            await slackbox.fill(user="ana", view_id=view["id"], values={"cause": {"txt": "x"}})


async def test_initial_values_are_submitted_when_nobody_touches_them(slackbox):
    initial = {
        "plain_text_input": {"initial_value": "as before"},
        "datepicker": {"initial_date": "2026-11-23"},
        "static_select": CHOICES | {"initial_option": CHOICES["options"][1]},
        "multi_users_select": {"initial_users": ["U0BEN"]},
        "multi_conversations_select": {"default_to_current_conversation": True},
        "datetimepicker": {"initial_date_time": 1795424400},
        "rich_text_input": {"initial_value": rich("said")},
    }
    async with bot_on(slackbox) as bot:
        form = modal(*(input_block(kind, kind, **element) for kind, element in initial.items()))
        view = await open_modal(slackbox, bot, form)
        assert (await slackbox.submit(user="ana", view_id=view["id"]))["acked"]
    values = {name: entry["it"] for name, entry in bot.of("view_submission")[0]["view"]["state"]["values"].items()}
    assert values["plain_text_input"]["value"] == "as before"
    assert values["datepicker"]["selected_date"] == "2026-11-23"
    assert values["static_select"]["selected_option"] == CHOICES["options"][1]
    assert values["multi_users_select"]["selected_users"] == ["U0BEN"]
    assert values["multi_conversations_select"]["selected_conversations"] == ["C0ALERTS"]
    assert values["datetimepicker"]["selected_date_time"] == 1795424400
    assert values["rich_text_input"]["rich_text_value"] == rich("said")


async def test_files_are_counted_typed_and_described(slackbox):
    async with bot_on(slackbox) as bot:
        form = modal(input_block("b", "file_input", filetypes=["log", "txt"], max_files=2))
        view = await open_modal(slackbox, bot, form)
        put = {"user": "ana", "view_id": view["id"]}
        for files, words in [
            (["a.txt", "b.txt", "c.txt"], "no more than 2 files"),
            (["a.png"], "type log, txt"),
            ([{"name": "a.txt", "content": "x" * 10_000_001}], "up to 10000000 bytes"),
        ]:
            with pytest.raises(InputError, match=words):
                await slackbox.submit(**put, values={"b": {"it": files}})
        content = {"name": "b.txt", "content": "line"}
        assert (await slackbox.submit(**put, values={"b": {"it": ["a.log", content]}}))["acked"]
    files = bot.of("view_submission")[0]["view"]["state"]["values"]["b"]["it"]["files"]
    assert [(each["name"], each["size"], each["user"]) for each in files] == [
        ("a.log", 0, "U0ANA"),
        ("b.txt", 4, "U0ANA"),
    ]
    assert len({each["id"] for each in files}) == 2


async def test_an_input_tells_the_app_before_the_submission_only_with_dispatch_action(slackbox):
    async with bot_on(slackbox) as bot:
        form = modal(
            input_block("quiet", "static_select", **CHOICES),
            input_block("menu", "static_select", dispatch=True, **CHOICES),
            input_block("enter", "plain_text_input", dispatch=True),
            input_block(
                "each",
                "plain_text_input",
                dispatch=True,
                dispatch_action_config={"trigger_actions_on": ["on_character_entered"]},
            ),
            section("here", block_id="side", accessory={"type": "datepicker", "action_id": "day"}),
        )
        view = await open_modal(slackbox, bot, form)
        on = {"user": "ana", "view_id": view["id"]}
        with pytest.raises(WorldError, match="dispatch_action"):
            await slackbox.press_in_view(**on, action_id="it", block_id="quiet", value="a")
        values = {"quiet": {"it": "a"}, "menu": {"it": "b"}, "enter": {"it": "typed"}, "each": {"it": "x"}}
        filled = await slackbox.fill(**on, values=values | {"side": {"day": "2026-11-23"}})
        await slackbox.press_in_view(**on, action_id="it", block_id="enter")
    told = [each["actions"][0] for each in bot.of("block_actions")]
    assert (filled["acked"], filled["sent"]) == (True, 3)
    assert [each["block_id"] for each in told] == ["menu", "each", "side", "enter"]
    assert (told[3]["value"], told[2]["selected_date"]) == ("typed", "2026-11-23")
    assert bot.of("block_actions")[0]["view"]["state"]["values"]["quiet"]["it"]["selected_option"]["value"] == "a"


async def test_an_external_menu_asks_from_min_query_length_on_and_takes_only_what_was_offered(slackbox):
    async with bot_on(slackbox) as bot:
        form = modal(
            input_block("b", "multi_external_select", max_selected_items=2, initial_options=options("kept")),
            input_block("s", "external_select", optional=True, min_query_length=0),
        )
        view = await open_modal(slackbox, bot, form)
        ask = {"user": "ana", "view_id": view["id"], "action_id": "it"}
        groups = [{"label": {"type": "plain_text", "text": "Services"}, "options": options("cart", "checkout")}]
        bot.answers["block_suggestion"] = {"option_groups": groups}
        short = await slackbox.suggest(**ask, block_id="b", query="ca")
        found = await slackbox.suggest(**ask, block_id="b", query="car")
        bot.answers["block_suggestion"] = {"options": []}
        nothing = await slackbox.suggest(**ask, block_id="s")
        await slackbox.submit(user="ana", view_id=view["id"], values={"b": {"it": ["kept", "cart"]}})
    assert (short["sent"], short["options"]) == (False, [])
    assert found["option_groups"] == groups
    assert (nothing["sent"], nothing["acked"], nothing["options"]) == (True, True, [])
    first, second = bot.of("block_suggestion")
    assert (first["value"], first["action_id"], first["block_id"], second["value"]) == ("car", "it", "b", "")
    assert first["container"] == {"type": "view", "view_id": view["id"]}
    assert first["view"]["id"] == view["id"]
    chosen = bot.of("view_submission")[0]["view"]["state"]["values"]["b"]["it"]["selected_options"]
    assert [each["value"] for each in chosen] == ["kept", "cart"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"options": options(*(f"o{n}" for n in range(101)))},
        {"options": options("a"), "option_groups": []},
        {"options": [{"text": "a", "value": "a"}]},
        {"options": "a"},
    ],
    ids=["nothing", "more than a hundred", "options and groups", "a text that is no object", "no list"],
)
async def test_suggested_options_keep_the_rules_of_a_menu_or_are_recorded_and_not_shown(slackbox, answer):
    async with bot_on(slackbox) as bot:
        view = await open_modal(slackbox, bot, modal(input_block("b", "external_select")))
        bot.answers["block_suggestion"] = answer
        found = await slackbox.suggest(user="ana", view_id=view["id"], action_id="it", query="abc")
    assert (found["acked"], found["options"], found["option_groups"]) == (True, [], [])
    assert [each["rule"] for each in slackbox.violations()] == ["invalid_options_in_ack"]


async def test_suggestions_that_are_not_acknowledged_show_nothing_and_are_reported():
    async with running(manifest=MANIFEST, ack_seconds=0.1) as box, bot_on(box) as bot:
        view = await open_modal(box, bot, modal(input_block("b", "external_select"), actions("a", go())))
        bot.answers["block_suggestion"] = SILENT
        found = await box.suggest(user="ana", view_id=view["id"], action_id="it", query="abc")
        assert (found["sent"], found["acked"], found["options"]) == (True, False, [])
        assert [each["payload"]["type"] for each in box.forgive_unacked()] == ["block_suggestion"]
        with pytest.raises(InputError, match="only external menus"):
            await box.suggest(user="ana", view_id=view["id"], action_id="go", query="abc")
