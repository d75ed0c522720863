"""What the browser page needs: itself, what one person may see, every change after that, and what they have read."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from slackbox import world
from slackbox.box import Box
from slackbox.errors import WorldError
from slackbox.jsons import Json, as_object, text_at
from slackbox.methods.people import describe as describe_person
from slackbox.workspace import Channel, Post

PAGE: Final = Path(__file__).parent / "page"
# How many messages of a channel the page gets at a time; older ones come when somebody scrolls to them.
HISTORY: Final = 100
# Nothing but this server is ever asked for anything; pictures of programs on the same machine may be shown.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: http://127.0.0.1:* http://localhost:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

# Changes that concern those who see the channel, and those that concern one person.
_IN_A_CHANNEL: Final = frozenset({"message", "changed", "deleted", "status", "assistant", "channel"})
_PERSONAL: Final = frozenset({"ephemeral", "views", "read"})

Reads = defaultdict[str, dict[str, str]]


class _Assets(StaticFiles):
    """The page's own files, asked for anew each time so that an upgrade shows at once."""

    def file_response(self, *args: object, **more: object) -> Response:
        response = super().file_response(*args, **more)  # pyright: ignore[reportArgumentType] - passed on as they came
        response.headers["cache-control"] = "no-cache"
        return response

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["x-content-type-options"] = "nosniff"
        return response


def routes(box: Box) -> list[BaseRoute]:
    reads: Reads = defaultdict(dict)

    async def index(_request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers=dict(HEADERS))

    async def state(request: Request) -> Response:
        return _guarded(lambda: snapshot(box, person_of(box, request.query_params.get("user")), reads))

    async def messages(request: Request) -> Response:
        return _guarded(lambda: history(box, request.query_params))

    async def file(request: Request) -> Response:
        return _file(box, request.path_params["file"], request.query_params)

    async def read(request: Request) -> Response:
        # A page of another origin cannot send this content type without asking first.
        if not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "Send JSON with content-type: application/json."}, 415)
        body = as_object(json.loads(await request.body() or b"{}")) or {}
        return _guarded(lambda: _mark_read(box, reads, body))

    async def live(socket: WebSocket) -> None:
        await stream(box, socket, reads)

    return [
        Route("/", index),
        Route("/archives/{channel}/{message}", index),
        Route("/_page/state", state),
        Route("/_page/messages", messages),
        Route("/_page/file/{file}", file),
        Route("/_page/read", read, methods=["POST"]),
        WebSocketRoute("/_page/live", live),
        Mount("/_page", _Assets(directory=PAGE)),
    ]


def person_of(box: Box, name: str | None) -> str:
    """The id of the person a page is open for; the first one when the name says nothing. Raises WorldError."""
    if name:
        return box.workspace.get_person(name).id
    return next(person.id for person in box.workspace.people.values() if not person.is_bot)


def snapshot(box: Box, user: str, reads: Reads) -> Json:
    """Everything one person's page shows at first. No ephemeral messages: a new page never has them."""
    names = box.workspace.names
    screen = box.views.screen(user)
    rooms = [room for room in box.workspace.channels.values() if _sees(room, user)]
    return {
        "type": "hello",
        "me": user,
        "team": names.team_name,
        "bot": {"user": names.bot_user, "id": names.bot, "name": box.manifest.bot_name, "home": box.manifest.home_tab},
        "channels": [_room(room) for room in rooms],
        "people": [describe_person(person, names.team) for person in box.workspace.people.values()],
        "groups": [
            {"id": group.id, "handle": group.handle, "name": group.name, "users": list(group.users)}
            for group in box.workspace.groups.values()
        ],
        "commands": [
            {
                "command": each.command,
                "description": each.description,
                "hint": each.usage_hint,
                "escapes": each.should_escape,
            }
            for each in box.manifest.commands
        ],
        "shortcuts": [
            {"name": each.name, "callback_id": each.callback_id, "kind": each.kind} for each in box.manifest.shortcuts
        ],
        "messages": {room.id: _rendered(box, _top(room)[-HISTORY:]) for room in rooms},
        "reads": reads[user],
        "assistant": _assistant(box, rooms),
        "screen": {"stack": screen.stack, "home": screen.home},
        **world.describe_state(box),
    }


def history(box: Box, query: Mapping[str, str]) -> Json:
    """Older messages of a channel (`before`), or a whole thread (`thread`). Raises WorldError."""
    room = box.workspace.get_channel(query.get("channel", ""))
    if not _sees(room, person_of(box, query.get("user"))):
        raise WorldError(f"This person is not in #{room.name}.")
    thread = query.get("thread")
    if thread:
        parent = room.posts.get(thread)
        return {"messages": _rendered(box, [*([parent] if parent else []), *box.workspace.replies(room, thread)])}
    older = [post for post in _top(room) if post.ts < query.get("before", "~")]
    return {"messages": _rendered(box, older[-HISTORY:]), "more": len(older) > HISTORY}


async def stream(box: Box, socket: WebSocket, reads: Reads) -> None:
    """Send what a person's page shows, then every change that concerns them, until the page goes away."""
    origin = socket.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != socket.headers.get("host"):
        # Browsers let any site open a websocket; only this page may read along.
        await socket.close()
        return
    try:
        user = person_of(box, socket.query_params.get("user"))
    except WorldError:
        user = person_of(box, None)
    await socket.accept()
    # Subscribed before the state is taken, so that nothing falls between the two.
    queue = box.feed.subscribe()
    sender = asyncio.create_task(_send(box, socket, queue, user, reads))
    try:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await socket.receive_text()
    finally:
        box.feed.unsubscribe(queue)
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender


