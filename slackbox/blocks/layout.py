"""Layout blocks: which there are and what each may hold."""

import functools
from collections.abc import Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks import data
from slackbox.blocks.elements import BUTTON_LIKE, PICKERS, TYPED, element, image_fields, media_rule
from slackbox.blocks.primitives import (
    Check,
    Findings,
    all_of,
    array,
    at_least_one,
    choice,
    exactly_one,
    flag,
    ident,
    record,
    string,
    tagged,
    text,
    url,
)
from slackbox.blocks.rich_text import rich_text, rich_text_fields
from slackbox.jsons import Json, objects_at


def block_id(value: Any, pointer: str, found: Findings) -> None:
    """A block id: at most 255 characters and unique in the payload."""
    ident(limits.ID)(value, pointer, found)
    if isinstance(value, str):
        if value in found.block_ids:
            found.add(pointer, f"block_id `{value}` already exists")
        found.block_ids.add(value)


def _block(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *, rule: Any = None) -> Check:
    inner = record(required, {"block_id": block_id, **(optional or {})}, rule=rule)

    def check(value: Any, pointer: str, found: Findings) -> None:
        # Action ids are unique within one block, so a nested block starts its own set.
        outer, found.action_ids = found.action_ids, set()
        inner(value, pointer, found)
        found.action_ids = outer

    return check


@functools.cache
def block_table() -> Mapping[str, Check]:
    """Every layout block by type."""
    return {**_text_blocks(), **_interactive_blocks(), **_progress_blocks(), **_data_blocks(), **_nesting_blocks()}


def _text_blocks() -> Mapping[str, Check]:
    context_item = tagged(
        lambda: {
            "plain_text": record({"text": string(limits.CONTEXT_TEXT)}, {"emoji": flag}),
            "mrkdwn": record({"text": string(limits.CONTEXT_TEXT)}, {"verbatim": flag}),
            "image": record({"alt_text": string(limits.ALT_TEXT)}, image_fields()),
        },
        "context element",
    )
    return {
        "header": _block({"text": text(limits.HEADER_TEXT, "plain_text")}),
        "divider": _block({}),
        "section": _block(
            {},
            {
                "text": text(limits.SECTION_TEXT),
                "fields": array(text(limits.SECTION_FIELD_TEXT), hi=limits.SECTION_FIELDS),
                "accessory": element(*BUTTON_LIKE, *PICKERS, "image"),
                "expand": flag,
            },
            rule=at_least_one("text", "fields"),
        ),
        "context": _block({"elements": array(context_item, hi=limits.CONTEXT_ELEMENTS)}),
        "image": _block(
            {"alt_text": string(limits.ALT_TEXT)},
            {**image_fields(), "title": text(limits.IMAGE_TITLE, "plain_text")},
            rule=exactly_one("image_url", "slack_file"),
        ),
        "markdown": _block({"text": string(limits.MARKDOWN_TOTAL, counted="markdown characters")}),
        "rich_text": _block(rich_text_fields()),
        "alert": _block(
            {"text": text(limits.ALERT_TEXT)}, {"level": choice("default", "info", "warning", "error", "success")}
        ),
    }


def _interactive_blocks() -> Mapping[str, Check]:
    return {
        "actions": _block(
            {"elements": array(element(*BUTTON_LIKE, *PICKERS), hi=limits.ACTIONS_ELEMENTS)},
        ),
        "context_actions": _block(
            {"elements": array(element("feedback_buttons", "icon_button"), hi=limits.CONTEXT_ACTIONS_ELEMENTS)}
        ),
        "input": _block(
            {
                "label": text(limits.INPUT_LABEL, "plain_text"),
                "element": element(*TYPED, *PICKERS, *BUTTON_LIKE[1:5]),
            },
            {"hint": text(limits.INPUT_LABEL, "plain_text"), "optional": flag, "dispatch_action": flag},
        ),
    }


def _progress_blocks() -> Mapping[str, Check]:
    source = tagged(lambda: {"url": record({"url": url(limits.URL), "text": string(limits.SECTION_TEXT)})}, "source")
    task = _block(
        {
            "task_id": ident(limits.ID),
            "title": string(limits.TASK_TITLE),
            "status": choice("pending", "in_progress", "complete", "error"),
        },
        {"details": rich_text(), "output": rich_text(), "sources": array(source, lo=0, hi=50)},
    )
    tasks = array(tagged(lambda: {"task_card": task}, "task"), lo=0, hi=limits.PLAN_TASKS)
    return {
        "task_card": task,
        "plan": _block({"title": string(limits.PLAN_TITLE)}, {"tasks": tasks}, rule=_task_ids),
    }


def _task_ids(body: Json, pointer: str, found: Findings) -> None:
    ids = [task.get("task_id") for task in objects_at(body, "tasks")]
    if len(set(map(str, ids))) != len(ids):
        found.add(f"{pointer}/tasks", "task ids must be unique")


def _data_blocks() -> Mapping[str, Check]:
    table_required, table_optional = data.table_fields()
    data_required, data_optional = data.data_table_fields()
    return {
        "table": _block(table_required, table_optional),
        "data_table": _block(data_required, data_optional, rule=data.data_table_rule),
        "data_visualization": _block(data.chart_fields()),
    }


def _nesting_blocks() -> Mapping[str, Check]:
    image = element("image")
    card = _block(
        {},
        {
            "hero_image": image,
            "icon": image,
            "title": text(limits.CARD_TITLE),
            "subtitle": text(limits.CARD_TITLE),
            "body": text(limits.CARD_BODY),
            "actions": array(element("button"), hi=limits.CARD_ACTIONS),
        },
        rule=media_rule,
    )
    container = _block(
        {"child_blocks": array(tagged(_child_table, "block in a container"), hi=limits.CONTAINER_CHILDREN)},
        {
            "title": text(limits.CONTAINER_TITLE, "plain_text"),
            "rich_text_title": rich_text(),
            "subtitle": text(limits.CONTAINER_TITLE),
            "width": choice("narrow", "standard", "wide", "full"),
            "icon": image,
            "is_collapsible": flag,
            "default_collapsed": flag,
            "has_header_divider": flag,
        },
        rule=all_of(at_least_one("title", "rich_text_title"), _container_flags),
    )
    cards = array(tagged(lambda: {"card": card}, "card"), hi=limits.CAROUSEL_CARDS)
    return {"card": card, "container": container, "carousel": _block({"elements": cards})}


def _child_table() -> Mapping[str, Check]:
    return {kind: check for kind, check in block_table().items() if kind not in limits.CONTAINER_REFUSES}


def _container_flags(body: Json, pointer: str, found: Findings) -> None:
    if body.get("default_collapsed") and not body.get("is_collapsible"):
        found.add(f"{pointer}/default_collapsed", "needs is_collapsible")
    if body.get("has_header_divider") and body.get("is_collapsible"):
        found.add(f"{pointer}/has_header_divider", "cannot be used with is_collapsible")
