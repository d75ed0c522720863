"""Serving an ASGI application the way `aiops serve` does."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette


@asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncGenerator[int]:
    """Serve on loopback in this loop; the port that was taken."""
    # The protocol is named, because asyncio turns Nagle's algorithm off only then, and Nagle costs 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


async def stopped() -> None:
    """Until uvicorn has taken SIGTERM or SIGINT: it raises the signal again when it is done."""
    await asyncio.Event().wait()
