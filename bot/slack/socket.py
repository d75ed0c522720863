"""
Staying connected by Socket Mode.

Slack closes every connection now and then (https://docs.slack.dev/apis/events-api/using-socket-mode). The library renews
one when Slack says so; this runner notices when it is simply gone, and after every hello it reads what was missed.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, cast

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import AiopsError, ChatError
from bot.slack.catchup import CatchUp
from bot.slack.client import is_loopback
from bot.slack.problems import translated

_log = logging.getLogger(__name__)
_PING_S: Final = 5.0
_LOOK_S: Final = 0.5
_CONNECT_S: Final = 20.0
_CLOSE_S: Final = 3.0
_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 30.0


class SocketRunner:
    """Keeps one Socket Mode connection open until it is cancelled."""

    def __init__(
        self,
        app: AsyncApp,
        *,
        app_token: str,
        client: AsyncWebClient,
        catch_up: CatchUp,
        now: Callable[[], datetime],
        longest_delay_s: float = _LONGEST_DELAY_S,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._client = client
        self._catch_up = catch_up
        self._now = now
        self._longest_delay_s = longest_delay_s
        self._socket: SocketModeClient | None = None
        self._hello = asyncio.Event()
        self._last_frame_at: datetime | None = None
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether Slack has said hello on a connection that is still open."""
        return self._connected

    @property
    def last_frame_at(self) -> datetime | None:
        """When Slack was last heard: a frame of any kind, answers to pings included."""
        pong = self._socket.last_ping_pong_time if self._socket is not None else None
        heard = datetime.fromtimestamp(pong, UTC) if pong is not None else None
        return max((each for each in (heard, self._last_frame_at) if each is not None), default=None)

    def why_away(self) -> str:
        """What is wrong with the connection, and since when, for whoever asks whether we are ready; empty when nothing is."""
        if self._connected:
            return ""
        heard = self.last_frame_at
        when = f"Slack was last heard at {heard:%Y-%m-%d %H:%M:%S} UTC" if heard else "Slack has not been heard yet"
        return f"Socket Mode is not connected; {when}"

    async def run(self) -> None:
        """Connect and reconnect for ever, waiting longer after each failure. Ends only by cancellation."""
        delay = _FIRST_DELAY_S
        while True:
            try:
                await self._hold_connection()
                delay = _FIRST_DELAY_S
            except (ChatError, aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.warning("No Socket Mode connection, next try in about %.1f s: %s", delay, error)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, self._longest_delay_s)

    async def _hold_connection(self) -> None:
        """Open a connection and return when it is lost. Raises ChatError when there is none to be had."""
        with translated("apps.connections.open"):
            answer = await self._client.apps_connections_open(app_token=self._app_token)
        socket = self._make_socket(str(answer.get("url", "")))
        self._socket = socket
        self._hello.clear()
        try:
            async with asyncio.timeout(_CONNECT_S):
                await socket.connect()
                await self._hello.wait()
            await self._watch(socket)
        finally:
            self._connected = False
            self._catch_up.fall_behind()
            self._socket = None
            await _close(socket)

    def _make_socket(self, url: str) -> SocketModeClient:
        socket = SocketModeClient(
            app_token=self._app_token, web_client=self._client, auto_reconnect_enabled=False, ping_interval=_PING_S
        )
        socket.wss_uri = url
        if is_loopback(url):
            socket.proxy = None
        socket.message_listeners.append(self._on_frame)
        socket.socket_mode_request_listeners.append(self._on_request)
        return socket

    async def _on_frame(
        self, _socket: AsyncBaseSocketModeClient, message: dict[str, object], _raw: str | None = None
    ) -> None:
        self._last_frame_at = self._now()
        if message.get("type") == "hello":
            self._connected = True
            self._catch_up.fall_behind()
            self._hello.set()

    async def _on_request(self, socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        response = await run_async_bolt_app(self._app, request)
        await send_async_response(socket, request, response, start_time=0.0)

    async def _watch(self, socket: SocketModeClient) -> None:
        """Catch up after every hello; return when the connection has been gone at two looks in a row.

        One look may fall into the moment in which the library changes over to a new connection.
        """
        missing = 0
        delay, not_before = _FIRST_DELAY_S, 0.0
        loop = asyncio.get_running_loop()
        while missing < 2:
            if not self._catch_up.is_current() and loop.time() >= not_before:
                delay = _FIRST_DELAY_S if await self._try_catch_up() else min(delay * 2, self._longest_delay_s)
                not_before = loop.time() + delay
            self._hello.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._hello.wait()
            missing = 0 if await socket.is_connected() else missing + 1

    async def _try_catch_up(self) -> bool:
        try:
            await self._catch_up.run()
        except AiopsError as error:
            _log.warning("Could not read what was missed in the watched channels, trying again soon: %s", error)
            return False
        return True


async def _close(socket: SocketModeClient) -> None:
    """Close a connection and wait until the library's tasks for it have ended."""
    names = ("message_processor", "current_session_monitor", "message_receiver")
    made = [cast("asyncio.Future[None] | None", getattr(socket, name)) for name in names]
    tasks = [task for task in made if task is not None]
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_CLOSE_S):
            await socket.close()
    await asyncio.gather(*tasks, return_exceptions=True)
