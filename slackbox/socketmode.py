"""Socket Mode's connections: tickets, hello, disconnects, silence, abrupt drops."""

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from slackbox import limits
from slackbox.clock import Clock
from slackbox.connection import TRANSPORT, Connection
from slackbox.delivery import Delivery
from slackbox.errors import Refusal, WorldError, nearest
from slackbox.journal import Journal
from slackbox.jsons import Json, as_object

__all__ = ["DISCONNECT_REASONS", "TRANSPORT", "Lifetime", "SocketMode"]

WARNING: Final = "warning"
LINK_DISABLED: Final = "link_disabled"
ABRUPT: Final = "abrupt"
DISCONNECT_REASONS = frozenset({WARNING, "refresh_requested", LINK_DISABLED, "too_many_websockets"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long a connection lives, seconds (None: until it is asked to go), and with which reason it then ends."""

    seconds: float | None = None
    reason: str = "refresh_requested"

    def __post_init__(self) -> None:
        if self.reason not in {WARNING, "refresh_requested"}:
            raise WorldError(f"Slack ends a connection with warning or refresh_requested, not with {self.reason!r}.")
        if self.seconds is not None and self.seconds <= 0:
            raise WorldError(f"A connection must live longer than nothing; its lifetime is {self.seconds:g} seconds.")


class SocketMode:
    def __init__(
        self,
        *,
        app_id: str,
        clock: Clock,
        delivery: Delivery,
        journal: Journal,
        seed: int,
        lifetime: Lifetime | None = None,
    ) -> None:
        self._app_id = app_id
        self._clock = clock
        self._delivery = delivery
        self._journal = journal
        self._lifetime = lifetime or Lifetime()
        self._random = random.Random(seed + 1)
        self._tickets: dict[str, datetime] = {}
        self._used: set[str] = set()
        self._connections: dict[str, Connection] = {}
        self._count = 0
        self.enabled = True

    def issue(self, netloc: str) -> str:
        """A websocket address that opens once and within half a minute.

        Raises Refusal forbidden_team while Socket Mode is switched off.
        """
        if not self.enabled:
            raise Refusal("forbidden_team", messages=["Socket Mode is switched off for this app"])
        ticket = f"{self._random.getrandbits(128):032x}"
        self._tickets[ticket] = self._clock.now() + timedelta(seconds=limits.TICKET_SECONDS)
        return f"ws://{netloc}/link/?ticket={ticket}&app_id={self._app_id}"

    async def serve(self, socket: WebSocket) -> None:
        """The life of one connection, from its ticket to its end."""
        refused = self._spend(socket.query_params.get("ticket", ""))
        if refused is not None:
            self._journal.write("socket", event="refused", reason=refused)
            await socket.close(code=4001)
            return
        await socket.accept()
        self._count += 1
        connection = Connection(f"c{self._count}", socket)
        if len(self._connections) >= limits.SOCKET_CONNECTIONS:
            self._journal.write("socket", event="refused", reason="too_many_websockets", connection=connection.name)
            connection.send(self._disconnect_frame("too_many_websockets"))
            connection.close()
            await connection.pump()
            return
        await self._carry(connection)

    def describe(self) -> list[Json]:
        """The open connections, oldest first."""
        return [each.describe() for each in self._connections.values()]

    def disconnect(self, reason: str, *, connection: str | None = None, close_after_s: float | None = None) -> int:
        """Ask connections to go (reasons of DISCONNECT_REASONS) or, with "abrupt", cut them. Returns how many.

        A warning leaves the socket open for ten seconds, as Slack does; the others close it at once. `close_after_s`
        is for a close that comes later, or never for a negative one. Raises WorldError for an unknown reason or
        connection.
        """
        known = {*DISCONNECT_REASONS, ABRUPT}
        if reason not in known:
            raise WorldError(f"There is no reason {reason!r}. {nearest(reason, known)}")
        chosen = self._chosen(connection)
        self._journal.write("socket", event="disconnect", reason=reason, connections=[each.name for each in chosen])
        for each in chosen:
            if reason == ABRUPT:
                each.abort()
            else:
                self._ask_to_go(each, reason, close_after_s)
        return len(chosen)

    def switch(self, *, on: bool) -> int:
        """Switch Socket Mode off or on in the app's settings. Off: link_disabled, and no new connection can be opened.

        Returns how many connections were asked to go.
        """
        self.enabled = on
        self._journal.write("socket", event="enabled" if on else "disabled")
        return 0 if on else self.disconnect(LINK_DISABLED)

    def fall_silent(self, *, silent: bool = True, connection: str | None = None) -> int:
        """Let connections look open and do nothing: no pong, no frame, deaf to what arrives. Returns how many.

        Raises WorldError for an unknown connection.
        """
        chosen = self._chosen(connection)
        for each in chosen:
            self._journal.write("socket", event="silent" if silent else "heard", connection=each.name)
            each.fall_silent(silent=silent)
        return len(chosen)

    def _spend(self, ticket: str) -> str | None:
        """Use a ticket up; why it is refused, or None."""
        expires = self._tickets.pop(ticket, None)
        if expires is None:
            return "ticket used" if ticket in self._used else "ticket unknown"
        self._used.add(ticket)
        if expires < self._clock.now():
            return "ticket expired"
        return None if self.enabled else LINK_DISABLED

    def _chosen(self, connection: str | None) -> list[Connection]:
        if connection is None:
            return list(self._connections.values())
        if connection not in self._connections:
            raise WorldError(f"There is no connection {connection!r}. {nearest(str(connection), self._connections)}")
        return [self._connections[connection]]

    async def _carry(self, connection: Connection) -> None:
        self._connections[connection.name] = connection
        self._journal.write("socket", event="open", connection=connection.name)
        connection.send(self._hello())
        self._plan_end(connection)
        self._delivery.attach(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            await self._listen(connection)
        finally:
            del self._connections[connection.name]
            connection.forget_timers()
            self._journal.write("socket", event="closed", connection=connection.name)
            self._delivery.detach(connection)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _listen(self, connection: Connection) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await connection.socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._hear(connection, message.get("text"), message.get("bytes"))

    def _hear(self, connection: Connection, text: str | None, data: bytes | None) -> None:
        if connection.silent:
            self._journal.write("socket", event="unheard", connection=connection.name)
            return
        if text is None:
            self._journal.violation("frame_not_text", connection=connection.name, size=len(data or b""))
            return
        try:
            frame = as_object(json.loads(text))
        except (ValueError, RecursionError):
            frame = None
        if frame is None:
            self._journal.violation("frame_not_json", connection=connection.name, text=text[:200])
        else:
            self._delivery.acknowledge(connection, frame)

    def _plan_end(self, connection: Connection) -> None:
        life = self._lifetime
        if life.seconds is None:
            return
        notice = limits.DISCONNECT_NOTICE_SECONDS if life.reason == WARNING else 0
        seconds = max(0.0, life.seconds - notice)

        def end() -> None:
            self._journal.write("socket", event="disconnect", reason=life.reason, connections=[connection.name])
            self._ask_to_go(connection, life.reason, min(notice, life.seconds or 0))

        connection.timers.append(self._clock.call_later(seconds, end))

    def _ask_to_go(self, connection: Connection, reason: str, close_after_s: float | None) -> None:
        if close_after_s is None:
            close_after_s = limits.DISCONNECT_NOTICE_SECONDS if reason == WARNING else 0
        connection.leaving = True
        connection.send(self._disconnect_frame(reason))
        if close_after_s > 0:
            connection.timers.append(self._clock.call_later(close_after_s, connection.close))
        elif close_after_s == 0:
            connection.close()

    def _hello(self) -> Json:
        seconds = self._lifetime.seconds or limits.CONNECTION_SECONDS
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "slackbox", "build_number": 1, "approximate_connection_time": int(seconds)},
            "connection_info": {"app_id": self._app_id},
        }

    def _disconnect_frame(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "slackbox"}}
