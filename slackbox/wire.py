"""uvicorn's protocols, opened up so that the application can let a connection fail as a broken network would."""

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from slackbox.connection import TRANSPORT, WIRE


class HttpProtocol(H11Protocol):
    """Hands the transport to the application, so that it can cut a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn narrows it
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, TRANSPORT: transport}


class SocketProtocol(WebSocketsSansIOProtocol):
    """Answers pings with their own body and sends its own, unless it was told to fall silent.

    Keepalive is in real seconds under any clock: it is about a real connection, and a client counts in real seconds too.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, WIRE: self}, _loop)
        self._silent = False

    def fall_silent(self, *, silent: bool) -> None:
        """From now on answer no ping and send none; or take that up again."""
        self._silent = silent
        self.stop_keepalive()
        if not silent:
            self.start_keepalive()

    def handle_ping(self) -> None:
        if self._silent:
            self.conn.data_to_send()  # the pong that websockets has prepared
        else:
            super().handle_ping()
