"""What people do to the bot outside modals: commands, presses in messages, shortcuts, menus that ask for options.

Modals and the Home tab are in modals.py; what the bot answers to a response address is in responses.py.
"""

import copy
from typing import Any

from slackbox import ephemerals, limits, messages
from slackbox.blocks import validate_blocks
from slackbox.box import Box
from slackbox.elements import (
    STATE_FIELD,
    InputError,
    Placed,
    elements_of,
    find_element,
    known_actions,
    pressed,
)
from slackbox.errors import WorldError, nearest
from slackbox.inputs import Hand, carried_state, enter, entered_state
from slackbox.jsons import Json, as_list, objects_at, text_at
from slackbox.payloads import common, interact, stand_in
from slackbox.responses import answer_command, use_response_url
from slackbox.workspace import Channel, Person

__all__ = [
    "act_on",
    "ask_for_options",
    "press",
    "run_command",
    "suggest",
    "use_global_shortcut",
    "use_response_url",
    "use_shortcut",
]


async def run_command(
    box: Box, base: str, *, user: str, channel: str, command: str, text: str, thread_ts: str | None = None
) -> Json:
    """A slash command. Raises WorldError when the manifest has no such command, and inside a thread."""
    person, room = stand_in(box, user, channel)
    known = [each.command for each in box.manifest.commands]
    if command not in known:
        raise WorldError(f"The manifest has no command {command!r}. {nearest(command, known)}")
    if thread_ts is not None:
        raise WorldError(f"{command} is not supported in threads: Slack runs commands in channels only.")
    before = box.workspace.next_ts()
    payload = {
        "token": "verification-token",
        "team_id": box.workspace.names.team,
        "team_domain": "slackbox",
        "channel_id": room.id,
        "channel_name": room.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": box.workspace.names.app,
        "is_enterprise_install": "false",
        "response_url": box.permits.response_url(base, user=person.id, channel=room.id),
        "trigger_id": box.permits.trigger(person.id, channel=room.id),
    }
    answer = await box.delivery.ask("slash_commands", payload, accepts_response=True)
    if not answer.acked:
        failure = f"{command} failed with the error “operation_timeout”"
        messages.show_privately(box, room, person.id, {"type": "message", "user": "USLACKBOT", "text": failure})
    elif answer.payload:
        answer_command(box, person.id, room.id, answer.payload)
    mine = [each for each in ephemerals.shown_to(box, person.id, room.id) if each["ts"] > before]
    return {"acked": answer.acked, "response": answer.payload, "ephemeral": mine}


async def press(
    box: Box,
    base: str,
    *,
    user: str,
    channel: str,
    ts: str,
    action_id: str,
    block_id: str | None = None,
    value: Any = None,
    state: Json | None = None,
    confirm: bool = True,
) -> Json:
    """Press a button or choose from a menu in a message. An older version's block_id still reaches the bot.

    The payload carries the message as it was when that version was shown. `confirm` is what the person answers when the
    element asks first; declined, nothing is sent. Returns {acked}, and `url` for a button that opens one.
    """
    person, room = stand_in(box, user, channel)
    versions, ephemeral = _versions(box, room, ts, person)
    shown, placed = _element_in(versions, action_id, block_id, value, where=f"message {ts} in #{room.name}")
    screen = box.views.screen(person.id)
    hand = Hand(workspace=box.workspace, person=person, offered=screen.offered.get(ts, {}))
    entered = entered_state(hand, shown, carried_state(shown, screen.chosen.get(ts, {})), state or {})
    action = act_on(hand, placed, value, entered)
    if not asked(placed, confirm):
        return {"acked": False, "declined": True}
    screen.chosen[ts] = entered
    payload = common(box, person, "block_actions") | {
        "container": _container(shown, placed, room, ts, ephemeral=ephemeral),
        "trigger_id": box.permits.trigger(person.id, channel=room.id),
        "channel": {"id": room.id, "name": room.name},
        "state": {"values": copy.deepcopy(entered)},
        "response_url": box.permits.response_url(
            base, user=person.id, channel=room.id, message_ts=ts, ephemeral=ephemeral
        ),
        "actions": [action | {"action_ts": box.workspace.next_ts()}],
    }
    if not ephemeral:
        payload["message"] = shown
    return await interact(box, payload) | ({"url": action["url"]} if "url" in action else {})


