"""What an app posts to a response address, and what it answers to a command.

Five posts within thirty minutes; ephemeral unless `response_type` is in_channel; in the thread only when `thread_ts` says
so. A post that answers a click on a message replaces that message unless it says `replace_original: false`.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from slackbox import ephemerals, messages
from slackbox.box import Box
from slackbox.content import read_content, require_something, with_block_ids
from slackbox.errors import Refusal
from slackbox.jsons import Json, text_at
from slackbox.permits import ResponseUrl
from slackbox.workspace import Channel

_CONTENT = ("text", "blocks", "attachments", "markdown_text")


def use_response_url(box: Box, name: str, body: Json) -> None:
    """A post to a response address. Raises Refusal: expired_url, used_url, message_not_found or a content code."""
    permit = box.permits.find_url(name)
    _respond(box, permit, body)
    permit.uses += 1


def answer_command(box: Box, user: str, channel: str, body: Json) -> None:
    """The payload of a command's acknowledgement. One that Slack would not show is recorded as a violation."""
    try:
        _respond(box, box.permits.for_acknowledgement(user, channel), body)
    except Refusal as refusal:
        box.journal.violation("invalid_command_response", code=refusal.code, problems=list(refusal.messages))


def _respond(box: Box, permit: ResponseUrl, body: Json) -> None:
    room = box.workspace.get_channel(permit.channel)
    deletes = _flag(body, "delete_original")
    content = {} if deletes and not any(body.get(part) for part in _CONTENT) else _content(box, body)
    if not deletes and _replaces(permit, body):
        _replace_original(box, room, permit, content)
        return
    thread = _thread(room, text_at(body, "thread_ts"))
    if deletes:
        _delete_original(box, room, permit)
    if content:
        _post_new(box, room, permit, content | thread, in_channel=body.get("response_type") == "in_channel")


def _flag(body: Json, name: str) -> bool:
    """Slack's own examples write these flags as text."""
    return str(body.get(name)).lower() in {"1", "true"}


def _replaces(permit: ResponseUrl, body: Json) -> bool:
    if permit.message_ts is None:
        return False
    if body.get("replace_original") is not None:
        return _flag(body, "replace_original")
    # A message that everyone sees cannot become one that a single person sees, so asking for that posts anew.
    return permit.ephemeral or body.get("response_type") != "ephemeral"


def _content(box: Box, body: Json) -> Json:
    content = read_content(box, body, method="response_url")
    require_something(content)
    if content.get("blocks"):
        content["blocks"] = with_block_ids(box, content["blocks"])
    content.setdefault("text", "")
    return content


def _thread(room: Channel, thread_ts: str) -> Json:
    if not thread_ts:
        return {}
    parent = room.posts.get(thread_ts)
    if parent is None:
        raise Refusal("thread_not_found")
    return {"thread_ts": parent.thread_ts or parent.ts}


def _post_new(box: Box, room: Channel, permit: ResponseUrl, content: Json, *, in_channel: bool) -> None:
    if in_channel:
        messages.post(box, room, messages.bot_body(box, content))
    else:
        messages.show_privately(box, room, permit.user, messages.bot_body(box, content))


def _replace_original(box: Box, room: Channel, permit: ResponseUrl, content: Json) -> None:
    """The whole content is replaced: a text alone takes the buttons away. Its visibility stays as it was."""
    if permit.ephemeral:
        shown = ephemerals.find(box, permit.user, permit.message_ts or "")
        if shown is not None:
            ephemerals.replace(box, shown, content)
        return
    original = room.posts.get(permit.message_ts or "")
    if original is None:
        raise Refusal("message_not_found")
    kept = {name: value for name, value in original.body.items() if name not in _CONTENT}
    messages.edit(box, room, original, kept | content)


def _delete_original(box: Box, room: Channel, permit: ResponseUrl) -> None:
    if permit.ephemeral:
        shown = ephemerals.find(box, permit.user, permit.message_ts or "")
        if shown is not None:
            ephemerals.remove(box, shown)
        return
    original = room.posts.get(permit.message_ts or "")
    if original is not None:
        messages.delete(box, room, original)
    elif permit.message_ts is not None:
        raise Refusal("message_not_found")
