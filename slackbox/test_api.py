"""The test API: JSON over HTTP under /_test/, by which people and other senders act and tests look."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slackbox import interactions, world
from slackbox.box import Box
from slackbox.errors import SlackboxError, WorldError, nearest
from slackbox.faults import Fault
from slackbox.jsons import Json, as_object, object_at
from slackbox.socketmode import DISCONNECT_REASONS

Act = Callable[[Box, str, Json], Awaitable[Json] | Json]


def routes(box: Box) -> list[Route]:
    """One route for each act."""
    posts = [Route(f"/_test/{name}", _endpoint(box, act), methods=["POST"]) for name, act in _acts().items()]

    async def messages(request: Request) -> Response:
        channel, thread = request.query_params.get("channel", ""), request.query_params.get("thread_ts")
        return _guarded(lambda: {"messages": world.list_messages(box, channel, thread)})

    async def journal(request: Request) -> Response:
        return JSONResponse({"entries": box.journal.entries(request.query_params.get("kind"))})

    async def state(_request: Request) -> Response:
        return JSONResponse(world.describe_state(box))

    gets = {"messages": messages, "journal": journal, "state": state}
    return [*posts, *(Route(f"/_test/{name}", handler, methods=["GET"]) for name, handler in gets.items())]


def base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _guarded(run: Callable[[], Json]) -> Response:
    try:
        return JSONResponse(run())
    except SlackboxError as error:
        return JSONResponse({"error": str(error)}, 400)


def _endpoint(box: Box, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        # A page of another origin cannot send this content type without asking first.
        if not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "Send JSON with content-type: application/json."}, 415)
        try:
            body = as_object(json.loads(await request.body() or b"{}"))
            if body is None:
                raise WorldError("The body must be a JSON object.")
            given = act(box, base_url(request), body)
            result = await given if inspect.isawaitable(given) else given
        except (SlackboxError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(result, 408 if result.get("timed_out") else 200)

    return handle


def _need(body: Json, *names: str) -> dict[str, Any]:
    """The named fields. Raises WorldError that says which one is missing."""
    for name in names:
        if body.get(name) is None:
            raise WorldError(f"{name} is missing; this call needs {', '.join(names)}.")
    return {name: body[name] for name in names}


def _given(body: Json, *names: str) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) is not None}


def _acts() -> Mapping[str, Act]:
    return {
        "post": _post,
        "alert": _alert,
        "edit": _edit,
        "delete": _delete,
        "react": _react,
        "invite": _invite,
        "kick": _kick,
        "command": _command,
        "press": _press,
        "shortcut": _shortcut,
        "submit": _submit,
        "close": _close,
        "home": _home,
        "wait": _wait,
        "faults": _faults,
        "disconnect": _disconnect,
    }


def _post(box: Box, _base: str, body: Json) -> Json:
    fields = _need(body, "user", "channel", "text") | _given(body, "thread_ts")
    return {"ts": world.say(box, **fields).ts}


def _alert(box: Box, _base: str, body: Json) -> Json:
    channel = str(_need(body, "channel")["channel"])
    return {"ts": world.alert(box, channel=channel, content=body).ts}


def _edit(box: Box, _base: str, body: Json) -> Json:
    world.edit(box, **_need(body, "user", "channel", "ts", "text"))
    return {}


def _delete(box: Box, _base: str, body: Json) -> Json:
    world.delete(box, **_need(body, "user", "channel", "ts"))
    return {}


def _react(box: Box, _base: str, body: Json) -> Json:
    world.react(box, **_need(body, "user", "channel", "ts", "name"), **_given(body, "remove"))
    return {}


def _invite(box: Box, _base: str, body: Json) -> Json:
    world.invite(box, **_need(body, "user", "channel"))
    return {}


def _kick(box: Box, _base: str, body: Json) -> Json:
    world.kick(box, **_need(body, "user", "channel"))
    return {}


async def _command(box: Box, base: str, body: Json) -> Json:
    fields = _need(body, "user", "channel", "command")
    return await interactions.run_command(box, base, **fields, text=str(body.get("text") or ""))


async def _press(box: Box, base: str, body: Json) -> Json:
    if body.get("view_id"):
        fields = _need(body, "user", "view_id", "action_id")
        return await interactions.press_in_view(
            box, **fields, block_id=body.get("block_id"), value=body.get("value"), state=object_at(body, "state")
        )
    fields = _need(body, "user", "channel", "ts", "action_id")
    return await interactions.press(box, base, **fields, **_given(body, "block_id", "value", "state"))


async def _shortcut(box: Box, base: str, body: Json) -> Json:
    return await interactions.use_shortcut(box, base, **_need(body, "user", "channel", "ts", "callback_id"))


async def _submit(box: Box, _base: str, body: Json) -> Json:
    fields = _need(body, "user", "view_id")
    return await interactions.submit(box, **fields, values=object_at(body, "values"))


async def _close(box: Box, _base: str, body: Json) -> Json:
    return await interactions.close_view(box, **_need(body, "user", "view_id"))


def _home(box: Box, _base: str, body: Json) -> Json:
    return interactions.open_home(box, **_need(body, "user"))


async def _wait(box: Box, _base: str, body: Json) -> Json:
    fields = _given(body, "thread_ts", "contains", "event_type", "min_count", "timeout_s")
    channel = str(_need(body, "channel")["channel"])
    found = await world.wait_for(box, channel=channel, **fields)
    if found is None:
        return {"timed_out": True, "wanted": body, "seen": world.list_messages(box, channel, body.get("thread_ts"))}
    return {"messages": found}


def _faults(box: Box, _base: str, body: Json) -> Json:
    fields = _need(body, "method", "kind") | _given(body, "ms", "status", "retry_after")
    box.faults.arm(Fault(**fields), int(body.get("times") or 1))
    return {}


def _disconnect(box: Box, _base: str, body: Json) -> Json:
    reason = str(body.get("reason") or "refresh_requested")
    if reason not in {*DISCONNECT_REASONS, "abrupt"}:
        raise WorldError(f"There is no reason {reason!r}. {nearest(reason, {*DISCONNECT_REASONS, 'abrupt'})}")
    return {"connections": box.sockets.disconnect(reason)}
