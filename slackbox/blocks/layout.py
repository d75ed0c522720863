"""Layout blocks: which there are and what each may hold."""

from collections.abc import Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks import data
from slackbox.blocks.composition import alt_text, image_source
from slackbox.blocks.elements import ACCESSORY, ACTIONS, CONTEXT_ACTIONS, INPUT, element, refuse_response_url
from slackbox.blocks.primitives import (
    Check,
    Findings,
    Rule,
    array,
    at,
    at_least_one,
    choice,
    exactly_one,
    flag,
    ident,
    number,
    record,
    string,
    tagged,
    text,
    url,
)
from slackbox.blocks.rich_text import rich_text_fields
from slackbox.jsons import Json, list_at, object_at, text_at


def flat_blocks() -> Mapping[str, Check]:
    """Every block that holds no other block, by type."""
    return {**_reading_blocks(), **_media_blocks(), **_interactive_blocks(), **_data_blocks()}


def block_id(value: Any, pointer: str, found: Findings) -> None:
    """A block id: at most 255 characters and unique in the payload."""
    ident(limits.ID)(value, pointer, found)
    if isinstance(value, str):
        if value in found.block_ids:
            found.add(pointer, f"block_id `{value}` already exists", {"type": "unique"})
        found.block_ids.add(value)


def block(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *, rule: Rule | None = None
) -> Check:
    """A block with these fields and a block_id; action ids are unique within it, not beyond it."""
    inner = record(required, {"block_id": block_id, **(optional or {})}, rule=rule, tag=True)

    def check(value: Any, pointer: str, found: Findings) -> None:
        outer, found.action_ids = found.action_ids, set()
        inner(value, pointer, found)
        found.action_ids = outer

    return check


def _reading_blocks() -> Mapping[str, Check]:
    level = choice("default", "info", "warning", "error", "success")
    return {
        "header": block(
            {"text": text(limits.HEADER_TEXT, "plain_text")},
            {"level": number(lo=1, hi=limits.HEADER_LEVEL, whole=True)},
        ),
        "divider": block({}),
        "section": block(
            {},
            {
                "text": text(limits.SECTION_TEXT),
                "fields": array(text(limits.SECTION_FIELD_TEXT), hi=limits.SECTION_FIELDS),
                "accessory": element(*ACCESSORY),
                "expand": flag,
            },
            rule=_section_rule,
        ),
        "context": block({"elements": array(_context_item(), hi=limits.CONTEXT_ELEMENTS)}),
        "markdown": block({"text": string(limits.MARKDOWN_TOTAL, counted="markdown characters")}),
        "rich_text": block(rich_text_fields()),
        "alert": block({"text": text(limits.ALERT_TEXT)}, {"level": level}),
    }


def _context_item() -> Check:
    texts = text(limits.CONTEXT_TEXT)
    table = {"plain_text": texts, "mrkdwn": texts, "image": element("image")}
    return tagged(lambda: table, "context element")


def _section_rule(body: Json, pointer: str, found: Findings) -> None:
    at_least_one("text", "fields")(body, pointer, found)
    refuse_response_url(body.get("accessory"), at(pointer, "accessory"), found)


def _media_blocks() -> Mapping[str, Check]:
    title = text(limits.VIDEO_TITLE, "plain_text")
    return {
        "image": block(
            {"alt_text": alt_text},
            {**image_source(), "title": text(limits.IMAGE_TITLE, "plain_text")},
            rule=exactly_one("image_url", "slack_file"),
        ),
        "video": block(
            {
                "alt_text": alt_text,
                "title": title,
                "video_url": url(limits.URL, secure=True),
                "thumbnail_url": url(limits.URL),
            },
            {
                "title_url": url(limits.URL, secure=True),
                "description": text(limits.VIDEO_DESCRIPTION, "plain_text"),
                "author_name": string(limits.VIDEO_AUTHOR),
                "provider_name": string(None),
                "provider_icon_url": url(limits.URL),
            },
        ),
        "file": block({"external_id": ident(None), "source": choice("remote")}),
        "call": block({"call_id": ident(limits.ID)}),
    }


def _interactive_blocks() -> Mapping[str, Check]:
    label = text(limits.INPUT_LABEL, "plain_text")
    return {
        "actions": block({"elements": array(element(*ACTIONS), hi=limits.ACTIONS_ELEMENTS)}, rule=_actions_rule),
        "context_actions": block({"elements": array(element(*CONTEXT_ACTIONS), hi=limits.CONTEXT_ACTIONS_ELEMENTS)}),
        "input": block(
            {"label": label, "element": element(*INPUT)},
            {"hint": label, "optional": flag, "dispatch_action": flag},
            rule=_input_rule,
        ),
    }


def _actions_rule(body: Json, pointer: str, found: Findings) -> None:
    for position, held in enumerate(list_at(body, "elements")):
        refuse_response_url(held, at(at(pointer, "elements"), position), found)


def _input_rule(body: Json, pointer: str, found: Findings) -> None:
    held = object_at(body, "element")
    if found.surface != "modal":
        refuse_response_url(held, at(pointer, "element"), found)
    if body.get("dispatch_action") is True and text_at(held, "type") == "file_input":
        found.add(at(pointer, "dispatch_action"), "a file_input sends no action while it is filled")


def _data_blocks() -> Mapping[str, Check]:
    table_required, table_optional = data.table_fields()
    data_required, data_optional = data.data_table_fields()
    return {
        "table": block(table_required, table_optional),
        "data_table": block(data_required, data_optional, rule=data.data_table_rule),
        "data_visualization": block(data.chart_fields()),
    }
