"""Block elements: buttons, menus, pickers, inputs and images, and in which block each may stand."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

from slackbox import limits
from slackbox.blocks.composition import (
    action_id,
    alt_text,
    confirm,
    conversation_filter,
    dispatch_config,
    focus,
    image_source,
    initial_is_offered,
    menu_options,
    menu_rule,
    option,
    ordered,
    workflow,
)
from slackbox.blocks.primitives import (
    Check,
    Findings,
    Rule,
    array,
    at,
    choice,
    exactly_one,
    flag,
    ident,
    matching,
    number,
    record,
    string,
    tagged,
    text,
    url,
)
from slackbox.blocks.rich_text import rich_text
from slackbox.jsons import Json

_SELECTS: Final = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
_MULTI: Final = tuple(f"multi_{kind}" for kind in _SELECTS)
_PICKED: Final = (*_SELECTS, *_MULTI, "datepicker", "timepicker", "checkboxes", "radio_buttons")
_PRESSED: Final = ("button", "overflow", "workflow_button")
_TYPED: Final = ("plain_text_input", "rich_text_input", "email_text_input", "url_text_input", "number_input")

ACTIONS: Final = (*_PRESSED, *_PICKED, "datetimepicker")
ACCESSORY: Final = (*_PRESSED, *_PICKED, "image")
CONTEXT_ACTIONS: Final = ("feedback_buttons", "icon_button")
INPUT: Final = (*_TYPED, *_PICKED, "datetimepicker", "file_input")

_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def element(*kinds: str) -> Check:
    """An element of one of the given types."""
    return tagged(lambda: {kind: element_table()[kind] for kind in kinds}, "element")


@functools.cache
def element_table() -> Mapping[str, Check]:
    """Every element by type."""
    return {**_pressed(), **_menus(), **_multi_menus(), **_pickers(), **_inputs()}


def _element(required: Mapping[str, Check], optional: Mapping[str, Check], *, rule: Rule | None = None) -> Check:
    return record(required, {"action_id": action_id, **optional}, rule=rule, tag=True)


def _pressed() -> Mapping[str, Check]:
    label = text(limits.BUTTON_TEXT, "plain_text")
    aloud = string(limits.ACCESSIBILITY_LABEL)
    people = array(ident(limits.ID), hi=limits.VISIBLE_TO_USERS)
    value = ident(limits.BUTTON_VALUE)
    style = choice("primary", "danger")
    verdict = record({"text": label, "value": value}, {"accessibility_label": aloud})
    return {
        "button": _element(
            {"text": label},
            {
                "url": url(limits.URL),
                "value": value,
                "style": style,
                "confirm": confirm(),
                "accessibility_label": aloud,
                "agent_prompt": ident(limits.AGENT_PROMPT),
                "agent_prompt_display": ident(limits.AGENT_PROMPT),
                "visible_to_user_ids": people,
            },
        ),
        "workflow_button": _element(
            {"text": label, "workflow": workflow()}, {"style": style, "accessibility_label": aloud}
        ),
        "overflow": _element(
            {"options": array(option(linked=True), hi=limits.OVERFLOW_OPTIONS)},
            {"confirm": confirm()},
            rule=initial_is_offered,
        ),
        "feedback_buttons": _element({"positive_button": verdict, "negative_button": verdict}, {}),
        "icon_button": _element(
            {"icon": choice("trash"), "text": label},
            {"value": value, "confirm": confirm(), "accessibility_label": aloud, "visible_to_user_ids": people},
        ),
        "image": record({"alt_text": alt_text}, image_source(), rule=exactly_one("image_url", "slack_file"), tag=True),
    }


def _menu(extra: Mapping[str, Check], *, rule: Rule | None = None) -> Check:
    common = {"placeholder": _placeholder(), "confirm": confirm(), "focus_on_load": focus}
    return _element({}, {**common, **extra}, rule=rule)


def _placeholder() -> Check:
    return text(limits.PLACEHOLDER, "plain_text")


def _menus() -> Mapping[str, Check]:
    named = ident(limits.ID)
    return {
        "static_select": _menu({**menu_options(), "initial_option": option()}, rule=menu_rule()),
        "external_select": _menu({"initial_option": option(), "min_query_length": number(lo=0, whole=True)}),
        "users_select": _menu({"initial_user": named}),
        "conversations_select": _menu(
            {
                "initial_conversation": named,
                "default_to_current_conversation": flag,
                "response_url_enabled": flag,
                "filter": conversation_filter(),
            }
        ),
        "channels_select": _menu({"initial_channel": named, "response_url_enabled": flag}),
    }


def _multi_menus() -> Mapping[str, Check]:
    several = array(ident(limits.ID), hi=None)
    chosen = array(option(), hi=limits.SELECT_OPTIONS)
    most: Mapping[str, Check] = {"max_selected_items": number(lo=1, whole=True)}
    return {
        "multi_static_select": _menu({**most, **menu_options(), "initial_options": chosen}, rule=menu_rule()),
        "multi_external_select": _menu(
            {**most, "initial_options": chosen, "min_query_length": number(lo=0, whole=True)}
        ),
        "multi_users_select": _menu({**most, "initial_users": several}),
        "multi_conversations_select": _menu(
            {
                **most,
                "initial_conversations": several,
                "default_to_current_conversation": flag,
                "filter": conversation_filter(),
            }
        ),
        "multi_channels_select": _menu({**most, "initial_channels": several}),
    }


def _pickers() -> Mapping[str, Check]:
    offered = array(option(formatted=True), hi=limits.CHOICE_OPTIONS)
    common: Mapping[str, Check] = {"confirm": confirm(), "focus_on_load": focus}
    moment = number(lo=0, hi=limits.DATE_TIME, whole=True)
    return {
        "datepicker": _menu({"initial_date": matching(_DATE, "YYYY-MM-DD")}),
        "timepicker": _menu({"initial_time": matching(_TIME, "HH:mm"), "timezone": ident(limits.ID)}),
        "datetimepicker": _element({}, {**common, "initial_date_time": moment}),
        "radio_buttons": _element(
            {"options": offered}, {**common, "initial_option": option(formatted=True)}, rule=initial_is_offered
        ),
        "checkboxes": _element({"options": offered}, {**common, "initial_options": offered}, rule=initial_is_offered),
    }


def _typed(
    extra: Mapping[str, Check], *, required: Mapping[str, Check] | None = None, rule: Rule | None = None
) -> Check:
    common: Mapping[str, Check] = {
        "placeholder": _placeholder(),
        "focus_on_load": focus,
        "initial_value": string(None, lo=0),
        "dispatch_action_config": dispatch_config(),
    }
    return _element(required or {}, {**common, **extra}, rule=rule)


def _inputs() -> Mapping[str, Check]:
    figure = matching(_NUMBER, "of a number")
    length = limits.PLAIN_TEXT_INPUT
    lines = number(lo=1, hi=limits.RICH_TEXT_INPUT_LINES, whole=True)
    return {
        "plain_text_input": _typed(
            {
                "initial_value": string(length, lo=0),
                "multiline": flag,
                "min_length": number(lo=0, hi=length, whole=True),
                "max_length": number(lo=1, hi=length, whole=True),
            },
            rule=ordered("min_length", "max_length"),
        ),
        "rich_text_input": _typed(
            {"initial_value": rich_text(), "min_lines": lines, "max_lines": lines},
            rule=ordered("min_lines", "max_lines"),
        ),
        "email_text_input": _typed({}),
        "url_text_input": _typed({}),
        "number_input": _typed(
            {"initial_value": figure, "min_value": figure, "max_value": figure},
            required={"is_decimal_allowed": flag},
            rule=ordered("min_value", "max_value"),
        ),
        "file_input": _element(
            {},
            {
                "filetypes": array(ident(limits.ID), hi=None),
                "max_files": number(lo=1, hi=limits.FILE_INPUT_FILES, whole=True),
            },
            rule=_only_in_a_modal,
        ),
    }


def _only_in_a_modal(_body: Json, pointer: str, found: Findings) -> None:
    if found.surface != "modal":
        found.add(at(pointer, "type"), f"file_input is not allowed in a {found.surface}", {"type": "surface"})


def refuse_response_url(holder: Any, pointer: str, found: Findings) -> None:
    """`response_url_enabled` works only in an input block of a modal; elsewhere Slack refuses it."""
    if isinstance(holder, dict) and "response_url_enabled" in holder:
        found.add(at(pointer, "response_url_enabled"), "is allowed only in an input block of a modal")
