"""Composition objects: options, confirmations, files, workflows and what several elements share. None has a `type`."""

from collections.abc import Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks.primitives import (
    Check,
    Findings,
    Rule,
    all_of,
    array,
    at,
    at_least_one,
    choice,
    exactly_one,
    flag,
    ident,
    record,
    string,
    text,
    url,
)
from slackbox.jsons import Json, as_list, as_object, list_at, objects_at


def action_id(value: Any, pointer: str, found: Findings) -> None:
    """An action id: at most 255 characters and unique in its block."""
    ident(limits.ID)(value, pointer, found)
    if isinstance(value, str):
        if value in found.action_ids:
            found.add(pointer, f"action_id `{value}` already exists", {"type": "unique"})
        found.action_ids.add(value)


def focus(value: Any, pointer: str, found: Findings) -> None:
    """`focus_on_load`: at most one element of a payload may ask for it."""
    flag(value, pointer, found)
    if value is True:
        found.counts["focus_on_load"] += 1
        if found.counts["focus_on_load"] > 1:
            found.add(pointer, "only one element may have focus_on_load", {"type": "unique"})


def confirm() -> Check:
    """A confirmation dialog."""
    return record(
        {
            "title": text(limits.CONFIRM_TITLE, "plain_text"),
            "text": text(limits.CONFIRM_TEXT),
            "confirm": text(limits.CONFIRM_BUTTON, "plain_text"),
            "deny": text(limits.CONFIRM_BUTTON, "plain_text"),
        },
        {"style": choice("primary", "danger")},
    )


def option(*, formatted: bool = False, linked: bool = False) -> Check:
    """One option. Only radio buttons and checkboxes take mrkdwn (`formatted`), only overflow menus a url (`linked`)."""
    kinds = () if formatted else ("plain_text",)
    optional: dict[str, Check] = {"description": text(limits.OPTION_DESCRIPTION, *kinds)}
    if linked:
        optional["url"] = url(limits.URL)
    return record({"text": text(limits.OPTION_TEXT, *kinds), "value": ident(limits.OPTION_VALUE)}, optional)


def menu_options() -> Mapping[str, Check]:
    """The two ways of offering options in a menu, of which one must be taken."""
    group = record(
        {
            "label": text(limits.OPTION_GROUP_LABEL, "plain_text"),
            "options": array(option(), hi=limits.SELECT_OPTIONS),
        }
    )
    return {
        "options": array(option(), hi=limits.SELECT_OPTIONS),
        "option_groups": array(group, hi=limits.OPTION_GROUPS),
    }


def menu_rule() -> Rule:
    """Options or groups of them, and what is chosen at first is one of them."""
    return all_of(exactly_one("options", "option_groups"), initial_is_offered)


def initial_is_offered(body: Json, pointer: str, found: Findings) -> None:
    """`initial_option` and `initial_options` are among what is offered, and every value is offered once."""
    offered = [*objects_at(body, "options")]
    for group in objects_at(body, "option_groups"):
        offered += objects_at(group, "options")
    values = [value for value in (entry.get("value") for entry in offered) if isinstance(value, str)]
    if len(set(values)) != len(values):
        name = "options" if "options" in body else "option_groups"
        found.add(at(pointer, name), "the values of options must be unique", {"type": "unique"})
    if "initial_option" in body:
        _offered(body["initial_option"], values, at(pointer, "initial_option"), found)
    for position, chosen in enumerate(list_at(body, "initial_options")):
        _offered(chosen, values, at(at(pointer, "initial_options"), position), found)


def _offered(chosen: Any, values: list[str], pointer: str, found: Findings) -> None:
    value = (as_object(chosen) or {}).get("value")
    if isinstance(value, str) and value not in values:
        found.add(pointer, "must be exactly one of the options", _one_of(values))


def _one_of(values: list[str]) -> Json:
    return {"type": "enum", "expected": values}


def dispatch_config() -> Check:
    """When a text input sends what is typed before it is submitted."""
    triggers = array(choice("on_enter_pressed", "on_character_entered"), hi=limits.TRIGGER_ACTIONS)
    return record({}, {"trigger_actions_on": triggers}, rule=at_least_one("trigger_actions_on"))


def conversation_filter() -> Check:
    """Which conversations a menu offers."""
    kinds = array(choice("im", "mpim", "private", "public"), hi=limits.CONVERSATION_KINDS)
    return record(
        {},
        {"include": kinds, "exclude_bot_users": flag, "exclude_external_shared_channels": flag},
        rule=_filters_something,
    )


def _filters_something(body: Json, pointer: str, found: Findings) -> None:
    if not body:
        found.add(pointer, "a filter needs at least one field", {"type": "all_of"})


def workflow() -> Check:
    """The workflow that a workflow_button starts."""
    parameter = record({"name": string(limits.ID, counted=None), "value": _anything})
    trigger = record({"url": url(limits.URL)}, {"customizable_input_parameters": array(parameter, lo=0, hi=None)})
    return record({"trigger": trigger})


def _anything(_value: Any, _pointer: str, _found: Findings) -> None:
    """A parameter's value, whose type the workflow knows and we do not."""


def alt_text(value: Any, pointer: str, found: Findings) -> None:
    """What an image says to those who do not see it: required and not empty.

    Blank text passes, as at Slack, but is counted: a test should hear of it.
    """
    string(limits.ALT_TEXT)(value, pointer, found)
    if isinstance(value, str) and not value.strip():
        found.counts["empty alt_text"] += 1


def image_source() -> Mapping[str, Check]:
    """The two ways to say where an image is, of which one must be taken."""
    file = record({}, {"id": ident(limits.ID), "url": url(limits.URL)}, rule=exactly_one("id", "url"))
    return {"image_url": url(limits.URL), "slack_file": file}


def ordered(low: str, high: str) -> Rule:
    """A rule: the lower bound is not above the upper one. Bounds are numbers, or numbers as text."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        lower, upper = _as_number(body.get(low)), _as_number(body.get(high))
        if lower is not None and upper is not None and lower > upper:
            found.add(at(pointer, low), f"must not be greater than {high}", {"type": "maximum", "expected": upper})

    return rule


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def same_length(body: Json, pointer: str, found: Findings) -> None:
    """A rule: every row has as many cells as the first."""
    rows = [as_list(row) for row in list_at(body, "rows")]
    first = rows[0] if rows else None
    for position, row in enumerate(rows):
        if row is not None and first is not None and len(row) != len(first):
            where = at(at(pointer, "rows"), position)
            found.add(where, "every row must have as many cells as the header", {"type": "all_of"})
