"""Rules 27, 28 and 29 as an app meets them: over the Web API, with Slack's codes, and in the journal."""

import json

import httpx
import pytest

from slackbox import limits
from tests.slackbox import samples
from tests.slackbox.samples import cell, mrkdwn, plain

TABLE = {"type": "table", "rows": [[cell("a")]]}
CHART = samples.digest()[1]
IMAGE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "error rate"}


def section(size=5):
    return {"type": "section", "text": mrkdwn("x" * size)}


async def call(box, method, **args):
    """What a method answers to the bot, refusals too."""
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"authorization": f"Bearer {box.bot_token}"}
        return (await client.post(f"{box.api_url}{method}", json=args, headers=headers)).json()


async def post(box, *, text="x", **content):
    return await call(box, "chat.postMessage", channel="C0ALERTS", text=text, **content)


async def validate(box, **request):
    """What blocks.validate answers to a call without a token."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(f"{box.api_url}blocks.validate", **request)).json()


def rules_broken(box):
    return [entry["rule"] for entry in box.violations()]


# ---- rule 27


@pytest.mark.slack_rule(27)
@pytest.mark.parametrize("text", [None, "", "  "])
async def test_blocks_without_a_text_to_fall_back_on_are_shown_but_are_a_violation(slackbox, text):
    assert (await post(slackbox, text=text, blocks=[section()]))["ok"]

    assert rules_broken(slackbox) == ["missing_text_fallback"]


@pytest.mark.slack_rule(27)
async def test_an_edit_needs_a_text_to_fall_back_on_too(slackbox):
    ts = (await post(slackbox, blocks=[section()]))["ts"]
    await call(slackbox, "chat.update", channel="C0ALERTS", ts=ts, blocks=[section()])

    (broken,) = slackbox.violations("missing_text_fallback")
    assert broken["method"] == "chat.update"


@pytest.mark.slack_rule(27)
async def test_blocks_in_an_attachment_need_a_text_or_a_fallback_of_their_own(slackbox):
    assert (await post(slackbox, text="", attachments=[{"blocks": [section()], "fallback": "x"}]))["ok"]
    assert rules_broken(slackbox) == []
    assert (await post(slackbox, text="", attachments=[{"blocks": [section()]}]))["ok"]
    assert rules_broken(slackbox) == ["missing_text_fallback"]


@pytest.mark.slack_rule(27)
async def test_a_text_beside_the_blocks_and_markdown_text_alone_are_no_violation(slackbox):
    assert (await post(slackbox, blocks=[section()]))["ok"]
    assert (await call(slackbox, "chat.postMessage", channel="C0ALERTS", markdown_text="**x**"))["ok"]
    assert rules_broken(slackbox) == []


@pytest.mark.slack_rule(27)
@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        ([IMAGE | {"alt_text": ""}], "/blocks/0/alt_text"),
        ([{"type": "context", "elements": [IMAGE | {"alt_text": ""}]}], "/blocks/0/elements/0/alt_text"),
        ([samples.VIDEO | {"alt_text": ""}], "/blocks/0/alt_text"),
    ],
)
async def test_an_empty_alt_text_is_refused_and_a_violation(slackbox, blocks, pointer):
    answer = await post(slackbox, blocks=blocks)

    assert answer["error"] == "invalid_blocks"
    assert any(pointer in message for message in answer["response_metadata"]["messages"])
    assert rules_broken(slackbox) == ["empty_alt_text"]


@pytest.mark.slack_rule(27)
async def test_an_alt_text_of_blanks_is_accepted_and_a_violation(slackbox):
    assert (await post(slackbox, blocks=[IMAGE | {"alt_text": " "}]))["ok"]

    assert rules_broken(slackbox) == ["empty_alt_text"]


@pytest.mark.slack_rule(27)
async def test_an_empty_alt_text_on_a_home_tab_is_refused(slackbox):
    view = {"type": "home", "blocks": [IMAGE | {"alt_text": ""}]}
    answer = await call(slackbox, "views.publish", user_id="U0ANA", view=view)

    assert answer["error"] == "invalid_arguments"
    assert "[json-pointer:/view/blocks/0/alt_text]" in answer["response_metadata"]["messages"][0]


# ---- rule 28: what holds for a whole message or call


@pytest.mark.slack_rule(28)
async def test_blocks_that_are_too_long_in_all_are_refused_with_a_code_of_their_own(slackbox):
    whole = [section(2_200) for _ in range(6)]
    assert sum(len(block["text"]["text"]) for block in whole) == limits.MESSAGE_BLOCK_CHARACTERS

    assert (await post(slackbox, blocks=whole))["ok"]
    assert (await post(slackbox, blocks=[*whole, section(1)]))["error"] == "msg_blocks_too_long"


@pytest.mark.slack_rule(28)
async def test_the_blocks_of_attachments_count_with_those_of_the_message(slackbox):
    whole = [section(2_200) for _ in range(6)]

    assert (await post(slackbox, blocks=whole[:3], attachments=[{"blocks": whole[3:]}]))["ok"]
    assert (await post(slackbox, blocks=whole, attachments=[{"blocks": [section(1)]}]))[
        "error"
    ] == "msg_blocks_too_long"


@pytest.mark.slack_rule(28)
async def test_a_data_table_may_hold_more_than_the_other_blocks_of_a_message(slackbox):
    rows = [[cell("head")], *([[cell("x" * 999)]] * 20)]

    assert (await post(slackbox, blocks=[{"type": "data_table", "caption": "c", "rows": rows}]))["ok"]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([TABLE], [TABLE]),
        ([CHART, CHART], [CHART]),
        ([{"type": "markdown", "text": "x" * 6_000}], [{"type": "markdown", "text": "x" * 6_001}]),
        ([section() | {"block_id": "b"}], [section() | {"block_id": "b"}]),
    ],
    ids=["tables", "charts", "markdown", "block_ids"],
)
async def test_what_is_allowed_once_in_a_message_is_allowed_once_with_its_attachments(slackbox, first, second):
    assert (await post(slackbox, blocks=first))["ok"]
    assert (await post(slackbox, attachments=[{"blocks": first}]))["ok"]
    assert (await post(slackbox, blocks=first, attachments=[{"blocks": second}]))["error"] == "invalid_blocks"
    assert (await post(slackbox, attachments=[{"blocks": first}, {"blocks": second}]))["error"] == "invalid_blocks"


@pytest.mark.slack_rule(28)
async def test_blocks_in_attachments_are_validated_where_they_stand(slackbox):
    answer = await post(slackbox, attachments=[{"text": "a"}, {"blocks": [section(3_001)]}])

    assert answer["error"] == "invalid_blocks"
    assert "[json-pointer:/attachments/1/blocks/0/text/text]" in answer["response_metadata"]["messages"][0]


@pytest.mark.slack_rule(28)
async def test_a_hundred_attachments_are_the_most(slackbox):
    most = limits.MESSAGE_ATTACHMENTS

    assert (await post(slackbox, attachments=[{"text": "a"}] * most))["ok"]
    assert (await post(slackbox, attachments=[{"text": "a"}] * (most + 1)))["error"] == "too_many_attachments"


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"blocks": ["section"]}, "invalid_blocks"),
        ({"attachments": {"text": "a"}}, "invalid_attachments"),
        ({"attachments": ["a"]}, "invalid_attachments"),
        ({"attachments": [{"blocks": "x"}]}, "invalid_blocks"),
    ],
)
async def test_blocks_and_attachments_of_another_shape_are_refused(slackbox, content, code):
    assert (await post(slackbox, **content))["error"] == code


@pytest.mark.slack_rule(28)
async def test_a_text_is_cut_at_its_limit(slackbox):
    await post(slackbox, text="x" * limits.MESSAGE_TEXT + "y")

    (message,) = await slackbox.messages("alerts")
    assert message["text"] == "x" * limits.MESSAGE_TEXT


@pytest.mark.slack_rule(28)
async def test_metadata_has_a_size(slackbox):
    def metadata(size):
        empty = {"event_type": "aiops.x", "event_payload": {"id": ""}}
        return {"event_type": "aiops.x", "event_payload": {"id": "x" * (size - len(json.dumps(empty)))}}

    assert (await post(slackbox, metadata=metadata(limits.METADATA_BYTES)))["ok"]
    assert (await post(slackbox, metadata=metadata(limits.METADATA_BYTES + 1)))["error"] == "metadata_too_large"


@pytest.mark.slack_rule(28)
async def test_a_view_has_a_size(slackbox):
    view = {"type": "home", "private_metadata": "", "blocks": [section()]}
    while (room := limits.VIEW_BYTES - len(json.dumps(view))) > limits.PRIVATE_METADATA:
        view["blocks"].append(section(min(room // 2, 2_900)))
    whole = view | {"private_metadata": "x" * room}
    over = view | {"private_metadata": "x" * (room + 1)}

    assert (await call(slackbox, "views.publish", user_id="U0ANA", view=whole))["ok"]
    assert (await call(slackbox, "views.publish", user_id="U0ANA", view=over))["error"] == "view_too_large"


# ---- rule 28: blocks.validate


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("encoding", ["json", "form", "query"])
async def test_valid_payloads_are_answered_with_ok_and_nothing_else(slackbox, encoding):
    for given in (
        {"blocks": samples.hypothesis()},
        {"message": {"blocks": samples.digest(), "attachments": [{"blocks": [section()]}]}},
        {"view": samples.every_input()},
        {"view": samples.home()},
    ):
        encoded = {name: json.dumps(value) for name, value in given.items()}
        request = {"json": {"json": given}, "form": {"data": encoded}, "query": {"params": encoded}}[encoding]

        assert await validate(slackbox, **request) == {"ok": True}


@pytest.mark.slack_rule(28)
async def test_a_missing_field_is_named_with_a_pointer_to_where_it_is_missing(slackbox):
    answer = await validate(slackbox, json={"blocks": [{"text": plain("x")}]})

    assert answer["ok"] is False
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [
        {"code": "missing_field", "message": "missing required field: type", "field": "type", "pointer": "/0"}
    ]


@pytest.mark.slack_rule(28)
async def test_a_failed_constraint_says_what_was_expected(slackbox):
    blocks = [
        {"type": "section", "text": {"type": "invalid", "text": "x"}},
        {"type": "header", "text": plain("x" * 151)},
    ]
    answer = await validate(slackbox, json={"blocks": blocks})

    wrong, long = answer["errors"]
    assert wrong["code"] == long["code"] == "failed_constraint"
    assert wrong["pointer"] == "/0/text/type"
    assert wrong["message"].startswith("unsupported type: invalid")
    assert wrong["constraint"] == {"type": "enum", "expected": ["mrkdwn", "plain_text"], "got": "invalid"}
    assert long["pointer"] == "/1/text/text"
    assert long["constraint"] == {"type": "max_length", "expected": 150, "got": 151}


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize(
    ("given", "error", "pointer"),
    [
        ({"message": {"blocks": [{"type": "sektion"}]}}, "invalid_message", "/blocks/0/type"),
        (
            {"message": {"attachments": [{"blocks": [{"type": "sektion"}]}]}},
            "invalid_message",
            "/attachments/0/blocks/0/type",
        ),
        ({"message": {"text": "x", "blocks": [section()]}}, "invalid_message", "/text"),
        ({"message": {}}, "invalid_message", ""),
        ({"message": {"attachments": [{"text": "a"}] * 101}}, "invalid_message", "/attachments"),
        ({"view": samples.modal() | {"title": plain("x" * 25)}}, "invalid_view", "/title/text"),
        ({"view": {"type": "home", "blocks": [TABLE, TABLE]}}, "invalid_view", "/blocks"),
        ({"view": {"type": "window", "blocks": []}}, "invalid_view", "/type"),
        ({"blocks": {}}, "invalid_blocks", ""),
        ({"blocks": [section()] * 51}, "invalid_blocks", ""),
    ],
)
async def test_each_kind_of_payload_has_its_own_code_and_root(slackbox, given, error, pointer):
    answer = await validate(slackbox, json=given)

    assert answer["error"] == error
    assert pointer in [each["pointer"] for each in answer["errors"]]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("given", [{}, {"blocks": "[]", "view": "{}"}, {"blocks": "[{"}, {"message": "[{"}])
async def test_exactly_one_payload_of_json_is_asked_for(slackbox, given):
    answer = await validate(slackbox, data=given)

    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"]


@pytest.mark.slack_rule(28)
async def test_a_payload_to_validate_has_a_size(slackbox):
    def filled(size):
        rest = size - len(json.dumps([{"type": "section", "text": plain("")}]))
        return [{"type": "section", "text": plain("x" * rest)}]

    over = await validate(slackbox, json={"blocks": filled(limits.VALIDATE_CHARACTERS + 1)})
    whole = await validate(slackbox, json={"blocks": filled(limits.VALIDATE_CHARACTERS)})

    assert over["error"] == "invalid_arguments"
    assert whole["error"] == "invalid_blocks"


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("name", samples.MESSAGES)
async def test_what_validates_can_be_posted_and_comes_back_with_its_blocks(slackbox, name):
    blocks = samples.MESSAGES[name]()
    assert (await validate(slackbox, json={"blocks": blocks}))["ok"]

    assert (await post(slackbox, blocks=blocks))["ok"]
    (message,) = await slackbox.messages("alerts")
    assert [block["type"] for block in message["blocks"]] == [block["type"] for block in blocks]


# ---- rule 29


@pytest.mark.slack_rule(29)
@pytest.mark.parametrize(
    ("block", "meant"),
    [
        ({"type": "sektion", "text": plain("x")}, "Did you mean section?"),
        (section() | {"accesory": samples.ELEMENTS["button"]}, "Did you mean accessory?"),
        (samples.task("1", "t", "pending") | {"stat": "x"}, "Did you mean status?"),
    ],
)
async def test_an_unknown_type_or_field_refuses_the_whole_message_and_names_the_nearest_known(slackbox, block, meant):
    answer = await post(slackbox, blocks=[section(), block])

    assert answer["error"] == "invalid_blocks"
    assert any(meant in message and "/blocks/1/" in message for message in answer["response_metadata"]["messages"])
    assert await slackbox.messages("alerts") == []


@pytest.mark.slack_rule(29)
async def test_an_edit_with_an_unknown_block_changes_nothing(slackbox):
    ts = (await post(slackbox, text="before"))["ts"]
    edit = {"channel": "C0ALERTS", "ts": ts, "text": "after", "blocks": [{"type": "hologram"}]}

    assert (await call(slackbox, "chat.update", **edit))["error"] == "invalid_blocks"
    assert (await slackbox.messages("alerts"))[0]["text"] == "before"
