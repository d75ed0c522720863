"""What the browser page needs: itself, the whole state once, and every change after that."""

import asyncio
import contextlib
import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from slackbox import world
from slackbox.box import Box
from slackbox.jsons import Json
from slackbox.methods.conversations import describe as describe_channel
from slackbox.methods.people import describe as describe_person

PAGE = Path(__file__).parent / "page"
SHOWN = frozenset(
    {"message", "changed", "deleted", "ephemeral", "views", "status", "connections", "unacked", "violation"}
)


def routes(box: Box) -> list[BaseRoute]:
    async def index(_request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"cache-control": "no-store"})

    async def state(_request: Request) -> Response:
        return JSONResponse(snapshot(box), headers={"cache-control": "no-store"})

    async def live(socket: WebSocket) -> None:
        await stream(box, socket)

    return [
        Route("/", index),
        Route("/archives/{channel}/{message}", index),
        Route("/_page/state", state),
        WebSocketRoute("/_page/live", live),
        Mount("/_page", StaticFiles(directory=PAGE)),
    ]


def snapshot(box: Box) -> Json:
    """Everything the page shows at first."""
    names = box.workspace.names
    return {
        "team": names.team_name,
        "bot": {"user": names.bot_user, "id": names.bot, "name": box.manifest.bot_name},
        "channels": [describe_channel(room, names.bot_user) for room in box.workspace.channels.values()],
        "people": [describe_person(person, names.team) for person in box.workspace.people.values()],
        "groups": [{"id": group.id, "handle": group.handle} for group in box.workspace.groups.values()],
        "commands": [
            {"command": each.command, "description": each.description, "hint": each.usage_hint}
            for each in box.manifest.commands
        ],
        "shortcuts": [{"name": each.name, "callback_id": each.callback_id} for each in box.manifest.shortcuts],
        "messages": {name: world.list_messages(box, name) for name in box.workspace.channels},
        "screens": {user: {"stack": screen.stack, "home": screen.home} for user, screen in box.views.screens.items()},
        "state": world.describe_state(box),
    }


async def stream(box: Box, socket: WebSocket) -> None:
    """Send changes to one page until it goes away."""
    origin = socket.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != socket.headers.get("host"):
        # Browsers let any site open a websocket; only this page may read along.
        await socket.close()
        return
    await socket.accept()
    queue = box.feed.subscribe()
    sender = asyncio.create_task(_send(socket, queue))
    try:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await socket.receive_text()
    finally:
        box.feed.unsubscribe(queue)
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender


async def _send(socket: WebSocket, queue: asyncio.Queue[Json]) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            change = await queue.get()
            if change["type"] in SHOWN:
                await socket.send_text(json.dumps(change))