def act_on(hand: Hand, placed: Placed, value: Any, entered: Json) -> Json:
    """The action that using an element sends; what it chooses is put into `entered`.

    Raises WorldError for an element this person does not see and for an input that waits for the submission because it
    has no `dispatch_action`; InputError for a value it does not offer.
    """
    if not placed.is_live:
        raise WorldError(f"{placed.action_id!r} tells the app nothing before it is submitted: no dispatch_action.")
    visible = as_list(placed.element.get("visible_to_user_ids"))
    if visible is not None and hand.person.id not in visible:
        raise WorldError(
            f"{hand.person.name} does not see {placed.action_id!r}; it is visible to {', '.join(visible)}."
        )
    if placed.kind in STATE_FIELD:
        if value is None and placed.is_input:
            entry = entered[placed.block_id][placed.action_id]
        else:
            entry = enter(hand, placed, value)
        entered.setdefault(placed.block_id, {})[placed.action_id] = entry
        fields = copy.deepcopy(entry)
    else:
        fields = copy.deepcopy(pressed(placed, value))
    return {"action_id": placed.action_id, "block_id": placed.block_id, **fields}


def asked(placed: Placed, confirm: bool) -> bool:
    """Whether the press goes on. Raises WorldError when there is nothing to decline."""
    if not confirm and "confirm" not in placed.element:
        raise WorldError(f"{placed.action_id!r} does not ask for confirmation, so there is nothing to decline.")
    return confirm


async def use_shortcut(box: Box, base: str, *, user: str, channel: str, ts: str, callback_id: str) -> Json:
    """A message shortcut of the manifest; works in threads too."""
    person, room = stand_in(box, user, channel)
    post = box.workspace.get_post(channel, ts)
    _require_shortcut(box, "message", callback_id)
    payload = common(box, person, "message_action") | {
        "callback_id": callback_id,
        "trigger_id": box.permits.trigger(person.id, channel=room.id),
        "response_url": box.permits.response_url(base, user=person.id, channel=room.id),
        "channel": {"id": room.id, "name": room.name},
        "message_ts": ts,
        "action_ts": box.workspace.next_ts(),
        "message": box.workspace.render(post),
    }
    return await interact(box, payload)


async def use_global_shortcut(box: Box, *, user: str, callback_id: str) -> Json:
    """A global shortcut of the manifest; it belongs to no channel and brings no response address."""
    person = box.workspace.get_person(user)
    _require_shortcut(box, "global", callback_id)
    payload = common(box, person, "shortcut") | {
        "callback_id": callback_id,
        "trigger_id": box.permits.trigger(person.id),
        "action_ts": box.workspace.next_ts(),
    }
    return await interact(box, payload)


async def suggest(
    box: Box, *, user: str, channel: str, ts: str, action_id: str, query: str = "", block_id: str | None = None
) -> Json:
    """Type in a menu of a message whose options come from the app. Returns {acked, sent, options, option_groups}."""
    person, room = stand_in(box, user, channel)
    versions, ephemeral = _versions(box, room, ts, person)
    shown, placed = _element_in(versions, action_id, block_id, None, where=f"message {ts} in #{room.name}")
    payload = common(box, person, "block_suggestion") | {
        "container": _container(shown, placed, room, ts, ephemeral=ephemeral),
        "channel": {"id": room.id, "name": room.name},
    }
    if not ephemeral:
        payload["message"] = shown
    return await ask_for_options(box, payload, placed, query, key=ts, user=person.id)


