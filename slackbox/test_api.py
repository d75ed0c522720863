"""The test API: JSON over HTTP under /_test/, by which people and other senders act and tests look."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slackbox import chaos, happenings, interactions, modals, world
from slackbox.box import Box
from slackbox.errors import SlackboxError, WorldError
from slackbox.jsons import Json, as_object, object_at

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

    async def private(request: Request) -> Response:
        asked = {name: request.query_params.get(name) or None for name in ("user", "channel")}
        return _guarded(lambda: {"messages": world.list_ephemerals(box, **asked)})

    async def views(request: Request) -> Response:
        return _guarded(lambda: world.list_views(box, request.query_params.get("user", "")))

    async def clock(_request: Request) -> Response:
        return JSONResponse(chaos.describe_clock(box))

    async def connections(_request: Request) -> Response:
        return JSONResponse({"connections": box.sockets.describe()})

    gets = {
        "clock": clock,
        "connections": connections,
        "messages": messages,
        "journal": journal,
        "state": state,
        "ephemerals": private,
        "views": views,
    }
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
        "archive": _archive,
        "direct": _direct,
        "share_file": _share_file,
        "stop_stream": _stop_stream,
        "presence": _presence,
        "assistant": _assistant,
        "command": _command,
        "press": _press,
        "suggest": _suggest,
        "shortcut": _shortcut,
        "fill": _fill,
        "submit": _submit,
        "close": _close,
        "home": _home,
        "reload": _reload,
        "wait": _wait,
        "faults": _faults,
        "disconnect": _disconnect,
        "clear_faults": _clear_faults,
        "silence": _silence,
        "socket_mode": _socket_mode,
        "settle": _settle,
        "forgive": _forgive,
        "clock": _clock,
        "sleep": _sleep,
    }


def _post(box: Box, _base: str, body: Json) -> Json:
    fields = _need(body, "user", "channel", "text") | _given(body, "thread_ts", "reply_broadcast")
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


def _archive(box: Box, _base: str, body: Json) -> Json:
    happenings.archive(box, **_need(body, "user", "channel"), archived=body.get("archived") is not False)
    return {}


def _direct(box: Box, _base: str, body: Json) -> Json:
    return {"channel": happenings.open_direct(box, **_need(body, "user"))}


def _share_file(box: Box, base: str, body: Json) -> Json:
    fields = _need(body, "user", "channel", "filename", "text") | _given(body, "thread_ts")
    return happenings.share_file(box, base, **fields)


def _stop_stream(box: Box, _base: str, body: Json) -> Json:
    happenings.stop_stream(box, **_need(body, "user", "channel", "ts"))
    return {}


def _presence(box: Box, _base: str, body: Json) -> Json:
    happenings.set_presence(box, **_need(body, "user"), away=body.get("away") is not False)
    return {}


def _assistant(box: Box, _base: str, body: Json) -> Json:
    return happenings.assistant_thread(box, **_need(body, "channel", "thread_ts"))


async def _command(box: Box, base: str, body: Json) -> Json:
    fields = _need(body, "user", "channel", "command") | _given(body, "thread_ts")
    return await interactions.run_command(box, base, **fields, text=str(body.get("text") or ""))


async def _press(box: Box, base: str, body: Json) -> Json:
    confirm = body.get("confirm") is not False
    if body.get("view_id"):
        return await modals.press_in_view(
            box,
            **_need(body, "user", "view_id", "action_id"),
            block_id=body.get("block_id"),
            value=body.get("value"),
            state=object_at(body, "state"),
            confirm=confirm,
            base=base,
        )
    fields = _need(body, "user", "channel", "ts", "action_id")
    return await interactions.press(box, base, **fields, **_given(body, "block_id", "value", "state"), confirm=confirm)


async def _suggest(box: Box, _base: str, body: Json) -> Json:
    more = _given(body, "query", "block_id")
    if body.get("view_id"):
        return await modals.suggest_in_view(box, **_need(body, "user", "view_id", "action_id"), **more)
    return await interactions.suggest(box, **_need(body, "user", "channel", "ts", "action_id"), **more)


async def _shortcut(box: Box, base: str, body: Json) -> Json:
    if body.get("ts") is None and body.get("channel") is None:
        return await interactions.use_global_shortcut(box, **_need(body, "user", "callback_id"))
    return await interactions.use_shortcut(box, base, **_need(body, "user", "channel", "ts", "callback_id"))


async def _fill(box: Box, base: str, body: Json) -> Json:
    fields = _need(body, "user", "view_id")
    return await modals.fill(box, **fields, values=object_at(body, "values"), base=base)


async def _submit(box: Box, base: str, body: Json) -> Json:
    fields = _need(body, "user", "view_id")
    return await modals.submit(box, **fields, values=object_at(body, "values"), base=base)


async def _close(box: Box, _base: str, body: Json) -> Json:
    return await modals.close_view(box, **_need(body, "user", "view_id"), everything=bool(body.get("everything")))


def _home(box: Box, _base: str, body: Json) -> Json:
    return modals.open_home(box, **_need(body, "user"))


def _reload(box: Box, _base: str, body: Json) -> Json:
    return modals.reload(box, **_need(body, "user"))


async def _wait(box: Box, _base: str, body: Json) -> Json:
    fields = _given(body, "thread_ts", "contains", "event_type", "min_count", "timeout_s")
    channel = str(_need(body, "channel")["channel"])
    found = await world.wait_for(box, channel=channel, **fields)
    if found is None:
        return {"timed_out": True, "wanted": body, "seen": world.list_messages(box, channel, body.get("thread_ts"))}
    return {"messages": found}


def _faults(box: Box, _base: str, body: Json) -> Json:
    chaos.arm_from(box, body)
    return {}


def _clear_faults(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(body, ())
    return {"cleared": box.faults.clear()}


def _disconnect(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(body, ("reason", "connection", "close_after_s"))
    later = None if body.get("close_after_s") is None else chaos.number(body, "close_after_s")
    reason = str(body.get("reason") or "refresh_requested")
    return {"connections": box.sockets.disconnect(reason, connection=body.get("connection"), close_after_s=later)}


def _silence(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(body, ("connection", "silent"))
    silent = chaos.switch(body, "silent", default=True)
    return {"connections": box.sockets.fall_silent(silent=silent, connection=body.get("connection"))}


def _socket_mode(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(_need(body, "enabled"), ("enabled",))
    return {"connections": box.sockets.switch(on=chaos.switch(body, "enabled", default=True))}


async def _settle(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(body, ("timeout_s",))
    settled = await chaos.settle(box, 10 if body.get("timeout_s") is None else chaos.number(body, "timeout_s"))
    return {"waiting": box.delivery.waiting} | ({} if settled else {"timed_out": True})


def _forgive(box: Box, _base: str, body: Json) -> Json:
    chaos.refuse_others(body, ())
    return {"forgiven": box.delivery.forgive()}


async def _clock(box: Box, _base: str, body: Json) -> Json:
    return await chaos.move_clock(box, body)


async def _sleep(box: Box, _base: str, body: Json) -> Json:
    return await chaos.sleep(box, body)
