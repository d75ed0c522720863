"""What people do to the bot: commands, button presses, shortcuts, modals, the Home tab."""

from typing import Any

from slackbox import limits, messages
from slackbox.blocks import validate_view
from slackbox.box import Box
from slackbox.content import read_content, require_something, with_block_ids
from slackbox.delivery import Answer
from slackbox.elements import find_action, gather_state, missing_inputs, refuse_unknown_blocks
from slackbox.errors import Refusal, WorldError, nearest
from slackbox.jsons import Json, as_object, object_at, text_at
from slackbox.permits import ResponseUrl
from slackbox.workspace import Channel, Person, Post


async def run_command(box: Box, base: str, *, user: str, channel: str, command: str, text: str) -> Json:
    """A slash command. Raises WorldError when the manifest has no such command."""
    person, room = box.workspace.get_person(user), box.workspace.get_channel(channel)
    known = [each.command for each in box.manifest.commands]
    if command not in known:
        raise WorldError(f"The manifest has no command {command!r}. {nearest(command, known)}")
    shown_before = len(box.workspace.ephemerals)
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
        "trigger_id": box.permits.trigger(person.id),
    }
    answer = await box.delivery.ask("slash_commands", payload, accepts_response=True)
    if not answer.acked:
        failure = f"{command} failed with the error “operation_timeout”"
        messages.show_privately(box, room, person.id, {"type": "message", "user": "USLACKBOT", "text": failure})
    elif answer.payload:
        _respond(box, ResponseUrl(user=person.id, channel=room.id, expires=box.clock.now()), answer.payload)
    mine = [each for each in box.workspace.ephemerals[shown_before:] if each["to"] == person.id]
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
) -> Json:
    """Press a button or choose from a menu in a message. An older version's block_id still reaches the bot."""
    person, room = box.workspace.get_person(user), box.workspace.get_channel(channel)
    body, ephemeral = _message_for_press(box, room, ts, person)
    versions = [body] if ephemeral else [body, *reversed(box.workspace.get_post(channel, ts).earlier)]
    shown, action = _action_in(versions, action_id, block_id, value, where=f"message {ts} in #{room.name}")
    thread = text_at(shown, "thread_ts") or None
    container: Json = {"type": "message", "message_ts": ts, "channel_id": room.id, "is_ephemeral": ephemeral}
    payload = _common(box, person, "block_actions") | {
        "container": container | ({"thread_ts": thread} if thread else {}),
        "trigger_id": box.permits.trigger(person.id),
        "channel": {"id": room.id, "name": room.name},
        "state": {"values": gather_state(shown.get("blocks"), state or {})},
        "response_url": box.permits.response_url(
            base, user=person.id, channel=room.id, message_ts=ts, thread_ts=thread, ephemeral=ephemeral
        ),
        "actions": [action | {"action_ts": box.workspace.next_ts()}],
    }
    if not ephemeral:
        payload["message"] = {key: each for key, each in shown.items() if key != "metadata"}
    return await _interact(box, payload, accepts_response=False)


async def press_in_view(
    box: Box, *, user: str, view_id: str, action_id: str, block_id: str | None, value: Any, state: Json
) -> Json:
    """Press something in a modal or in the Home tab."""
    person, view = box.workspace.get_person(user), _open_view(box, user, view_id)
    _, action = _action_in([view], action_id, block_id, value, where=f"view {view_id}")
    view["state"] = {"values": gather_state(view["blocks"], state)}
    payload = _common(box, person, "block_actions") | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": box.permits.trigger(person.id, over_view=view["id"]),
        "view": view,
        "actions": [action | {"action_ts": box.workspace.next_ts()}],
    }
    return await _interact(box, payload, accepts_response=False)


async def use_shortcut(box: Box, base: str, *, user: str, channel: str, ts: str, callback_id: str) -> Json:
    """A message shortcut of the manifest."""
    person, room = box.workspace.get_person(user), box.workspace.get_channel(channel)
    post = box.workspace.get_post(channel, ts)
    known = [each.callback_id for each in box.manifest.shortcuts if each.kind == "message"]
    if callback_id not in known:
        raise WorldError(f"The manifest has no message shortcut {callback_id!r}. {nearest(callback_id, known)}")
    payload = _common(box, person, "message_action") | {
        "callback_id": callback_id,
        "trigger_id": box.permits.trigger(person.id),
        "response_url": box.permits.response_url(base, user=person.id, channel=room.id, thread_ts=post.thread_ts),
        "channel": {"id": room.id, "name": room.name},
        "message_ts": ts,
        "action_ts": box.workspace.next_ts(),
        "message": box.workspace.render(post),
    }
    return await _interact(box, payload, accepts_response=False)


async def submit(box: Box, *, user: str, view_id: str, values: Json) -> Json:
    """Submit a modal. Required inputs block in the client, as in Slack; the answer is acted upon."""
    person, view = box.workspace.get_person(user), _open_view(box, user, view_id)
    refuse_unknown_blocks(view["blocks"], values)
    state = gather_state(view["blocks"], values)
    missing = missing_inputs(view["blocks"], state)
    if missing:
        return {"acked": False, "errors": dict.fromkeys(missing, "Please complete this required field."), "view": view}
    view["state"] = {"values": state}
    payload: Json = _common(box, person, "view_submission") | {
        "trigger_id": box.permits.trigger(person.id, over_view=view["id"]),
        "view": view,
        "response_urls": [],
    }
    answer = await box.delivery.ask("interactive", payload, accepts_response=True)
    if not answer.acked:
        return {"acked": False, "errors": {}, "view": view}
    return _after_submission(box, person, view, answer)


