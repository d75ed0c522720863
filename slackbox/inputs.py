"""Values that people enter: the form in which payloads carry each kind, and what Slack's client refuses.

A choice that nobody could make with their hands (an option that is not offered, a person who does not exist, a day that
is no day) raises InputError. What a person can type but not submit is a complaint that the modal shows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from slackbox import limits
from slackbox.blocks import validate_blocks
from slackbox.elements import STATE_FIELD, InputError, Placed, elements_of, option_of
from slackbox.errors import WorldError, nearest
from slackbox.files import File
from slackbox.jsons import Json, as_list, as_object, object_at, objects_at, text_at
from slackbox.workspace import Person, Workspace

REQUIRED = "Please complete this required field."
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
# Slack's words for kinds of conversations in a filter.
_FILTER_WORDS = {"channel": "public", "group": "private", "im": "im", "mpim": "mpim"}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

Offered = Mapping[tuple[str, str], list[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whose hand enters values, and the options that the app suggested to it, by block id and action id.

    `base` is the address of this workspace, under which uploaded files can be fetched.
    """

    workspace: Workspace
    person: Person
    offered: Offered = field(default_factory=dict[tuple[str, str], list[Json]])
    base: str = ""


def initial_state(body: Json, conversation: str | None = None) -> Json:
    """`state.values` of blocks nobody has touched. `conversation` is where the view was opened from."""
    state: Json = {}
    for placed in elements_of(body):
        if placed.kind in STATE_FIELD:
            state.setdefault(placed.block_id, {})[placed.action_id] = _initial(placed.element, conversation)
    return state


def carried_state(body: Json, before: Json, conversation: str | None = None) -> Json:
    """The state after an update: an entry stays only where block id, action id and kind are the same."""
    state = initial_state(body, conversation)
    for placed in elements_of(body):
        kept = object_at(object_at(before, placed.block_id), placed.action_id)
        if kept and kept.get("type") == placed.kind and _still_offered(placed, kept):
            state[placed.block_id][placed.action_id] = kept
    return state


def entered_state(hand: Hand, body: Json, state: Json, values: Json) -> Json:
    """The state after someone entered `values`, {block_id: {action_id: value}}. Raises InputError."""
    entered = {block_id: dict(object_at(state, block_id)) for block_id in state}
    for placed in elements_of(body):
        given = object_at(values, placed.block_id)
        if placed.kind in STATE_FIELD and placed.action_id in given:
            entry = enter(hand, placed, given[placed.action_id])
            entered.setdefault(placed.block_id, {})[placed.action_id] = entry
    return entered


def refuse_unknown(body: Json, values: Json) -> None:
    """Raises InputError when a value is meant for a block or an element that is not there."""
    known: dict[str, set[str]] = {}
    for placed in elements_of(body):
        known.setdefault(placed.block_id, set()).add(placed.action_id)
    for block_id in values:
        if block_id not in known:
            raise InputError(f"There is no input block {block_id!r}. {nearest(block_id, known)}")
        for action_id in object_at(values, block_id):
            if action_id not in known[block_id]:
                raise InputError(
                    f"Block {block_id!r} has no input {action_id!r}. {nearest(action_id, known[block_id])}"
                )


def complaints(body: Json, state: Json) -> dict[str, str]:
    """What Slack's client shows under inputs instead of submitting: block id to a sentence."""
    found: dict[str, str] = {}
    for placed in elements_of(body):
        entry = object_at(object_at(state, placed.block_id), placed.action_id)
        if not placed.is_input or placed.kind not in STATE_FIELD:
            continue
        if is_empty(entry):
            wrong = None if placed.owner.get("optional") else REQUIRED
        else:
            wrong = _COMPLAINTS.get(placed.kind, _no_complaint)(placed.element, entry)
        if wrong:
            found[placed.block_id] = wrong
    return found


def is_empty(entry: Json) -> bool:
    """Whether nothing was entered."""
    value = entry.get(STATE_FIELD.get(text_at(entry, "type"), "value"))
    if text_at(entry, "type") == "rich_text_input":
        return not _rich_words(value).strip()
    return value in (None, "", [])


def enter(hand: Hand, placed: Placed, value: Any) -> Json:
    """A value in the form in which payloads carry it; the form itself is taken too. Raises InputError."""
    given = as_object(value)
    if given is not None and given.get("type") == placed.kind:
        value = given.get(STATE_FIELD[placed.kind])
    return {"type": placed.kind, STATE_FIELD[placed.kind]: _FORMS[placed.kind](hand, placed, value)}


