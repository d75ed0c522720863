"""Serving over HTTP: one listening socket, /mcp beside the plain routes, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator

import uvicorn

from basecamp.bootstrap import Basecamp
from basecamp.errors import ConfigError
from basecamp.server import MCP_PATH, build_server, http_app
from basecamp.web import BearerGuard, routes

_DRAIN_SECONDS = 10
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves signals to the caller: uvicorn would raise them again and so skip the closing of backends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {host}:{port} ({error}); choose another --port or --host") from error
    # Inherited by what it accepts. asyncio does so itself only for sockets made with an explicit protocol number;
    # without it each answer waits 40 ms for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve_http(basecamp: Basecamp, listener: socket.socket, *, host: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let running requests end for at most 10 s."""
    app = http_app(build_server(basecamp.tools, basecamp.gate), routes(basecamp), host=host)
    token = basecamp.settings.auth.mcp_token
    if token is not None:
        app.add_middleware(BearerGuard, path=MCP_PATH, token=token)
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=_DRAIN_SECONDS)
    )
    names = ", ".join(tool.name for tool in basecamp.tools) or "no tools"
    _log.info("serving http://%s:%d%s with %s", host, listener.getsockname()[1], MCP_PATH, names)
    for absent in basecamp.absent:
        _log.info("absent: %s (%s)", absent.backend, absent.mend)

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    ending = asyncio.create_task(end())
    try:
        await server.serve(sockets=[listener])
    finally:
        ending.cancel()
