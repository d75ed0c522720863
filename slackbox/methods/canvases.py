"""canvases.* and conversations.canvases.create: documents in Markdown, one change a call.

What a workspace may do depends on its plan: one that does not pay has canvases only as a channel's tab, one for each.
"""

from typing import Final

from slackbox.canvases import Canvas
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object, object_at, text_at
from slackbox.methods.call import Call, Method
from slackbox.workspace import Channel

SECTION_KINDS: Final = frozenset({"any_header", "h1", "h2", "h3"})


def methods() -> list[Method]:
    write, read = ("canvases:write",), ("canvases:read",)
    return [
        Method(name="canvases.create", run=create, scopes=write, tier=2),
        Method(name="canvases.edit", run=edit, scopes=write),
        Method(name="canvases.delete", run=delete, scopes=write),
        Method(name="canvases.getContent", run=get_content, scopes=read),
        Method(name="canvases.sections.lookup", run=look_up, scopes=read),
        Method(name="conversations.canvases.create", run=create_in_channel, scopes=write, tier=2),
    ]


def create(call: Call) -> Json:
    _require_enabled(call)
    if call.optional("channel_id"):
        channel = call.channel("channel_id")
        if call.box.options.free_plan and channel.canvas is not None:
            raise Refusal("free_team_canvas_tab_already_exists")
        return _made(call, channel)
    if call.box.options.free_plan:
        raise Refusal("free_teams_cannot_create_standalone_canvases")
    return _made(call, None)


def create_in_channel(call: Call) -> Json:
    _require_enabled(call)
    channel = call.channel("channel_id")
    if channel.canvas is not None:
        free = call.box.options.free_plan
        raise Refusal("free_team_canvas_tab_already_exists" if free else "channel_canvas_already_exists")
    return _made(call, channel)


def edit(call: Call) -> Json:
    _require_enabled(call)
    canvas = _found(call)
    if call.box.options.free_plan and canvas.channel is None:
        raise Refusal("free_teams_cannot_edit_standalone_canvases")
    changes = as_list(call.args.get("changes")) or []
    if len(changes) != 1:
        raise Refusal("invalid_arguments", messages=["[ERROR] exactly one item is allowed [json-pointer:/changes]"])
    canvas.change(as_object(changes[0]) or {})
    return {}


def delete(call: Call) -> Json:
    canvas = _found(call)
    del call.box.workspace.canvases[canvas.id]
    channel = call.box.workspace.channels.get(canvas.channel or "")
    if channel is not None and channel.canvas == canvas.id:
        channel.canvas = None
        call.box.feed.publish({"type": "channel", "channel": channel.id})
    return {}


def get_content(call: Call) -> Json:
    canvas = _found(call)
    return {"canvas_id": canvas.id, "title": canvas.title, "content": {"type": "markdown", "markdown": canvas.markdown}}


def look_up(call: Call) -> Json:
    canvas = _found(call)
    criteria = as_object(call.args.get("criteria")) or {}
    kinds = {str(each) for each in as_list(criteria.get("section_types")) or []}
    text = text_at(criteria, "contains_text")
    if (not kinds and not text) or kinds - SECTION_KINDS:
        raise Refusal("invalid_arguments", messages=["[ERROR] unknown or no criteria [json-pointer:/criteria]"])
    found = [
        section
        for section in canvas.sections
        if (not kinds or section.kind in kinds or ("any_header" in kinds and section.kind.startswith("h")))
        and text.lower() in section.markdown.lower()
    ]
    return {"sections": [{"id": section.id} for section in found]}


def _made(call: Call, channel: Channel | None) -> Json:
    workspace = call.box.workspace
    canvas = Canvas(
        id=workspace.next_id("F"), title=call.optional("title") or "", channel=channel.id if channel else None
    )
    content = object_at(call.args, "document_content")
    try:
        canvas.sections = canvas.parse(content) if content else []
    except Refusal as refusal:
        raise Refusal("canvas_creation_failed", detail=refusal.detail) from refusal
    workspace.canvases[canvas.id] = canvas
    if channel is not None:
        channel.canvas = channel.canvas or canvas.id
        call.box.feed.publish({"type": "channel", "channel": channel.id})
    return {"canvas_id": canvas.id}


def _found(call: Call) -> Canvas:
    """Raises Refusal canvas_not_found, also for the tab of a channel that the bot is not in."""
    canvas = call.box.workspace.canvases.get(call.required("canvas_id", "canvas_not_found"))
    channel = call.box.workspace.channels.get(canvas.channel) if canvas and canvas.channel else None
    if canvas is None or (channel is not None and call.box.workspace.names.bot_user not in channel.members):
        raise Refusal("canvas_not_found")
    return canvas


def _require_enabled(call: Call) -> None:
    if not call.box.options.canvases:
        raise Refusal("canvas_disabled_user_team")