def _initial(element: Json, conversation: str | None) -> Json:
    kind = text_at(element, "type")
    name = STATE_FIELD[kind]
    empty: Any = [] if name.endswith("s") else None
    value = element.get(f"initial_{name.removeprefix('selected_').removeprefix('rich_text_')}", empty)
    if element.get("default_to_current_conversation") and conversation and not value:
        value = [conversation] if name.endswith("s") else conversation
    return {"type": kind, name: value}


def _still_offered(placed: Placed, entry: Json) -> bool:
    if "options" not in placed.element and "option_groups" not in placed.element:
        return True
    value = entry.get(STATE_FIELD[placed.kind])
    chosen = [value] if as_object(value) else as_list(value) or []
    return all(option in offered_by(placed.element) for option in chosen)


def offered_by(element: Json) -> list[Json]:
    """The options an element shows by itself."""
    groups = objects_at(element, "option_groups")
    return [*objects_at(element, "options"), *(each for group in groups for each in objects_at(group, "options"))]


def _text(_hand: Hand, _placed: Placed, value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _day(_hand: Hand, placed: Placed, value: Any) -> str | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise InputError(f"{placed.action_id} takes a day as YYYY-MM-DD, not {value!r}.") from error


def _time(_hand: Hand, placed: Placed, value: Any) -> str | None:
    if value in (None, ""):
        return None
    if not _TIME.fullmatch(str(value)):
        raise InputError(f"{placed.action_id} takes a time as HH:MM from 00:00 to 23:59, not {value!r}.")
    return str(value)


def _moment(_hand: Hand, placed: Placed, value: Any) -> int | None:
    if value in (None, ""):
        return None
    if not re.fullmatch(r"\d{10}", str(value)):
        raise InputError(f"{placed.action_id} takes seconds since the epoch, ten digits, not {value!r}.")
    return int(value)


def _option(hand: Hand, placed: Placed, value: Any) -> Json | None:
    return None if value in (None, "") else option_of(placed.element, value, _choices(hand, placed))


def _options(hand: Hand, placed: Placed, value: Any) -> list[Json]:
    choices = _choices(hand, placed)
    return _few(placed, [option_of(placed.element, each, choices) for each in as_list(value) or []])


def _choices(hand: Hand, placed: Placed) -> list[Json]:
    if "external" not in placed.kind:
        return offered_by(placed.element)
    initial = as_object(placed.element.get("initial_option"))
    suggested = hand.offered.get((placed.block_id, placed.action_id), [])
    return [*suggested, *([initial] if initial else []), *objects_at(placed.element, "initial_options")]


def _few(placed: Placed, chosen: list[Any]) -> list[Any]:
    most = placed.element.get("max_selected_items")
    if isinstance(most, int) and len(chosen) > most:
        raise InputError(f"{placed.action_id} takes no more than {most} items, not {len(chosen)}.")
    return chosen


def _user(hand: Hand, _placed: Placed, value: Any) -> str | None:
    return None if value in (None, "") else hand.workspace.get_person(str(value)).id


def _channel(hand: Hand, placed: Placed, value: Any) -> str | None:
    if value in (None, ""):
        return None
    channel = hand.workspace.get_channel(str(value))
    if channel.kind != "channel":
        raise InputError(f"{placed.action_id} offers public channels only; #{channel.name} is none.")
    return channel.id


def _conversation(hand: Hand, placed: Placed, value: Any) -> str | None:
    if value in (None, ""):
        return None
    channel = hand.workspace.get_channel(str(value))
    included = as_list(object_at(placed.element, "filter").get("include"))
    kind = _FILTER_WORDS[channel.kind]
    if included is not None and kind not in included:
        raise InputError(f"{placed.action_id} does not offer {kind} conversations such as #{channel.name}.")
    if kind != "public" and hand.person.id not in channel.members:
        raise WorldError(f"{hand.person.name} is not in #{channel.name} and cannot see it.")
    return channel.id


def _each(one: Callable[[Hand, Placed, Any], str | None]) -> Callable[[Hand, Placed, Any], list[str]]:
    def form(hand: Hand, placed: Placed, value: Any) -> list[str]:
        chosen = [one(hand, placed, each) for each in as_list(value) or []]
        return _few(placed, [each for each in chosen if each is not None])

    return form


def _rich_text(_hand: Hand, placed: Placed, value: Any) -> Json | None:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": value}]}
        return {"type": "rich_text", "elements": [section]}
    block = as_object(value)
    problems = validate_blocks([block]) if block and block.get("type") == "rich_text" else ["not a rich_text block"]
    if block is None or problems:
        raise InputError(f"{placed.action_id} takes a text or a rich_text block: {'; '.join(problems)}.")
    return block


def _files(hand: Hand, placed: Placed, value: Any) -> list[Json]:
    files = [_file(hand, each) for each in as_list(value) or []]
    most = placed.element.get("max_files", limits.FILE_INPUT_FILES)
    if len(files) > most:
        raise InputError(f"{placed.action_id} takes no more than {most} files, not {len(files)}.")
    allowed = as_list(placed.element.get("filetypes"))
    for each in files:
        if allowed is not None and each.name.rpartition(".")[2].lower() not in allowed:
            raise InputError(f"{placed.action_id} takes files of type {', '.join(allowed)}, not {each.name}.")
        if each.length > limits.FILE_INPUT_BYTES:
            raise InputError(
                f"{placed.action_id} takes files up to {limits.FILE_INPUT_BYTES} bytes; {each.name} has {each.length}."
            )
    hand.workspace.files |= {each.id: each for each in files}
    return [each.describe(hand.base) for each in files]


def _file(hand: Hand, value: Any) -> File:
    """A file that is there already, by its id, or a new one: its name, or {name, content}."""
    given = as_object(value) or {"name": str(value)}
    known = hand.workspace.files.get(text_at(given, "id") or str(value))
    if known is not None:
        return known
    data, number = text_at(given, "content").encode(), hand.workspace.next_id("F")
    return File(
        id=number,
        name=text_at(given, "name", "file"),
        length=len(data),
        user=hand.person.id,
        ticket=number,
        created=hand.workspace.seconds(),
        data=data,
        state="complete",
    )


def _rich_words(value: Any) -> str:
    """The words of rich text, to tell whether there are any."""
    block = as_object(value)
    if block is not None:
        return text_at(block, "text") + _rich_words(block.get("elements"))
    return "".join(_rich_words(each) for each in as_list(value) or [])


def _typed_length(element: Json, entry: Json) -> str | None:
    length = len(text_at(entry, "value"))
    least, most = element.get("min_length", 0), element.get("max_length", limits.PLAIN_TEXT_INPUT)
    if length < least:
        return f"Please enter {least} or more characters."
    return f"Please enter {most} or fewer characters." if length > most else None


def _number(element: Json, entry: Json) -> str | None:
    try:
        value = Decimal(text_at(entry, "value"))
    except InvalidOperation:
        return "Please enter a number."
    if not value.is_finite():
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and ("." in text_at(entry, "value") or value != value.to_integral_value()):
        return "Please enter a number without decimals."
    least, most = _bound(element, "min_value"), _bound(element, "max_value")
    if least is not None and value < least:
        return f"Please enter a number of {least} or more."
    return f"Please enter a number of {most} or less." if most is not None and value > most else None


def _bound(element: Json, name: str) -> Decimal | None:
    try:
        return Decimal(str(element[name])) if name in element else None
    except InvalidOperation:
        return None


def _email(_element: Json, entry: Json) -> str | None:
    return None if _EMAIL.fullmatch(text_at(entry, "value")) else "Please enter a valid email address."


def _address(_element: Json, entry: Json) -> str | None:
    try:
        parts = urlsplit(text_at(entry, "value"))
    except ValueError:
        return "Please enter a valid URL."
    return None if parts.scheme in {"http", "https"} and parts.hostname else "Please enter a valid URL."


def _no_complaint(_element: Json, _entry: Json) -> str | None:
    return None


_FORMS: Mapping[str, Callable[[Hand, Placed, Any], Any]] = {
    "channels_select": _channel,
    "checkboxes": _options,
    "conversations_select": _conversation,
    "datepicker": _day,
    "datetimepicker": _moment,
    "email_text_input": _text,
    "external_select": _option,
    "file_input": _files,
    "multi_channels_select": _each(_channel),
    "multi_conversations_select": _each(_conversation),
    "multi_external_select": _options,
    "multi_static_select": _options,
    "multi_users_select": _each(_user),
    "number_input": _text,
    "plain_text_input": _text,
    "radio_buttons": _option,
    "rich_text_input": _rich_text,
    "static_select": _option,
    "timepicker": _time,
    "url_text_input": _text,
    "users_select": _user,
}
_COMPLAINTS: Mapping[str, Callable[[Json, Json], str | None]] = {
    "email_text_input": _email,
    "number_input": _number,
    "plain_text_input": _typed_length,
    "url_text_input": _address,
}