async def ask_for_options(box: Box, payload: Json, placed: Placed, query: str, *, key: str, user: str) -> Json:
    """Ask the bot for options and remember them for this person; wrong ones are recorded and show nothing.

    Nothing is sent below `min_query_length` characters (three unless the element says otherwise).
    """
    if "external" not in placed.kind:
        raise InputError(f"{placed.action_id!r} is a {placed.kind}; only external menus ask the app for options.")
    nothing: Json = {"acked": False, "sent": False, "options": [], "option_groups": []}
    if len(query) < placed.element.get("min_query_length", limits.MIN_QUERY_LENGTH):
        return nothing
    asked_with = {"action_id": placed.action_id, "block_id": placed.block_id, "value": query}
    answer = await box.delivery.ask("interactive", payload | asked_with, accepts_response=True)
    groups, options = objects_at(answer.payload, "option_groups"), objects_at(answer.payload, "options")
    problems = _option_problems(answer.payload) if answer.acked else []
    if problems:
        box.journal.violation("invalid_options_in_ack", action_id=placed.action_id, problems=problems)
    if problems or not answer.acked:
        return nothing | {"acked": answer.acked, "sent": True}
    offered = box.views.screen(user).offered.setdefault(key, {})
    offered[placed.block_id, placed.action_id] = [
        *options,
        *(option for group in groups for option in objects_at(group, "options")),
    ]
    return {"acked": True, "sent": True, "options": options, "option_groups": groups}


def _option_problems(answer: Json) -> list[str]:
    """What is wrong with suggested options: they keep the rules of a static menu, but there may be none."""
    given = [name for name in ("options", "option_groups") if name in answer]
    if len(given) != 1:
        return ["exactly one of options, option_groups is required"]
    if as_list(answer[given[0]]) == []:
        return []
    menu = {"type": "static_select", "action_id": "suggested", given[0]: answer[given[0]]}
    return validate_blocks([{"type": "actions", "elements": [menu]}], pointer="/payload")


def _require_shortcut(box: Box, kind: str, callback_id: str) -> None:
    known = [each.callback_id for each in box.manifest.shortcuts if each.kind == kind]
    if callback_id not in known:
        raise WorldError(f"The manifest has no {kind} shortcut {callback_id!r}. {nearest(callback_id, known)}")


def _versions(box: Box, room: Channel, ts: str, person: Person) -> tuple[list[Json], bool]:
    """A message as it is and as it was, the newest first, and whether it is an ephemeral one."""
    private = ephemerals.find(box, person.id, ts)
    if private is not None:
        return [copy.deepcopy(private)], True
    post = box.workspace.get_post(room.id, ts)
    if post.body.get("bot_id") != box.workspace.names.bot:
        raise WorldError(f"Message {ts} in #{room.name} is not from this app; Slack would tell the app it is from.")
    versions = [box.workspace.render(post), *(copy.deepcopy(each) for each in reversed(post.earlier))]
    for each in versions:
        each.pop("metadata", None)
    return versions, False


def _element_in(
    versions: list[Json], action_id: str, block_id: str | None, value: Any, *, where: str
) -> tuple[Json, Placed]:
    """The first version that has this element, and the element. Raises WorldError, or InputError for a value."""
    wrong_value: InputError | None = None
    for body in versions:
        try:
            placed = find_element(body, action_id, block_id, value)
        except InputError as error:
            wrong_value = wrong_value or error
            continue
        if placed is not None:
            return body, placed
    if wrong_value is not None:
        raise wrong_value
    known = known_actions(versions[0])
    if action_id in known and block_id is not None:
        blocks = {each.block_id for each in elements_of(versions[0]) if each.action_id == action_id}
        raise WorldError(f"There is no {action_id!r} in block {block_id!r} of {where}. {nearest(block_id, blocks)}")
    raise WorldError(f"There is no {action_id!r} to press in {where}. {nearest(action_id, known)}")


def _container(shown: Json, placed: Placed, room: Channel, ts: str, *, ephemeral: bool) -> Json:
    container: Json = {"type": "message", "message_ts": ts, "channel_id": room.id, "is_ephemeral": ephemeral}
    if placed.attachment is not None:
        container |= {"type": "message_attachment", "attachment_id": placed.attachment, "is_app_unfurl": False}
    thread = text_at(shown, "thread_ts")
    return container | ({"thread_ts": thread} if thread else {})
