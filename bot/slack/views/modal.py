"""Modals as data."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NotRequired, TypedDict

from bot.core.text import clip
from bot.slack.views import blocks as b

TITLE_LIMIT: Final = 24
_INPUT_LIMIT: Final = 2_000
METADATA_LIMIT: Final = 3_000


class View(TypedDict):
    """What views.open and a response_action take."""

    type: Literal["modal"]
    callback_id: str
    title: b.PlainText
    blocks: list[b.Block]
    close: b.PlainText
    submit: NotRequired[b.PlainText]
    private_metadata: NotRequired[str]


def modal(
    *,
    callback_id: str,
    title: str,
    blocks: Sequence[b.Block],
    submit: str = "",
    metadata: Mapping[str, str] | None = None,
) -> View:
    """A modal; without `submit` it only informs. Raises ValueError when the metadata is too long for Slack."""
    made: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": b.plain(title, TITLE_LIMIT),
        "blocks": list(blocks),
        "close": b.plain("Cancel" if submit else "Close", TITLE_LIMIT),
    }
    if submit:
        made["submit"] = b.plain(submit, TITLE_LIMIT)
    if metadata:
        packed = json.dumps(dict(metadata))
        if len(packed) > METADATA_LIMIT:
            raise ValueError(f"private_metadata of {callback_id} has {len(packed)} characters")
        made["private_metadata"] = packed
    return made


def told(title: str, text: b.Mrkdwn) -> View:
    """A modal that only says something."""
    return modal(callback_id="told", title=clip(title, TITLE_LIMIT), blocks=[b.section(text)])


def reason_input(block_id: str, label: str, *, optional: bool) -> b.Input:
    """A few lines of a person's words."""
    return {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": b.plain(label, _INPUT_LIMIT),
        "element": {
            "type": "plain_text_input",
            "action_id": block_id,
            "multiline": True,
            "max_length": 500,
        },
    }