async def close_view(box: Box, *, user: str, view_id: str) -> Json:
    """Dismiss a modal; the bot hears of it only if the view asked for that."""
    person, view = box.workspace.get_person(user), _open_view(box, user, view_id)
    box.views.close(person.id)
    if not view.get("notify_on_close"):
        return {"acked": True}
    payload = _common(box, person, "view_closed") | {"view": view, "is_cleared": False}
    return await _interact(box, payload, accepts_response=False)


def open_home(box: Box, *, user: str) -> Json:
    """Open the app's Home tab."""
    person = box.workspace.get_person(user)
    home = box.views.screen(person.id).home
    box.events.home_opened(person.id, home)
    return {"view": home}


def use_response_url(box: Box, name: str, body: Json) -> None:
    """A post to a response address. Raises Refusal expired_url, used_url or a content code."""
    _respond(box, box.permits.use_url(name), body)


def _respond(box: Box, permit: ResponseUrl, body: Json) -> None:
    room = box.workspace.get_channel(permit.channel)
    if body.get("delete_original"):
        _delete_original(box, room, permit)
        return
    content = read_content(box, body, method="response_url")
    require_something(content)
    if content.get("blocks"):
        content["blocks"] = with_block_ids(box, content["blocks"])
    content.setdefault("text", "")
    original = room.posts.get(permit.message_ts or "")
    if body.get("replace_original") and original is not None:
        messages.edit(box, room, original, original.body | content)
        return
    if body.get("replace_original") and permit.ephemeral:
        box.feed.publish({"type": "deleted", "channel": room.id, "ts": permit.message_ts})
    thread = text_at(body, "thread_ts") or permit.thread_ts
    if thread:
        content["thread_ts"] = thread
    if body.get("response_type") == "in_channel":
        messages.post(box, room, messages.bot_body(box, content))
    else:
        messages.show_privately(box, room, permit.user, messages.bot_body(box, content))


def _delete_original(box: Box, room: Channel, permit: ResponseUrl) -> None:
    original = room.posts.get(permit.message_ts or "")
    if original is not None:
        messages.delete(box, room, original)
    else:
        box.feed.publish({"type": "deleted", "channel": room.id, "ts": permit.message_ts})


def _common(box: Box, person: Person, kind: str) -> Json:
    if not box.manifest.interactivity:
        raise WorldError("The manifest has interactivity switched off, so Slack would not send this.")
    names = box.workspace.names
    return {
        "type": kind,
        "team": {"id": names.team, "domain": "slackbox"},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": names.team},
        "api_app_id": names.app,
        "token": "verification-token",
        "enterprise": None,
        "is_enterprise_install": False,
    }


async def _interact(box: Box, payload: Json, *, accepts_response: bool) -> Json:
    answer = await box.delivery.ask("interactive", payload, accepts_response=accepts_response)
    return {"acked": answer.acked}


def _message_for_press(box: Box, room: Channel, ts: str, person: Person) -> tuple[Json, bool]:
    private = next((each for each in box.workspace.ephemerals if each["ts"] == ts and each["to"] == person.id), None)
    if private is not None:
        return private, True
    post: Post = box.workspace.get_post(room.id, ts)
    return box.workspace.render(post), False


def _action_in(
    versions: list[Json], action_id: str, block_id: str | None, value: Any, *, where: str
) -> tuple[Json, Json]:
    """The first version that has this action, and the action as the payload shows it."""
    for body in versions:
        found = find_action(body.get("blocks"), action_id, block_id, value)
        if found is not None:
            return body, found
    raise WorldError(f"There is no {action_id!r} to press in {where}.")


def _open_view(box: Box, user: str, view_id: str) -> Json:
    found = box.views.find(view_id)
    if found is None or found[0] != box.workspace.get_person(user).id:
        raise WorldError(f"{user} has no open view {view_id!r}.")
    return found[1]


def _after_submission(box: Box, person: Person, view: Json, answer: Answer) -> Json:
    """Act on response_action; errors must name blocks that exist."""
    action = text_at(answer.payload, "response_action")
    if action == "errors":
        errors = object_at(answer.payload, "errors")
        known = {block.get("block_id") for block in view["blocks"]}
        for name in set(errors) - known:
            box.journal.violation("error_for_unknown_block", block_id=name)
        return {"acked": True, "errors": errors, "view": view}
    if action in {"update", "push"}:
        return _show_next(box, person, view, action, as_object(answer.payload.get("view")) or {})
    box.views.close(person.id, everything=action == "clear")
    return {"acked": True, "errors": {}, "view": None}


def _show_next(box: Box, person: Person, view: Json, action: str, definition: Json) -> Json:
    problems = validate_view(definition, "modal")
    if problems:
        box.journal.violation("invalid_view_in_ack", problems=problems)
        return {"acked": True, "errors": {}, "view": view}
    try:
        shown = (
            box.views.update(view["id"], definition) if action == "update" else box.views.push(person.id, definition)
        )
    except Refusal as refusal:
        box.journal.violation("view_in_ack_refused", code=refusal.code, stack=limits.VIEW_STACK)
        return {"acked": True, "errors": {}, "view": view}
    return {"acked": True, "errors": {}, "view": shown}
