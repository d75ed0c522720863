"""Socket Mode's connections: tickets, hello, disconnects, abrupt drops."""

import asyncio
import contextlib
import json
import random
from datetime import datetime, timedelta

from starlette.websockets import WebSocket, WebSocketDisconnect

from slackbox import limits
from slackbox.clock import Clock
from slackbox.delivery import Delivery
from slackbox.journal import Journal
from slackbox.jsons import Json, as_object

_CLOSE = "close"
TRANSPORT = "slackbox.transport"
DISCONNECT_REASONS = frozenset({"warning", "refresh_requested", "link_disabled", "too_many_websockets"})


class Connection:
    """One socket: frames wait in a queue so that senders never block."""

    def __init__(self, name: str, socket: WebSocket) -> None:
        self._name = name
        self.socket = socket
        self._frames: asyncio.Queue[Json | str] = asyncio.Queue()

    @property
    def name(self) -> str:
        return self._name

    def send(self, frame: Json) -> None:
        self._frames.put_nowait(frame)

    def close(self) -> None:
        """Close after what is queued has been sent."""
        self._frames.put_nowait(_CLOSE)

    def abort(self) -> None:
        """Cut the TCP connection without a closing handshake."""
        transport = self.socket.scope["state"].get(TRANSPORT)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    async def pump(self) -> None:
        """Send queued frames until the connection is to be closed."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (frame := await self._frames.get()) != _CLOSE:
                await self.socket.send_text(json.dumps(frame))
            await self.socket.close()


class SocketMode:
    def __init__(self, *, app_id: str, clock: Clock, delivery: Delivery, journal: Journal, seed: int) -> None:
        self._app_id = app_id
        self._clock = clock
        self._delivery = delivery
        self._journal = journal
        self._random = random.Random(seed + 1)
        self._tickets: dict[str, datetime] = {}
        self._connections: dict[str, Connection] = {}
        self._count = 0

    def issue(self, netloc: str) -> str:
        """A websocket address that opens once and within half a minute."""
        ticket = f"{self._random.getrandbits(128):032x}"
        self._tickets[ticket] = self._clock.now() + timedelta(seconds=limits.TICKET_SECONDS)
        return f"ws://{netloc}/link/?ticket={ticket}&app_id={self._app_id}"

    async def serve(self, socket: WebSocket) -> None:
        """The life of one connection, from its ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        expires = self._tickets.pop(ticket, None)
        if expires is None or expires < self._clock.now():
            self._journal.write("socket", event="refused", reason="ticket unknown, used or expired")
            await socket.close(code=4001)
            return
        await socket.accept()
        self._count += 1
        connection = Connection(f"c{self._count}", socket)
        if len(self._connections) >= limits.SOCKET_CONNECTIONS:
            connection.send(self._disconnect_frame("too_many_websockets"))
            connection.close()
            await connection.pump()
            return
        await self._carry(connection)

    async def _carry(self, connection: Connection) -> None:
        self._connections[connection.name] = connection
        self._journal.write("socket", event="open", connection=connection.name)
        connection.send(self._hello())
        self._delivery.attach(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            await self._listen(connection)
        finally:
            del self._connections[connection.name]
            self._delivery.detach(connection)
            self._journal.write("socket", event="closed", connection=connection.name)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _listen(self, connection: Connection) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                raw = await connection.socket.receive_text()
                try:
                    frame = as_object(json.loads(raw))
                except ValueError:
                    frame = None
                if frame is None:
                    self._journal.violation("frame_not_json", connection=connection.name, text=raw[:200])
                else:
                    self._delivery.acknowledge(connection, frame)

    def disconnect(self, reason: str) -> int:
        """Ask every connection to go (reasons of DISCONNECT_REASONS) or, with "abrupt", cut it. Returns how many.

        A warning leaves the socket open for ten seconds, as Slack does; the others close it at once.
        """
        self._journal.write("socket", event="disconnect", reason=reason, connections=len(self._connections))
        for connection in list(self._connections.values()):
            if reason == "abrupt":
                connection.abort()
                continue
            connection.send(self._disconnect_frame(reason))
            if reason == "warning":
                self._clock.call_later(10, connection.close)
            else:
                connection.close()
        return len(self._connections)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "slackbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }

    def _disconnect_frame(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "slackbox"}}
