"""views.*, blocks.validate, apps.connections.open."""

from slackbox.errors import Refusal
from slackbox.jsons import Json, as_object
from slackbox.methods.call import Call, Method
from slackbox.methods.validation import validate
from slackbox.permits import Trigger


def methods() -> list[Method]:
    return [
        Method(name="apps.connections.open", run=open_connection, caller="app"),
        Method(name="views.open", run=open_view, tier=4),
        Method(name="views.push", run=push_view, tier=4),
        Method(name="views.update", run=update_view, tier=4),
        Method(name="views.publish", run=publish_view, tier=4),
        Method(name="blocks.validate", run=validate, caller="none", tier=0),
    ]


def open_connection(call: Call) -> Json:
    if call.http_verb != "POST":
        raise Refusal("insecure_request")
    if not call.box.manifest.socket_mode:
        raise Refusal("forbidden_team", messages=["Socket Mode is not enabled in the app manifest"])
    return {"url": call.box.sockets.issue(call.netloc)}


def open_view(call: Call) -> Json:
    view, trigger = _modal_and_trigger(call)
    return {"view": call.box.views.open(trigger.user, view, channel=trigger.channel)}


def push_view(call: Call) -> Json:
    view, trigger = _modal_and_trigger(call)
    if trigger.over_view is None:
        raise Refusal("invalid_trigger_id", messages=["views.push needs a trigger from inside a modal"])
    return {"view": call.box.views.push(trigger.user, view, over=trigger.over_view)}


def update_view(call: Call) -> Json:
    view_id, views = call.optional("view_id"), call.box.views
    found = views.find(view_id) if view_id else views.find_external(call.required("external_id"))
    return {"view": views.update(found, _view(call), call.optional("hash"))}


def publish_view(call: Call) -> Json:
    user = call.required("user_id")
    if not call.box.manifest.home_tab:
        raise Refusal("not_enabled")
    if user not in call.box.workspace.people:
        raise Refusal("user_not_found")
    return {"view": call.box.views.publish(user, _view(call), call.optional("hash"))}


def _modal_and_trigger(call: Call) -> tuple[Json, Trigger]:
    """A view that cannot be shown does not spend its trigger. Without interactivity nothing in it could be sent."""
    if not call.box.manifest.interactivity:
        raise Refusal("not_enabled")
    view = _view(call)
    call.box.views.check(view, "modal")
    return view, call.box.permits.use_trigger(call.required("trigger_id", "invalid_trigger_id"))


def _view(call: Call) -> Json:
    view = as_object(call.args.get("view"))
    if view is None:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: view"])
    return view
