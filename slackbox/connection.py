"""One Socket Mode connection: what is sent on it, and how it can be made to fail."""

import asyncio
import contextlib
import json
from typing import Final, Protocol, runtime_checkable

from starlette.websockets import WebSocket, WebSocketDisconnect

from slackbox.clock import Timer
from slackbox.jsons import Json

# Where the server leaves the transport and the wire of a connection for the application.
TRANSPORT: Final = "slackbox.transport"
WIRE: Final = "slackbox.wire"


@runtime_checkable
class Wire(Protocol):
    """The websocket below the application, which answers pings and can be told to stop that."""

    def fall_silent(self, *, silent: bool) -> None:
        """From now on answer no ping and send none; or take that up again."""
        ...


class Connection:
    """One socket: frames wait in a queue so that senders never block."""

    def __init__(self, name: str, socket: WebSocket) -> None:
        self._name = name
        self.socket = socket
        self.leaving = False
        self.silent = False
        self.timers: list[Timer] = []
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()

    @property
    def name(self) -> str:
        return self._name

    def send(self, frame: Json) -> None:
        """Queue a frame as it is now; a silent connection loses it."""
        if not self.silent:
            self._frames.put_nowait(json.dumps(frame))

    def close(self) -> None:
        """Close after what is queued has been sent."""
        self._frames.put_nowait(None)

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        transport = self.socket.scope["state"].get(TRANSPORT)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def fall_silent(self, *, silent: bool) -> None:
        """Look open and do nothing, as a dead network path does; or come back. A closing handshake is still answered."""
        self.silent = silent
        wire = self.socket.scope["state"].get(WIRE)
        if isinstance(wire, Wire):
            wire.fall_silent(silent=silent)

    def forget_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def describe(self) -> Json:
        return {"name": self.name, "silent": self.silent, "leaving": self.leaving}

    async def pump(self) -> None:
        """Send queued frames until the connection is to be closed."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (frame := await self._frames.get()) is not None:
                await self.socket.send_text(frame)
            await self.socket.close()
