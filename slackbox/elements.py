"""Elements of a message or a view: where each stands, and the action that pressing it sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slackbox.errors import SlackboxError, nearest
from slackbox.jsons import Json, as_list, as_object, object_at, objects_at, text_at

_NESTING = ("child_blocks", "elements", "actions", "rows", "accessory", "element")

# Type of an element that keeps a choice to the field that holds it, in `state` and in an action.
STATE_FIELD = {
    "channels_select": "selected_channel",
    "checkboxes": "selected_options",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "email_text_input": "value",
    "external_select": "selected_option",
    "file_input": "files",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "multi_external_select": "selected_options",
    "multi_static_select": "selected_options",
    "multi_users_select": "selected_users",
    "number_input": "value",
    "plain_text_input": "value",
    "radio_buttons": "selected_option",
    "rich_text_input": "rich_text_value",
    "static_select": "selected_option",
    "timepicker": "selected_time",
    "url_text_input": "value",
    "users_select": "selected_user",
}
_PRESSABLE = frozenset(STATE_FIELD) | {"button", "overflow", "feedback_buttons", "icon_button"}
_VALUED = frozenset({"button", "icon_button"})


class InputError(SlackboxError):
    """A value does not fit the element it is meant for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An element and where it stands. `owner` is what directly holds it; `attachment` counts from 1."""

    block_id: str
    element: Json
    owner: Json
    attachment: int | None = None

    @property
    def action_id(self) -> str:
        return text_at(self.element, "action_id")

    @property
    def kind(self) -> str:
        return text_at(self.element, "type")

    @property
    def is_input(self) -> bool:
        """Whether it stands in an input block, whose value waits for the modal to be submitted."""
        return self.owner.get("type") == "input"

    @property
    def is_live(self) -> bool:
        """Whether using it tells the app at once."""
        return not self.is_input or bool(self.owner.get("dispatch_action"))


def elements_of(body: Json) -> Iterator[Placed]:
    """Every interactive element of a message or a view: nested ones and those of attachments too."""
    for block in objects_at(body, "blocks"):
        yield from _inside(block, text_at(block, "block_id"), None)
    for number, attachment in enumerate(objects_at(body, "attachments"), start=1):
        for block in objects_at(attachment, "blocks"):
            yield from _inside(block, text_at(block, "block_id"), number)


def _inside(node: Json, block_id: str, attachment: int | None) -> Iterator[Placed]:
    for name in _NESTING:
        for child in _flat(node.get(name)):
            # A nested layout block brings its own block id; an element belongs to the block around it.
            yield from _inside(child, text_at(child, "block_id") or block_id, attachment)
            if "action_id" in child:
                yield Placed(block_id=block_id, element=child, owner=node, attachment=attachment)


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


def find_element(body: Json, action_id: str, block_id: str | None = None, value: Any = None) -> Placed | None:
    """The element with this action id; the block id, or a button's value, tells equal ones apart.

    Raises InputError when no button of that name has the value.
    """
    found = [each for each in elements_of(body) if each.action_id == action_id and block_id in {None, each.block_id}]
    fitting = [each for each in found if value is None or _may_have(each, value)]
    if found and not fitting:
        values = [str(each.element.get("value")) for each in found]
        raise InputError(f"No button {action_id!r} has the value {value!r}. {nearest(str(value), values)}")
    return fitting[0] if fitting else None


def _may_have(placed: Placed, value: Any) -> bool:
    return placed.kind not in _VALUED or placed.element.get("value") == value


def known_actions(body: Json) -> list[str]:
    """What can be pressed, for the text of an error."""
    return sorted({each.action_id for each in elements_of(body)})


def pressed(placed: Placed, value: Any) -> Json:
    """The fields of an action that an element without state sends: a button, feedback or a line of an overflow menu.

    Raises InputError for a value that the element does not offer.
    """
    element, action = placed.element, {"type": placed.kind}
    if placed.kind == "feedback_buttons":
        return action | _feedback(element, value)
    if placed.kind == "overflow":
        return action | {"selected_option": option_of(element, value, objects_at(element, "options"))}
    return action | {name: element[name] for name in ("text", "value", "url") if name in element}


def _feedback(element: Json, value: Any) -> Json:
    sides = {"positive": object_at(element, "positive_button"), "negative": object_at(element, "negative_button")}
    for name, side in sides.items():
        if value in {None, name, side.get("value")}:
            return {"value": side.get("value"), "text": side.get("text")}
    raise InputError(f"{text_at(element, 'action_id')} takes positive or negative, not {value!r}.")


def option_of(element: Json, value: Any, offered: list[Json]) -> Json:
    """The offered option with this value. Raises InputError that names what there is."""
    wanted = (as_object(value) or {}).get("value", value)
    for option in offered:
        if option.get("value") == wanted:
            return option
    names = ", ".join(str(option.get("value")) for option in offered) or "none"
    raise InputError(f"{text_at(element, 'action_id')} has no option {wanted!r}; it has: {names}.")
