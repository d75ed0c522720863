"""What people's hands do to elements: find one to press, collect what was entered."""

from collections.abc import Iterator
from typing import Any

from slackbox.errors import SlackboxError
from slackbox.jsons import Json, as_list, as_object, object_at, objects_at, text_at

_NESTING = ("child_blocks", "elements", "actions", "rows", "accessory", "element")
_STATEFUL = frozenset(
    {
        "static_select",
        "multi_static_select",
        "users_select",
        "multi_users_select",
        "channels_select",
        "conversations_select",
        "datepicker",
        "timepicker",
        "radio_buttons",
        "checkboxes",
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
    }
)
# Type of an element to the field that holds a single chosen value, in state and in an action.
_SINGLE = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}


_PRESSABLE = _STATEFUL | {"button", "overflow", "feedback_buttons", "icon_button"}


class InputError(SlackboxError):
    """A value does not fit the element it is meant for."""


def elements_of(blocks: Any) -> Iterator[tuple[str, Json]]:
    """Every interactive element with the id of the block it stands in, nested ones too."""
    for block in objects_at({"blocks": blocks}, "blocks"):
        yield from _inside(block, text_at(block, "block_id"))


def _inside(node: Json, block_id: str) -> Iterator[tuple[str, Json]]:
    for name in _NESTING:
        for child in _flat(node.get(name)):
            # A nested layout block brings its own block id; an element belongs to the block around it.
            yield from _inside(child, text_at(child, "block_id") or block_id)
            if "action_id" in child:
                yield block_id, child


def _flat(value: Any) -> Iterator[Json]:
    one = as_object(value)
    if one is not None:
        yield one
    for entry in as_list(value) or []:
        yield from _flat(entry)


def name_elements(blocks: Any) -> None:
    """Give pressable elements without an action_id one, as Slack does, so that they can be told apart."""
    for block in objects_at({"blocks": blocks}, "blocks"):
        for number, element in enumerate(_unnamed(block)):
            element["action_id"] = f"unnamed-{number}"


def _unnamed(node: Json) -> Iterator[Json]:
    for name in _NESTING:
        for child in _flat(node.get(name)):
            yield from _unnamed(child)
            if text_at(child, "type") in _PRESSABLE and "action_id" not in child:
                yield child


def find_action(blocks: Any, action_id: str, block_id: str | None, value: Any) -> Json | None:
    """The action a press on this element sends; None when there is no such element."""
    for found_block, element in elements_of(blocks):
        if element["action_id"] == action_id and block_id in {None, found_block}:
            return {"action_id": action_id, "block_id": found_block, **_pressed(element, value)}
    return None


def _pressed(element: Json, value: Any) -> Json:
    kind = text_at(element, "type")
    action: Json = {"type": kind}
    if kind in {"button", "icon_button"}:
        action["text"] = element.get("text")
        if "value" in element:
            action["value"] = element["value"]
        return action
    if kind == "feedback_buttons":
        wanted = (
            "negative_button" if value in {"negative", _value_of(element, "negative_button")} else "positive_button"
        )
        return action | {"value": _value_of(element, wanted), "text": object_at(element, wanted).get("text")}
    return action | {name: entry for name, entry in _entered(element, value).items() if name != "type"}


def _value_of(element: Json, name: str) -> Any:
    return object_at(element, name).get("value")


def gather_state(blocks: Any, values: Json) -> Json:
    """`state.values` of a payload from what was entered, {block_id: {action_id: value}}. Raises InputError.

    What was entered in a block that is gone is dropped, as Slack does.
    """
    state: Json = {}
    for block_id, element in elements_of(blocks):
        if text_at(element, "type") not in _STATEFUL:
            continue
        action_id = text_at(element, "action_id")
        entered = object_at(values, block_id)
        value = entered[action_id] if action_id in entered else _initial(element)
        state.setdefault(block_id, {})[action_id] = _entered(element, value)
    return state


def refuse_unknown_blocks(blocks: Any, values: Json) -> None:
    """Raises InputError when a value is meant for a block that is not there."""
    known = {block_id for block_id, _ in elements_of(blocks)}
    unknown = set(values) - known
    if unknown:
        raise InputError(
            f"There is no input block {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}."
        )


def missing_inputs(blocks: Any, state: Json) -> list[str]:
    """Block ids of required inputs that are empty."""
    required = [block for block in objects_at({"b": blocks}, "b") if block.get("type") == "input"]
    empty: list[str] = []
    for block in required:
        block_id = text_at(block, "block_id")
        entries = object_at(state, block_id).values()
        filled = any(value for entry in entries for name, value in (as_object(entry) or {}).items() if name != "type")
        if not filled and not block.get("optional"):
            empty.append(block_id)
    return empty


def _initial(element: Json) -> Any:
    for name in ("initial_value", "initial_user", "initial_users", "initial_channel", "initial_conversation"):
        if name in element:
            return element[name]
    for name in ("initial_date", "initial_time", "initial_option", "initial_options"):
        if name in element:
            return element[name]
    return None


def _entered(element: Json, value: Any) -> Json:
    """A value in the form in which payloads carry it."""
    kind = text_at(element, "type")
    given = as_object(value)
    if given is not None and given.get("type") == kind:
        return given
    if kind in _SINGLE:
        return {"type": kind, _SINGLE[kind]: value}
    if kind == "multi_users_select":
        return {"type": kind, "selected_users": as_list(value) or []}
    if kind in {"static_select", "radio_buttons", "overflow"}:
        return {"type": kind, "selected_option": None if value is None else _option(element, value)}
    if kind in {"multi_static_select", "checkboxes"}:
        return {"type": kind, "selected_options": [_option(element, each) for each in as_list(value) or []]}
    return {"type": kind, "value": None if value in {None, ""} else str(value)}


def _option(element: Json, value: Any) -> Json:
    groups = objects_at(element, "option_groups")
    offered = [
        *objects_at(element, "options"),
        *(option for group in groups for option in objects_at(group, "options")),
    ]
    wanted = (as_object(value) or {}).get("value", value)
    for option in offered:
        if option.get("value") == wanted:
            return option
    names = ", ".join(str(option.get("value")) for option in offered)
    raise InputError(f"{text_at(element, 'action_id')} has no option {wanted!r}; it has: {names}.")
