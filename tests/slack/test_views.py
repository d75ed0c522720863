"""What the bot says: golden files, Slack's limits for any words, nothing that pings or formats."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.views import Message, plain_variant, render, replies
from slackbox import limits
from slackbox.blocks import count_characters, find_view_problems, validate_blocks
from tests.slack import (
    acting_situations,
    digest_situations,
    level_situations,
    outcome_situations,
    samples,
    situations,
)

GOLDEN = Path(__file__).parent / "golden"
CONTENTS = (
    situations.contents()
    | acting_situations.contents()
    | outcome_situations.contents()
    | level_situations.contents()
    | digest_situations.contents()
)
VIEWS = acting_situations.views() | outcome_situations.views()
REPLIES = {
    "reply_help": replies.help_message("/aiops"),
    "reply_unknown": replies.help_message("/aiops", "frobnicate<!here>"),
    "reply_status": replies.status_message(samples.status_report()),
    "reply_status_quiet": replies.status_message(
        samples.status_report(
            counts=replace(
                samples.status_report().counts, open_incidents=0, running=0, queued=0, last_delivery_at=None
            ),
            open_incidents=(),
            tools={},
        )
    ),
    "reply_started": replies.triage_started("INC-8"),
    "reply_error": replies.error_message("There is no channel #alrets. Did you mean #alerts?", "1f0c9a2b"),
    "reply_run_again": replies.run_again_message("INC-7", queued=True),
    "reply_run_again_busy": replies.run_again_message("INC-7", queued=False),
    "reply_usage": replies.usage_message("/aiops", "triage", "<text or link>"),
}
RENDERED = {name: render(content) for name, content in CONTENTS.items()} | REPLIES | acting_situations.replies()
# What Slack would act on: mentions, broadcasts, channel links, and links that are not web pages.
ACTED_ON = re.compile(r"<(?:[@#]|!(?!date\^)|(?!https?://|!date\^))")


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts(part)]
    return []


def mrkdwn_texts(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [text for part in value.values() for text in mrkdwn_texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in mrkdwn_texts(part)]
    return []


def as_json(message: Message) -> dict[str, object]:
    return json.loads(json.dumps({"text": message.text, "blocks": message.blocks}))


def problems(message: Message) -> list[str]:
    blocks = as_json(message)["blocks"]
    found = validate_blocks(blocks)
    if count_characters(blocks) > limits.MESSAGE_BLOCK_CHARACTERS:
        found.append("too many characters in all blocks")
    if not 0 < len(message.text) <= limits.UPDATE_TEXT:
        found.append(f"text has {len(message.text)} characters")
    return found


@pytest.mark.parametrize("name", RENDERED)
def test_a_message_reads_as_its_golden_file(name):
    golden = GOLDEN / f"{name}.json"
    shown = as_json(RENDERED[name])
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert json.loads(golden.read_text(encoding="utf-8")) == shown


def test_every_golden_file_belongs_to_a_message():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(RENDERED) | set(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_modal_or_home_tab_reads_as_its_golden_file_and_slack_takes_it(name):
    golden = GOLDEN / f"{name}.json"
    shown = json.loads(json.dumps(VIEWS[name]))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert shown == json.loads(golden.read_text(encoding="utf-8"))
    assert find_view_problems(shown) == []
    for text in mrkdwn_texts(shown):
        assert not re.search(r"<(?!@U0|https?://|!date\^)[@#!]", text)


@pytest.mark.parametrize("name", RENDERED)
def test_slack_takes_a_message_and_its_plain_variant(name):
    assert problems(RENDERED[name]) == []
    assert problems(plain_variant(RENDERED[name])) == []


@pytest.mark.parametrize("name", RENDERED)
def test_the_plain_variant_has_no_newer_blocks(name):
    kinds = {block["type"] for block in plain_variant(RENDERED[name]).blocks}

    assert kinds <= {"header", "section", "context", "actions"}


@pytest.mark.parametrize("name", [name for name in RENDERED if "hostile" in name or "unknown" in name])
def test_hostile_words_neither_ping_nor_link_nor_format(name):
    for message in (RENDERED[name], plain_variant(RENDERED[name])):
        for text in [message.text, *mrkdwn_texts(message.blocks)]:
            assert ACTED_ON.findall(text) == []
            outside_code = re.sub(r"`[^`]*`", "", text)
            assert "`" not in outside_code
            assert "*bold*" not in outside_code
            assert "<https://evil.example|click>" not in text
        joined = "".join(texts(message.blocks))
        assert "<!here" not in joined
        assert "\u202e" not in joined
        assert not [text for text in joined.split() if text.startswith("javascript:")]


def test_long_packs_say_how_much_is_not_shown():
    assert any("…and" in text and "more" in text for text in texts(RENDERED["evidence_hostile"].blocks))


def test_an_abstaining_card_says_so_first():
    assert RENDERED["hypothesis_unknown"].blocks[0]["text"]["text"] == "No conclusion yet"
    assert RENDERED["hypothesis_empty"].blocks[0]["text"]["text"] == "No conclusion yet"
    assert RENDERED["hypothesis_healthy"].blocks[0]["text"]["text"] == "Nothing looks wrong"


def test_low_confidence_is_called_possible_and_not_likely():
    unsure = samples.leader(confidence=replace(samples.leader().confidence, value=0.3))

    message = render(samples.hypothesis_card(samples.assessment(hypotheses=(unsure,))))

    assert message.blocks[0]["text"]["text"].startswith("Possible cause: ")
    assert "Low confidence, 30 %" in message.text


def test_the_buttons_run_the_investigation_again_and_record_the_root_cause():
    buttons = [
        element
        for block in RENDERED["hypothesis"].blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]

    assert [(button["action_id"], button["value"]) for button in buttons] == [
        ("run_again", "INC-7"),
        ("label_outcome", "INC-7"),
    ]


def test_a_resolved_alert_says_how_long_it_lasted():
    assert RENDERED["alert_resolved"].text == "Resolved: PaymentErrorsHigh on payments. Resolved after 12 min."


ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)
SHAPES = (str, lambda text: text * 60, lambda text: f"<!here>{text}*`", lambda text: "&" * 3000 + text, lambda _: "")


def with_words(value: object, words: Iterator[str]) -> object:
    """The same value with every free text in it replaced by the next word."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: with_words(getattr(value, field.name), words) for field in fields(value)})
    if type(value) is str:
        return next(words)
    if isinstance(value, tuple):
        return tuple(with_words(part, words) for part in value)
    if isinstance(value, dict):
        return {key: with_words(part, words) for key, part in value.items()}
    return value


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CONTENTS)), st.lists(ANY_TEXT, min_size=1, max_size=4), st.integers(0, 4))
def test_no_words_make_a_message_that_slack_refuses(name, texts_drawn, offset):
    words = (SHAPES[(n + offset) % len(SHAPES)](texts_drawn[n % len(texts_drawn)]) for n in itertools.count())
    message = render(with_words(CONTENTS[name], words))

    for each in (message, plain_variant(message)):
        assert problems(each) == []
        for text in [each.text, *mrkdwn_texts(each.blocks)]:
            assert ACTED_ON.findall(text) == []
