"""Blocks that hold other blocks: plans of tasks, cards and carousels, containers and connections."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks.elements import element
from slackbox.blocks.layout import block
from slackbox.blocks.primitives import (
    Check,
    Findings,
    all_of,
    array,
    at,
    at_least_one,
    choice,
    flag,
    ident,
    record,
    string,
    tagged,
    text,
    url,
)
from slackbox.blocks.rich_text import rich_text
from slackbox.jsons import Json, as_object, objects_at

# The names that Slack lists for a slack_icon of a card.
_ICONS = (
    "archive",
    "book",
    "bookmark",
    "bot",
    "bug",
    "calendar",
    "call",
    "caret-left",
    "caret-right",
    "check",
    "clipboard",
    "code",
    "comment",
    "compass",
    "copy",
    "cube",
    "download",
    "edit",
    "email",
    "eye-closed",
    "eye-open",
    "file",
    "flag",
    "folder",
    "gear",
    "globe",
    "heart",
    "help",
    "image",
    "info",
    "key",
    "lightbulb",
    "link",
    "map",
    "mobile",
    "new-window",
    "pin",
    "plus",
    "refine",
    "refresh",
    "rocket",
    "save",
    "screen",
    "share",
    "sparkle",
    "star",
    "star-filled",
    "tag",
    "thumbs-down",
    "thumbs-up",
    "trash",
    "upload",
    "user",
    "warning",
)


Table = Callable[[], Mapping[str, Check]]


def nesting_blocks(everything: Table) -> Mapping[str, Check]:
    """Every block that holds others, by type. `everything` is asked for blocks when something is checked."""
    card = _card()
    cards = array(tagged(lambda: {"card": card}, "block"), hi=limits.CAROUSEL_CARDS)
    return {
        **_progress_blocks(),
        "card": card,
        "carousel": block({"elements": cards}),
        "container": _container(everything),
        "auth_provider": _auth_provider(everything),
    }


def _progress_blocks() -> Mapping[str, Check]:
    source = tagged(lambda: {"url": record({"url": url(limits.URL), "text": string(None)}, tag=True)}, "source")
    task = block(
        {
            "task_id": ident(limits.ID),
            "title": string(limits.TASK_TITLE),
            "status": choice("pending", "in_progress", "complete", "error"),
        },
        {"details": rich_text(), "output": rich_text(), "sources": array(source, lo=0, hi=None)},
    )
    tasks = array(_task_of_a_plan(task), lo=0, hi=limits.PLAN_TASKS)
    return {
        "task_card": task,
        "plan": block({"title": string(limits.PLAN_TITLE)}, {"tasks": tasks}, rule=_task_ids),
    }


def _task_of_a_plan(task: Check) -> Check:
    """A task card; inside a plan Slack's own examples leave its type out."""
    typed = tagged(lambda: {"task_card": task}, "task")

    def check(value: Any, pointer: str, found: Findings) -> None:
        body = as_object(value)
        chosen = task if body is not None and "type" not in body else typed
        chosen(value, pointer, found)

    return check


def _task_ids(body: Json, pointer: str, found: Findings) -> None:
    ids = [name for name in (task.get("task_id") for task in objects_at(body, "tasks")) if isinstance(name, str)]
    if len(set(ids)) != len(ids):
        found.add(at(pointer, "tasks"), "task ids must be unique", {"type": "unique"})


def _card() -> Check:
    image = element("image")
    icon = tagged(lambda: {"icon": record({"name": choice(*_ICONS)}, tag=True)}, "Slack icon")
    return block(
        {},
        {
            "hero_image": image,
            "icon": image,
            "slack_icon": icon,
            "title": text(limits.CARD_TITLE),
            "subtitle": text(limits.CARD_SUBTITLE),
            "body": text(limits.CARD_BODY),
            "subtext": text(limits.CARD_SUBTEXT),
            "actions": array(element("button"), hi=limits.CARD_ACTIONS),
        },
        rule=all_of(at_least_one("hero_image", "title", "actions", "body"), _one_icon),
    )


def _one_icon(body: Json, pointer: str, found: Findings) -> None:
    if "icon" in body and "slack_icon" in body:
        found.add(at(pointer, "slack_icon"), "cannot be used with icon", {"type": "all_of"})


def _container(everything: Table) -> Check:
    title = text(limits.CONTAINER_TITLE, "plain_text")
    children = tagged(lambda: _only(everything(), limits.CONTAINER_HOLDS), "block")
    return block(
        {"child_blocks": array(children, hi=limits.CONTAINER_CHILDREN)},
        {
            "title": title,
            "rich_text_title": rich_text(),
            "subtitle": text(limits.CONTAINER_TITLE),
            "width": choice("narrow", "standard", "wide", "full"),
            "icon": element("image"),
            "is_collapsible": flag,
            "default_collapsed": flag,
            "has_header_divider": flag,
        },
        rule=all_of(at_least_one("title", "rich_text_title"), _container_flags),
    )


def _only(table: Mapping[str, Check], kinds: Collection[str]) -> Mapping[str, Check]:
    return {kind: check for kind, check in table.items() if kind in kinds}


def _container_flags(body: Json, pointer: str, found: Findings) -> None:
    if body.get("default_collapsed") and not body.get("is_collapsible"):
        found.add(at(pointer, "default_collapsed"), "needs is_collapsible", {"type": "all_of"})
    if body.get("has_header_divider") and body.get("is_collapsible"):
        found.add(at(pointer, "has_header_divider"), "cannot be used with is_collapsible", {"type": "all_of"})


def _auth_provider(everything: Table) -> Check:
    connected = text(limits.AUTH_PROVIDER_CONNECTED, "plain_text")
    return block(
        {
            "value": ident(limits.AUTH_PROVIDER_VALUE),
            "name": text(limits.AUTH_PROVIDER_NAME, "plain_text"),
            "is_connected": flag,
        },
        {
            "description": text(limits.AUTH_PROVIDER_DESCRIPTION, "plain_text"),
            "icon_url": url(limits.URL, secure=True),
            "auth_url": url(limits.URL, secure=True),
            "disconnect_url": url(limits.URL, secure=True),
            "connected_identity": connected,
            "connected_context": connected,
            "accessory": element("overflow"),
            "fallback": array(
                tagged(lambda: _only(everything(), everything().keys() - {"auth_provider"}), "block"),
                hi=limits.MESSAGE_BLOCKS,
            ),
        },
    )
