"""views.*, blocks.validate, assistant.threads.setStatus, apps.connections.open."""

import json
from typing import Any

from slackbox import limits
from slackbox.blocks import validate_blocks, validate_view
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object
from slackbox.methods.call import Call, Method


def methods() -> list[Method]:
    return [
        Method(name="apps.connections.open", run=open_connection, caller="app"),
        Method(name="views.open", run=open_view, tier=4),
        Method(name="views.push", run=push_view, tier=4),
        Method(name="views.update", run=update_view, tier=4),
        Method(name="views.publish", run=publish_view, tier=4),
        Method(name="blocks.validate", run=validate, caller="none", tier=0),
        Method(name="assistant.threads.setStatus", run=set_status, scopes=("chat:write", "assistant:write"), tier=0),
    ]


def open_connection(call: Call) -> Json:
    if not call.box.manifest.socket_mode:
        raise Refusal("forbidden_team", messages=["Socket Mode is not enabled in the app manifest"])
    return {"url": call.box.sockets.issue(call.netloc)}


def open_view(call: Call) -> Json:
    view = _view(call)
    trigger = call.box.permits.use_trigger(call.required("trigger_id", "invalid_trigger_id"))
    return {"view": call.box.views.open(trigger.user, view)}


def push_view(call: Call) -> Json:
    view = _view(call)
    trigger = call.box.permits.use_trigger(call.required("trigger_id", "invalid_trigger_id"))
    if trigger.over_view is None:
        raise Refusal("invalid_trigger_id", messages=["views.push needs a trigger from inside a modal"])
    return {"view": call.box.views.push(trigger.user, view)}


def update_view(call: Call) -> Json:
    view_id = call.optional("view_id") or call.required("external_id")
    return {"view": call.box.views.update(view_id, _view(call), call.optional("hash"))}


def publish_view(call: Call) -> Json:
    user = call.required("user_id")
    if not call.box.manifest.home_tab:
        raise Refusal("not_enabled")
    if user not in call.box.workspace.people:
        raise Refusal("user_not_found")
    return {"view": call.box.views.publish(user, _view(call), call.optional("hash"))}


def validate(call: Call) -> Json:
    problems = _problems(call.args)
    if problems:
        raise Refusal("invalid_blocks", messages=problems)
    return {}


def set_status(call: Call) -> Json:
    channel = call.channel("channel_id")
    thread = call.required("thread_ts")
    if thread not in channel.posts:
        raise Refusal("thread_not_found")
    loading = as_list(call.args.get("loading_messages")) or []
    if len(loading) > limits.LOADING_MESSAGES:
        raise Refusal("invalid_arguments", messages=[f"no more than {limits.LOADING_MESSAGES} loading_messages"])
    status = str(call.args.get("status") or "")
    call.box.feed.publish({"type": "status", "channel": channel.id, "thread_ts": thread, "status": status})
    return {}


def _view(call: Call) -> Json:
    view = as_object(call.args.get("view"))
    if view is None:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: view"])
    return view


def _problems(args: Json) -> list[str]:
    given = [name for name in ("blocks", "message", "view") if args.get(name) is not None]
    if len(given) != 1:
        raise Refusal("invalid_arguments", messages=["exactly one of blocks, message, view is required"])
    value: Any = args[given[0]]
    if len(json.dumps(value)) > 100_000:
        raise Refusal("invalid_arguments", messages=["the payload is longer than 100000 characters"])
    if given[0] == "blocks":
        return validate_blocks(value)
    body = as_object(value)
    if body is None:
        raise Refusal("invalid_arguments", messages=[f"{given[0]} must be an object"])
    if given[0] == "view":
        return validate_view(body, str(body.get("type")))
    return validate_blocks(body.get("blocks", []), pointer="/message/blocks")