async def _send(box: Box, socket: WebSocket, queue: asyncio.Queue[Json], user: str, reads: Reads) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(json.dumps(snapshot(box, user, reads)))
        while True:
            shown = _for_person(box, await queue.get(), user)
            if shown is not None:
                await socket.send_text(json.dumps(shown))


def _for_person(box: Box, change: Json, user: str) -> Json | None:
    """A change as this person's page gets it; None when it is none of their business."""
    kind = change["type"]
    if kind in _IN_A_CHANNEL:
        return _in_channel(box, change, user)
    if kind in _PERSONAL:
        return change if change["user"] == user else None
    if kind == "unacked" or (kind == "journal" and change.get("kind") == "violation"):
        return {"type": "state", **world.describe_state(box)}
    return change if kind == "connections" else None


def _in_channel(box: Box, change: Json, user: str) -> Json | None:
    room = box.workspace.channels.get(text_at(change, "channel"))
    if room is None:
        return None
    seen = _sees(room, user)
    if change["type"] == "channel":
        return {"type": "channel", "channel": _room(room), "gone": True} if not seen else _opened(box, room)
    if not seen:
        return None
    if change["type"] == "status":
        return change | _loading(box, room.id, text_at(change, "thread_ts"))
    left = room.posts.get(text_at(change, "ts")) if change["type"] == "deleted" else None
    if left is not None:
        # A deleted parent with replies stays as a line that says so.
        return {"type": "changed", "channel": room.id, "message": box.workspace.render(left, metadata=True)}
    return change


def _loading(box: Box, channel: str, thread_ts: str) -> Json:
    """The words that take turns while the app's status stands."""
    return {"loading_messages": box.workspace.assistant.get((channel, thread_ts), {}).get("loading_messages", [])}


def _opened(box: Box, room: Channel) -> Json:
    """A channel that is new to the page or not what it was, with what it shows."""
    return {
        "type": "channel",
        "channel": _room(room),
        "gone": False,
        "messages": _rendered(box, _top(room)[-HISTORY:]),
    }


def _sees(room: Channel, user: str) -> bool:
    return not room.is_private or user in room.members


def _room(room: Channel) -> Json:
    return {
        "id": room.id,
        "name": room.name,
        "topic": room.topic,
        "is_private": room.is_private,
        "is_im": room.is_im,
        "is_mpim": room.is_mpim,
        "is_archived": room.is_archived,
        "members": sorted(room.members),
        "pins": {pin.ts: pin.user for pin in room.pins.values()},
    }


def _top(room: Channel) -> list[Post]:
    """What a channel itself shows: messages outside threads and replies that were also sent to the channel."""
    return [
        post for post in room.posts.values() if post.thread_ts is None or post.body.get("subtype") == "thread_broadcast"
    ]


def _rendered(box: Box, posts: list[Post]) -> list[Json]:
    return [box.workspace.render(post, metadata=True) for post in posts]


def _assistant(box: Box, rooms: list[Channel]) -> list[Json]:
    """What the app says it is doing in threads of these channels, their titles and suggested prompts."""
    seen = {room.id for room in rooms}
    return [
        {"channel": channel, "thread_ts": thread, **what}
        for (channel, thread), what in box.workspace.assistant.items()
        if channel in seen
    ]


def _mark_read(box: Box, reads: Reads, body: Json) -> Json:
    """A person has read a channel up to a message, or marked it unread from one on."""
    user = person_of(box, text_at(body, "user"))
    room, ts = box.workspace.get_channel(text_at(body, "channel")), text_at(body, "ts", "0")
    reads[user][room.id] = ts
    box.feed.publish({"type": "read", "user": user, "channel": room.id, "ts": ts})
    return {"ts": ts}


def _file(box: Box, name: str, query: Mapping[str, str]) -> Response:
    """A file's bytes. Only pictures are ever shown by the browser; all else is saved.

    With `shown` a block asks for a picture by the id that the app named; one that is not there is no content, which the
    page draws as a frame with the picture's description.
    """
    found = box.workspace.files.get(name)
    person = person_of(box, query.get("user"))
    rooms = [box.workspace.channels[each] for each in found.shares if each in box.workspace.channels] if found else []
    allowed = "shown" in query or any(_sees(room, person) for room in rooms)
    if found is None or found.state != "complete" or not allowed:
        missing = JSONResponse({"error": f"There is no file {name!r} that this person can see."}, 404)
        return Response(status_code=204) if "shown" in query else missing
    kind = str(found.describe("")["mimetype"])
    is_picture = kind in {"image/png", "image/jpeg", "image/gif", "image/webp"}
    headers = {
        "content-disposition": "inline" if is_picture else "attachment",
        "content-security-policy": "default-src 'none'",
        "x-content-type-options": "nosniff",
    }
    return Response(found.data, media_type=kind if is_picture else "application/octet-stream", headers=headers)


def _guarded(look: Callable[[], Json]) -> Response:
    try:
        return JSONResponse(look(), headers={"cache-control": "no-store"})
    except WorldError as error:
        return JSONResponse({"error": str(error)}, 400)
