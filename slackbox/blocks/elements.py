"""Interactive elements, options, confirmation dialogs and images."""

import functools
from collections.abc import Mapping
from typing import Any

from slackbox import limits
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
    number,
    record,
    string,
    tagged,
    text,
    url,
)
from slackbox.jsons import Json

BUTTON_LIKE = ("button", "static_select", "users_select", "channels_select", "conversations_select", "overflow")
PICKERS = ("datepicker", "timepicker", "radio_buttons", "checkboxes", "multi_static_select", "multi_users_select")
TYPED = ("plain_text_input", "email_text_input", "url_text_input", "number_input")


def action_id(value: Any, pointer: str, found: Findings) -> None:
    """An action id: at most 255 characters and unique in its block."""
    ident(limits.ID)(value, pointer, found)
    if isinstance(value, str):
        if value in found.action_ids:
            found.add(pointer, f"action_id `{value}` already exists")
        found.action_ids.add(value)


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


def option(*kinds: str) -> Check:
    """One option of a menu or a group of choices."""
    return record(
        {"text": text(limits.OPTION_TEXT, *(kinds or ("plain_text",))), "value": ident(limits.OPTION_VALUE)},
        {"description": text(limits.OPTION_TEXT), "url": url(limits.URL)},
    )


def image_fields() -> Mapping[str, Check]:
    """Fields of an image without its caption: an address or a Slack file."""
    return {
        "image_url": url(limits.URL),
        "slack_file": record({}, {"id": ident(limits.ID), "url": url(limits.URL)}, rule=exactly_one("id", "url")),
    }


def image() -> Check:
    """An image element; its alternative text must say something."""
    return record({"alt_text": string(limits.ALT_TEXT)}, image_fields(), rule=exactly_one("image_url", "slack_file"))


def button() -> Check:
    """A button."""
    return record(
        {"text": text(limits.BUTTON_TEXT, "plain_text")},
        {
            "action_id": action_id,
            "url": url(limits.URL),
            "value": ident(limits.BUTTON_VALUE),
            "style": choice("primary", "danger"),
            "confirm": confirm(),
            "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
            "visible_to_user_ids": array(ident(limits.ID), hi=limits.VISIBLE_TO_USERS),
        },
    )


def feedback_button() -> Check:
    return record(
        {"text": text(limits.BUTTON_TEXT, "plain_text"), "value": ident(limits.BUTTON_VALUE)},
        {"accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
    )


def _menu(extra: Mapping[str, Check], *, rule: Any = None) -> Check:
    common: dict[str, Check] = {
        "action_id": action_id,
        "placeholder": text(limits.PLACEHOLDER, "plain_text"),
        "confirm": confirm(),
        "focus_on_load": flag,
    }
    return record({}, {**common, **extra}, rule=rule)


def _options(hi: int = limits.SELECT_OPTIONS, *kinds: str) -> Check:
    return array(option(*kinds), hi=hi)


def _option_groups() -> Check:
    group = record({"label": text(limits.OPTION_TEXT, "plain_text"), "options": _options()})
    return array(group, hi=limits.OPTION_GROUPS)


def _initial_is_offered(body: Json, pointer: str, found: Findings) -> None:
    initial = body.get("initial_option")
    offered = body.get("options")
    if initial is not None and isinstance(offered, list) and initial not in offered:
        found.add(f"{pointer}/initial_option", "must be exactly one of the options")


def _typed(extra: Mapping[str, Check] | None = None) -> Check:
    common: dict[str, Check] = {
        "action_id": action_id,
        "placeholder": text(limits.PLACEHOLDER, "plain_text"),
        "focus_on_load": flag,
        "initial_value": string(limits.PLAIN_TEXT_INPUT, lo=0),
        "dispatch_action_config": record(
            {}, {"trigger_actions_on": array(choice("on_enter_pressed", "on_character_entered"), hi=2)}
        ),
    }
    return record({}, {**common, **(extra or {})})


def _choices(initial: str) -> Check:
    offered = _options(limits.CHOICE_OPTIONS, "plain_text", "mrkdwn")
    first: Check = offered if initial == "initial_options" else option("plain_text", "mrkdwn")
    return record(
        {"options": offered},
        {"action_id": action_id, initial: first, "confirm": confirm(), "focus_on_load": flag},
        rule=_initial_is_offered,
    )


@functools.cache
def element_table() -> Mapping[str, Check]:
    """Every element by type."""
    options_rule = all_of(exactly_one("options", "option_groups"), _initial_is_offered)
    person = ident(limits.ID)
    return {
        "button": button(),
        "image": image(),
        "static_select": _menu(
            {"options": _options(), "option_groups": _option_groups(), "initial_option": option()}, rule=options_rule
        ),
        "multi_static_select": _menu(
            {
                "options": _options(),
                "option_groups": _option_groups(),
                "initial_options": _options(),
                "max_selected_items": number(lo=1, whole=True),
            },
            rule=exactly_one("options", "option_groups"),
        ),
        "users_select": _menu({"initial_user": person}),
        "multi_users_select": _menu(
            {"initial_users": array(person, hi=100), "max_selected_items": number(lo=1, whole=True)}
        ),
        "channels_select": _menu({"initial_channel": person, "response_url_enabled": flag}),
        "conversations_select": _menu(
            {"initial_conversation": person, "default_to_current_conversation": flag, "response_url_enabled": flag}
        ),
        "overflow": record(
            {"options": array(option("plain_text", "mrkdwn"), hi=limits.OVERFLOW_OPTIONS)},
            {"action_id": action_id, "confirm": confirm()},
        ),
        "datepicker": _menu({"initial_date": ident(10)}),
        "timepicker": _menu({"initial_time": ident(5), "timezone": ident(64)}),
        "radio_buttons": _choices("initial_option"),
        "checkboxes": _choices("initial_options"),
        "plain_text_input": _typed(
            {
                "multiline": flag,
                "min_length": number(lo=0, hi=limits.PLAIN_TEXT_INPUT, whole=True),
                "max_length": number(lo=1, hi=limits.PLAIN_TEXT_INPUT, whole=True),
            }
        ),
        "email_text_input": _typed(),
        "url_text_input": _typed(),
        "number_input": _number_input(),
        "feedback_buttons": record(
            {"positive_button": feedback_button(), "negative_button": feedback_button()}, {"action_id": action_id}
        ),
        "icon_button": record(
            {"icon": choice("trash"), "text": text(limits.BUTTON_TEXT, "plain_text")},
            {
                "action_id": action_id,
                "value": ident(limits.BUTTON_VALUE),
                "confirm": confirm(),
                "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
                "visible_to_user_ids": array(ident(limits.ID), hi=limits.VISIBLE_TO_USERS),
            },
        ),
    }


def _number_input() -> Check:
    return record(
        {"is_decimal_allowed": flag},
        {
            "action_id": action_id,
            "initial_value": ident(64),
            "min_value": ident(64),
            "max_value": ident(64),
            "placeholder": text(limits.PLACEHOLDER, "plain_text"),
            "focus_on_load": flag,
        },
    )


def element(*kinds: str) -> Check:
    """An element of one of the given types."""
    return tagged(lambda: {kind: element_table()[kind] for kind in kinds}, "element")


def media_rule(body: Json, pointer: str, found: Findings) -> None:
    """A card needs something to show."""
    at_least_one("hero_image", "title", "actions", "body")(body, pointer, found)
