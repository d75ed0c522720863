"""Running the application on a real socket with uvicorn, inside the caller's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn

from slackbox import limits
from slackbox.app import build_app
from slackbox.box import Box
from slackbox.wire import HttpProtocol, SocketProtocol


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:  # pyright: ignore[reportIncompatibleMethodOverride] - a generator in uvicorn, the same to callers
        """Leave signals to whoever owns the event loop."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol; with it on, a call takes 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # At once, so that a second program finds the port taken and an early caller waits instead of being refused.
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


@contextlib.asynccontextmanager
async def serving(box: Box, bound: socket.socket) -> AsyncGenerator[None]:
    """Serve until the block ends; open connections are then closed within a second."""
    config = uvicorn.Config(
        build_app(box),
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_ping_interval=box.options.ping_seconds,
        ws_ping_timeout=limits.PONG_SECONDS,
        # Loopback gains nothing by compression, and undici, which Slack's JavaScript clients use, overlooks a close frame
        # that comes while it still unpacks the message before it.
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await asyncio.wait_for(server.ready.wait(), 10)
        yield
    finally:
        server.should_exit = True
        await task
        box.journal.close()
